from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from known_animal import database_with_dk39
from layers import points

from brainstack.animal_folder import AnimalFolder
from brainstack.database import open_database
from brainstack.errors import BrainstackError
from brainstack.files.point_csv import read_points, write_points
from brainstack.point_sources import digests, points_file, sources, take_in_points, write_selection
from brainstack.points import CELLS, AnnotationSession, Point, Selection
from brainstack.stamps import Step


@pytest.fixture
def folder(tmp_path: Path) -> AnimalFolder:
    return AnimalFolder(tmp_path / "DK39")


@pytest.fixture
def url(tmp_path: Path) -> str:
    return database_with_dk39(f"sqlite:///{tmp_path / 'brainstack.db'}")


def mark(url: str, *places: Point) -> None:
    with open_database(url) as database:
        database.add_annotations("DK39", [AnnotationSession(CELLS, places)])


def test_a_layer_of_points_is_a_step_that_its_points_and_the_volume_decide(docs: ModuleType) -> None:
    plan = replace(docs.example("Gray16"), points={"cells": "a", "fibres": "b"})
    cells, fibres = plan.steps("PointVolume")
    assert [cells, fibres] == [Step("PointVolume", 0, "cells"), Step("PointVolume", 0, "fibres")]
    assert [one.step for one in plan.inputs(cells)] == [Step("Transforms")]
    after = replace(plan, points={"cells": "other", "fibres": "b"})
    assert after.own_ingredients(cells) != plan.own_ingredients(cells)
    assert after.own_ingredients(fibres) == plan.own_ingredients(fibres)
    coarser = plan.settings.model_copy(update={"points": plan.settings.points.model_copy(update={"most_in_cell": 500})})
    assert replace(plan, settings=coarser).own_ingredients(cells) != plan.own_ingredients(cells)


def test_an_animal_without_layers_asks_no_database(folder: AnimalFolder) -> None:
    assert sources(folder) == []
    assert digests(folder, "sqlite:////nowhere/at/all.db") == {}


def test_a_csv_counts_by_its_content(folder: AnimalFolder, url: str) -> None:
    write_points(folder.points("cells"), points((1, 2, 3)))
    first = digests(folder, url)
    folder.points("cells").touch()
    assert digests(folder, url) == first
    write_points(folder.points("cells"), points((1, 2, 4)))
    assert digests(folder, url) != first
    assert points_file(folder, "cells") == folder.points("cells")


def test_points_of_the_database_are_kept_as_a_file_while_they_are_the_same(folder: AnimalFolder, url: str) -> None:
    write_selection(folder.points("cells", ".json"), Selection(CELLS))
    take_in_points(folder, url)
    with pytest.raises(
        BrainstackError, match=r"The database has no points for the layer cells, as .* asks for; mark some"
    ):
        points_file(folder, "cells")

    mark(url, Point(1, 2, 3))
    before = digests(folder, url)
    take_in_points(folder, url)
    kept = points_file(folder, "cells")
    assert read_points(kept).places_um.tolist() == [[1, 2, 3]]
    written = kept.stat().st_mtime_ns
    take_in_points(folder, url)
    assert kept.stat().st_mtime_ns == written

    mark(url, Point(1, 2, 3), Point(4, 5, 6))
    assert digests(folder, url) != before
    take_in_points(folder, url)
    assert len(read_points(kept)) == 2
    mark(url)
    take_in_points(folder, url)
    assert not kept.exists()


def test_a_file_that_was_lost_is_written_again(folder: AnimalFolder, url: str) -> None:
    write_selection(folder.points("cells", ".json"), Selection(CELLS))
    mark(url, Point(1, 2, 3))
    take_in_points(folder, url)
    folder.points_found("cells").unlink()
    take_in_points(folder, url)
    assert len(read_points(points_file(folder, "cells"))) == 1


def test_what_names_no_layer_is_a_sentence(folder: AnimalFolder) -> None:
    def said() -> str:
        with pytest.raises(BrainstackError) as error:
            sources(folder)
        return str(error.value)

    write_points(folder.points("cells"), points((1, 2, 3)))
    path = folder.points("cells", ".json")
    write_selection(path, Selection(CELLS, structure="SC"))
    assert "are both the layer cells; delete one of them." in said()
    folder.points("cells").unlink()
    assert sources(folder)[0].selection == Selection(CELLS, structure="SC")
    path.write_text(json.dumps({"database": {"kind": "CELL"}}))
    assert "asks for the kind 'CELL'; wanted one of POLYGON_SEQUENCE" in said()
    path.write_text("{")
    assert "does not say what of the database is meant" in said()
    path.rename(folder.points("C1T", ".json"))
    assert "cannot be a layer of points; wanted a name of letters" in said()
