"""What is kept of the polygons in the database."""

from __future__ import annotations

from pathlib import Path

import pytest
from known_animal import database_with_dk39

from brainstack.animal_folder import AnimalFolder
from brainstack.database import open_database
from brainstack.errors import BrainstackError
from brainstack.label_sources import read_polygons, take_in_polygons
from brainstack.labels import POLYGONS, LabelSource
from brainstack.points import POLYGONS as POLYGON_SESSIONS
from brainstack.points import AnnotationSession, Point

SOURCE = LabelSource("regions", POLYGONS)


@pytest.fixture
def folder(tmp_path: Path) -> AnimalFolder:
    return AnimalFolder(tmp_path / "DK39")


@pytest.fixture
def url(tmp_path: Path) -> str:
    return database_with_dk39(f"sqlite:///{tmp_path / 'brainstack.db'}")


def draw(url: str, layer: str, x_um: float = 10) -> None:
    corners = tuple(Point(x, y, 10, 0, n) for n, (x, y) in enumerate([(0, 0), (x_um, 0), (0, 10)]))
    with open_database(url) as database:
        database.add_annotations("DK39", [AnnotationSession(POLYGON_SESSIONS, corners, "", layer, "ann")])


def test_names_stay_in_the_order_in_which_they_were_first_drawn(folder: AnimalFolder, url: str) -> None:
    for layer, x_um in (("septum", 10), ("area", 10), ("septum", 20)):  # the last replaces the first
        draw(url, layer, x_um)
        take_in_polygons(folder, url, [SOURCE])
    sessions, names = read_polygons(folder.labels_found("regions"))
    assert names == ["septum", "area"]
    assert [one.layer for one in sessions] == ["area", "septum"]
    assert max(corner.x_um for corner in sessions[1].points) == 20


def test_a_layer_without_polygons_is_said(folder: AnimalFolder, url: str) -> None:
    take_in_polygons(folder, url, [SOURCE])
    for path in (folder.labels_found("regions"), folder.labels_found("nowhere")):
        with pytest.raises(BrainstackError, match="The database has no polygons for it"):
            read_polygons(path)
