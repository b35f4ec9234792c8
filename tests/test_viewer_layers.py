from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from brainstack.viewer_layers import MOST_SEGMENTS, layers_in


def layer(folder: Path, name: str, **info: Any) -> Path:
    path = folder / name
    path.mkdir(parents=True)
    (path / "info").write_text(json.dumps({key.replace("at_type", "@type"): value for key, value in info.items()}))
    return path


def volume(folder: Path, name: str, kind: str, **more: Any) -> Path:
    return layer(folder, name, at_type="neuroglancer_multiscale_volume", type=kind, scales=[], **more)


def named(path: Path, ids: list[int], **properties: list[str]) -> None:
    """Give the labels of a volume names, or other properties."""
    columns = [{"id": name, "type": "string", "values": values} for name, values in properties.items()]
    inline = {"ids": [str(one) for one in ids], "properties": columns}
    layer(path, "names", at_type="neuroglancer_segment_properties", inline=inline)


def test_every_layer_is_found_by_its_info(tmp_path: Path) -> None:
    volume(tmp_path, "C1T", "image")
    volume(tmp_path, "atlas", "image", num_channels=1)
    volume(tmp_path, "nuclei", "segmentation")
    volume(tmp_path, "shell", "segmentation")
    layer(tmp_path, "barrels", at_type="neuroglancer_legacy_mesh")
    layer(tmp_path, "cells", at_type="neuroglancer_annotations_v1", annotation_type="POINT")
    layer(tmp_path, "tracts", at_type="neuroglancer_annotations_v1", annotation_type="line")
    (tmp_path / "nothing").mkdir()
    (tmp_path / "a_file").touch()

    found = layers_in(tmp_path, but={"C1T"})

    kinds = [(one["name"], one["type"]) for one in found]
    assert kinds == [
        ("atlas", "image"),
        ("shell", "segmentation"),
        ("barrels", "segmentation"),
        ("nuclei", "segmentation"),
        ("cells", "annotation"),
        ("tracts", "annotation"),
    ]
    assert all(one["source"] == f"precomputed://{one['name']}" for one in found)
    assert found[-1]["annotationColor"] != found[-2]["annotationColor"]
    assert "setPointMarkerSize" in found[-2]["shader"]
    assert "shader" not in found[-1]


def test_what_is_on_the_way_to_a_volume_is_left_out(tmp_path: Path) -> None:
    for name in ("C1T_rechunkme", "mesh_input", ".shell.part"):
        volume(tmp_path, name, "segmentation")
    assert layers_in(tmp_path) == []
    assert layers_in(tmp_path / "not there") == []


def test_structures_are_chosen_with_the_colours_of_their_table(tmp_path: Path) -> None:
    named(
        volume(tmp_path, "nuclei", "segmentation", segment_properties="names"),
        [3, 200],
        label=["7N", "perifacial"],
        color=["#0CFF95", ""],
    )
    (found,) = layers_in(tmp_path)
    assert found["segments"] == ["3", "200"]
    assert found["segmentColors"] == {"3": "#0CFF95"}


def test_of_very_many_labels_none_is_chosen(tmp_path: Path) -> None:
    many = list(range(1, MOST_SEGMENTS + 2))
    named(
        volume(tmp_path, "atlas", "segmentation", segment_properties="names"),
        many,
        label=[f"region {one}" for one in many],
    )
    assert layers_in(tmp_path)[0]["segments"] == []


def test_the_shell_is_there_without_names_as_well(tmp_path: Path) -> None:
    volume(tmp_path, "shell", "segmentation")
    (found,) = layers_in(tmp_path)
    assert found["segments"] == ["1"]
    assert found["objectAlpha"] < 1


def test_labels_meshed_otherwise_are_there_to_be_switched_on(tmp_path: Path) -> None:
    for name in ("nuclei", "shell"):
        named(volume(tmp_path, name, "segmentation", segment_properties="names"), [1], label=["one"])
        layer(
            tmp_path,
            f"{name}_mip_1_err_20",
            at_type="neuroglancer_multilod_draco",
            segment_properties=f"../{name}/names",
        )
    found = {one["name"]: one for one in layers_in(tmp_path)}
    assert [name for name, one in found.items() if one.get("visible", True)] == ["shell", "nuclei"]
    assert found["nuclei_mip_1_err_20"]["segments"] == ["1"]
    assert found["shell_mip_1_err_20"]["objectAlpha"] < 1


def test_an_info_that_cannot_be_read_is_said_and_hides_no_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    volume(tmp_path, "nuclei", "segmentation")
    volume(tmp_path, "broken", "segmentation").joinpath("info").write_text("{")
    bad_names = volume(tmp_path, "bad names", "segmentation", segment_properties="names")
    layer(bad_names, "names", inline={"ids": ["one"], "properties": [{}]})
    with caplog.at_level(logging.WARNING):
        assert [one["name"] for one in layers_in(tmp_path)] == ["bad names", "nuclei"]
    assert "broken/info cannot be read" in caplog.text
    assert "bad names/names/info is not as Neuroglancer wants it" in caplog.text
