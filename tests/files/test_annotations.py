"""Layers of annotations as Neuroglancer reads them: by the schema, by a reader of our own, by Neuroglancer's."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
import referencing
import yaml
from annotation_reader import Annotation, Layer
from layers import SIZE_UM, made_up, points

from brainstack.errors import BrainstackError
from brainstack.files.annotations import is_annotations, read_info, write_annotations
from brainstack.point_layer import KINDS, Kind, PointLayer, Relationship

SCHEMAS = Path(__file__).parents[1] / "data" / "neuroglancer_json_schema"
COUNT = 700


def check_against_the_schema(info: dict[str, Any]) -> None:
    schemas = {name: yaml.safe_load((SCHEMAS / f"{name}.yml").read_text()) for name in ("annotation", "sharding")}
    # Slips of the schema: see the README beside it.
    schemas["annotation"]["required"] = [
        "@type",
        "dimensions",
        "lower_bound",
        "upper_bound",
        "annotation_type",
        "by_id",
    ]
    level = schemas["annotation"]["properties"]["spatial"]["items"]
    level["required"] = ["key", "grid_shape", "chunk_size", "limit"]
    registry = referencing.Registry().with_resources(
        (schema["$id"], referencing.Resource.from_contents(schema)) for schema in schemas.values()
    )
    jsonschema.Draft7Validator(schemas["annotation"], registry=registry).validate(info)


def write(path: Path, layer: PointLayer, most_in_cell: int = 100) -> dict[str, Any]:
    return write_annotations(path, layer, name="cells.csv", size_um=SIZE_UM, most_in_cell=most_in_cell)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[PointLayer, Path]]:
    """A layer of each kind, and where it was written."""
    made: dict[str, tuple[PointLayer, Path]] = {}

    def of(kind: Kind) -> tuple[PointLayer, Path]:
        if kind not in made:
            layer = made_up(kind, COUNT)
            # Ids that lie unevenly, as those of other programs do.
            layer = replace(layer, ids=(layer.ids * 977 % 1000 + (720575940 << 30)).astype(np.uint64))
            made[kind] = layer, tmp_path_factory.mktemp("layers") / kind
            write(made[kind][1], layer)
        return made[kind]

    return of  # type: ignore[return-value]


def wanted_of(layer: PointLayer, row: int) -> Annotation:
    said = {}
    for one in layer.properties:
        value = one.values[row].tolist()
        said[one.name] = one.labels[value] if one.labels else tuple(value) if isinstance(value, list) else value
    places = layer.places_um[layer.starts[row] : layer.starts[row + 1]].astype("f4")
    related = {}
    for one in layer.relationships:
        start = int(one.counts[:row].sum())
        related[one.name] = one.ids[start : start + one.counts[row]].tolist()
    return Annotation(int(layer.ids[row]), [tuple(place) for place in places.tolist()], said, related)


@pytest.mark.parametrize("kind", KINDS)
class TestEachKind:
    def test_the_info_is_as_the_schema_wants_it(self, written: Any, kind: str) -> None:
        _, path = written(kind)
        info = read_info(path)
        check_against_the_schema(info)
        assert info["annotation_type"] == kind
        for level in info["spatial"]:
            assert np.multiply(level["grid_shape"], level["chunk_size"]).tolist() == list(SIZE_UM)

    def test_each_is_found_by_its_id_with_all_that_is_said_of_it(self, written: Any, kind: str) -> None:
        layer, path = written(kind)
        found = Layer(path).by_id()
        assert found == {int(layer.ids[row]): wanted_of(layer, row) for row in range(COUNT)}

    def test_each_is_in_one_level_in_all_cells_that_it_touches(self, written: Any, kind: str) -> None:
        layer, path = written(kind)
        reader, low_high = Layer(path), layer.bounds_um()
        bounds = {int(layer.ids[row]): (low_high[0][row], low_high[1][row]) for row in range(COUNT)}
        by_id = reader.by_id()
        seen: dict[int, int] = {}
        for number, level in enumerate(reader.info["spatial"]):
            for cell, some in reader.level(number).items():
                assert 0 < len(some) <= level["limit"] <= 100
                assert len({one.id for one in some}) == len(some)
                low, high = reader.bounds_of(number, cell)
                for one in some:
                    assert seen.setdefault(one.id, number) == number, "in two levels"
                    assert one == replace(by_id[one.id], related={})
                    assert (bounds[one.id][0] <= high).all()
                    assert (bounds[one.id][1] >= low).all()
        assert len(seen) == COUNT

    def test_relationships_are_complete(self, written: Any, kind: str) -> None:
        layer, path = written(kind)
        wanted: dict[int, set[int]] = {}
        for row in range(COUNT):
            for other in wanted_of(layer, row).related["structure"]:
                wanted.setdefault(other, set()).add(int(layer.ids[row]))
        found = Layer(path).related("structure")
        assert {other: {one.id for one in some} for other, some in found.items()} == wanted

    def test_neuroglancers_own_reader_agrees(self, written: Any, kind: str) -> None:
        from neuroglancer.read_precomputed_annotations import AnnotationReader

        layer, path = written(kind)
        reader = AnnotationReader(f"file://{path}/")
        for row in range(0, COUNT, 60):
            wanted = wanted_of(layer, row)
            one = reader.by_id[wanted.id]
            told = {spec.id: np.array(value).tolist() for spec, value in zip(reader.properties, one.props, strict=True)}
            assert told["score"] == wanted.properties["score"]
            assert told["shift"] == wanted.properties["shift"]
            assert tuple(told["shade"]) == wanted.properties["shade"]
            assert [[int(other) for other in some] for some in one.segments] == [wanted.related["structure"]]
        if kind == "point":
            assert len(list(reader.get_within_spatial_bounds())) == COUNT


def test_a_layer_of_one_cell_is_a_plain_file(tmp_path: Path) -> None:
    write(tmp_path / "few", points((1, 2, 3), (4, 5, 6)))
    assert (tmp_path / "few/spatial0/0_0_0").stat().st_size == 8 + 2 * 12 + 2 * 8
    assert sorted(path.name for path in (tmp_path / "few").iterdir()) == ["by_id", "info", "spatial0"]


def test_a_million_points_are_a_few_files_of_which_the_first_is_small(tmp_path: Path) -> None:
    info = write(
        tmp_path / "many", replace(made_up("point", 20000), properties=(), relationships=()), most_in_cell=1000
    )
    files = [path for path in (tmp_path / "many").rglob("*") if path.is_file()]
    assert len(files) == 2 + len(info["spatial"])
    assert (tmp_path / "many/spatial0/0_0_0").stat().st_size == 8 + 1000 * 20


def test_the_same_layer_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "other"):
        write(tmp_path / name, made_up("line", 300))

    def content(name: str) -> dict[str, bytes]:
        files = [path for path in (tmp_path / name).rglob("*") if path.is_file()]
        return {str(path.relative_to(tmp_path / name)): path.read_bytes() for path in files}

    assert content("one") == content("other")


def test_a_layer_that_cannot_be_leaves_the_one_before(tmp_path: Path) -> None:
    write(tmp_path / "cells", points((1, 2, 3)))
    before = (tmp_path / "cells/info").read_bytes()
    with pytest.raises(BrainstackError, match="reaches out of the volume"):
        write(tmp_path / "cells", points((1, 2, 3000)))
    assert (tmp_path / "cells/info").read_bytes() == before
    write(tmp_path / "cells", points((1, 2, 3), (4, 5, 6)))
    assert len(Layer(tmp_path / "cells").by_id()) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["cells"]


def test_a_writer_that_is_stopped_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("brainstack.files.annotations.write_json", stopped)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "cells", points((1, 2, 3)))
    assert list(tmp_path.iterdir()) == []


def test_nobody_related_is_no_index(tmp_path: Path) -> None:
    nobody = Relationship("structure", np.zeros(1, np.int64), np.zeros(0, np.uint64))
    info = write(tmp_path / "cells", replace(points((1, 2, 3)), relationships=(nobody,)))
    check_against_the_schema(info)
    assert info["relationships"] == [{"id": "structure", "key": "related_structure"}]
    assert Layer(tmp_path / "cells").by_id()[1].related == {"structure": []}
    assert Layer(tmp_path / "cells").related("structure") == {}


def test_what_is_no_layer_of_annotations_is_told_from_one(tmp_path: Path) -> None:
    write(tmp_path / "cells", points((1, 2, 3)))
    (tmp_path / "volume").mkdir()
    (tmp_path / "volume/info").write_text(json.dumps({"@type": "neuroglancer_multiscale_volume"}))
    assert [is_annotations(tmp_path / name) for name in ("cells", "volume", "nothing")] == [True, False, False]
    with pytest.raises(BrainstackError, match="holds no layer of annotations"):
        read_info(tmp_path / "volume")
