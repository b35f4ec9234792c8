"""Layers of points, from what people say of them to what Neuroglancer reads."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from annotation_reader import Layer
from calling import Call, Called, caller
from lab import Counted, Lab

from brainstack.animal_folder import AnimalFolder
from brainstack.database import open_database
from brainstack.demo.landmarks import LANDMARKS, MIDDLE_UM
from brainstack.points import CELLS, AnnotationSession, Point

PIXEL_UM, SPACING_UM = 50.0, 50.0


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Calls `brainstack points` on an animal: call(lab, "add", "cells", ...)."""
    brainstack = caller(monkeypatch, capsys)

    def points(lab: Lab, command: str, *words: object) -> Called:
        monkeypatch.setenv("BRAINSTACK_DATA_ROOT", str(lab.root))
        monkeypatch.delenv("BRAINSTACK_DATABASE_URL", raising=False)
        return brainstack("points", command, "DEMO", *words)

    return points


def refused(said: Called) -> str:
    assert said.returncode != 0
    return " ".join(said.stderr.split())


def run(lab: Lab, *words: str) -> dict[str, int]:
    counted = Counted(lab)
    ran = lab.luigi(*(words or ("PointVolume",)))
    assert ran.returncode == 0, ran.stderr + ran.stdout
    return counted.by_stage()


def layer(folder: AnimalFolder, name: str) -> Layer:
    return Layer(folder.annotations(name))


def csv(tmp_path: Path, *lines: str) -> str:
    (tmp_path / "cells.csv").write_text("\n".join(lines) + "\n")
    return str(tmp_path / "cells.csv")


def test_the_demo_s_landmarks_are_where_it_put_them(finished: Lab) -> None:
    found = layer(finished.folder, "landmarks")
    places = {one.properties["name"]: one.places[0] for one in found.by_id().values()}
    wanted = {
        name: (MIDDLE_UM[0] + right, MIDDLE_UM[1] + down, (section + 0.5) * SPACING_UM)
        for name, (right, down, section) in LANDMARKS.items()
    }
    assert places == wanted
    volume = json.loads((finished.folder.volume(1) / "info").read_text())["scales"][0]
    size_um = np.multiply(volume["size"], volume["resolution"]) / 1000
    assert found.info["upper_bound"] == size_um.tolist()


def test_a_layer_is_made_again_when_its_points_change_and_goes_when_it_is_removed(
    lab: Lab, tmp_path: Path, call: Call
) -> None:
    said = call(lab, "add", "cells", "--csv", csv(tmp_path, "x_um,y_um,z_um,score", "100,200,25,1", "300,400,75,2"))
    assert said.stdout.startswith("cells: 2 of the type point, with score; the next run makes the layer")
    assert run(lab, "Animal") == {"PointVolume": 1}
    assert len(layer(lab.folder, "cells").by_id()) == 2
    kept = lab.folder.points("cells")
    kept.write_text(kept.read_text() + "500,600,75,3\n")
    assert "PointVolume 1 (the points changed)" in lab.brainstack("status", "DEMO").stdout
    assert run(lab) == {"PointVolume": 1}
    assert len(layer(lab.folder, "cells").by_id()) == 3

    first, second = call(lab, "list").stdout.splitlines()
    assert first.startswith("cells: from")
    assert first.endswith("(point, 1 levels)")
    assert second.startswith("landmarks: from")
    tidied = lab.brainstack("tidy", "DEMO").stdout
    assert "neuroglancer_data/cells" not in tidied
    assert "in points" not in tidied
    assert call(lab, "remove", "cells").stdout == "cells is gone\n"
    assert not lab.folder.annotations("cells").exists()
    assert run(lab, "Animal") == {}


def test_what_people_mark_is_a_layer_that_follows_the_database(lab: Lab, call: Call) -> None:
    def mark(*points: Point) -> None:
        with open_database(lab.url) as database:
            database.add_annotations("DEMO", [AnnotationSession(CELLS, points, "SC", "cells", "Ana")])

    words = ("marked", "--database", "--type", CELLS)
    assert "DEMO has no such points in the database" in refused(call(lab, "add", *words))
    mark(Point(1000, 2000, 75, source="UNMARKED"))
    assert call(lab, "add", *words).stdout.startswith("marked: 1 points, now;")
    assert run(lab) == {"PointVolume": 1}
    with open_database(lab.url) as database:
        label = next(one.color for one in database.structures() if one.abbreviation == "SC")
    (found,) = layer(lab.folder, "marked").by_id().values()
    assert found.places == [(1000, 2000, 75)]
    assert found.properties == {"structure": "SC", "person": "Ana", "source": "UNMARKED"}
    assert found.related == {"structure": [label]}

    mark(Point(1000, 2000, 75), Point(1000, 2000, 125))
    assert run(lab) == {"PointVolume": 1}
    assert len(layer(lab.folder, "marked").related("structure")[label]) == 2
    mark()
    ran = lab.luigi("PointVolume", "--layer", "marked")
    assert ran.returncode != 0
    assert "The database has no points for the layer marked" in " ".join((ran.stdout + ran.stderr).split())


def test_states_and_exported_shapes_are_layers_and_one_that_cannot_be_holds_up_no_other(
    lab: Lab, tmp_path: Path, call: Call
) -> None:
    dimensions = {axis: [um * 1e-6, "m"] for axis, um in zip("xyz", (PIXEL_UM, PIXEL_UM, SPACING_UM), strict=True)}
    line = {"type": "line", "pointA": [10, 20, 1.5], "pointB": [20, 20, 2.5]}
    state = {"dimensions": dimensions, "layers": [{"type": "annotation", "name": "fibres", "annotations": [line]}]}
    (tmp_path / "state.json").write_text(json.dumps(state))
    with open_database(lab.url) as database:
        number = database.add_state("DEMO", json.dumps(state))
    said = call(lab, "add", "fibres", "--state", tmp_path / "state.json").stdout
    assert said.startswith("fibres: 1 of the type line;")
    assert call(lab, "add", "again", "--state", number).stdout.startswith("again: 1 of the type line;")

    head = "annotation_type,structure,polygon_index,point_order,x_um,y_um,z_um"
    corners = [f"POLYGON_SEQUENCE,SC,0,{order},{x},500,25" for order, x in enumerate((500, 700, 600))]
    words = ("outlines", "--csv", csv(tmp_path, head, *corners, "MARKED_CELL,,0,0,100,200,25"))
    assert "has POLYGON_SEQUENCE and MARKED_CELL; say which with --type" in refused(call(lab, "add", *words))
    assert call(lab, "add", *words, "--type", "POLYGON_SEQUENCE").returncode == 0
    assert call(lab, "add", "out", "--csv", csv(tmp_path, "x_um,y_um,z_um", "1,2,25", "1,2,425")).returncode == 0

    ran = lab.luigi()
    assert ran.returncode != 0
    wanted = "out.csv, line 3 at 1 2 425 um reaches out of the volume (1 of 2 do)"
    assert wanted in " ".join((ran.stdout + ran.stderr).split())
    assert not lab.folder.annotations("out").exists()
    for name in ("fibres", "again"):
        (found,) = layer(lab.folder, name).by_id().values()
        assert found.places == [(500, 1000, 75), (1000, 1000, 125)]
    (found,) = layer(lab.folder, "outlines").by_id().values()
    assert [place[0] for place in found.places] == [500, 700, 600, 500]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("cells",), "give one of --csv, --state and --database"),
        (("cells", "--csv", "a.csv", "--database"), "give one of --csv, --state and --database"),
        (("cells", "--database"), "--database needs --type: POLYGON_SEQUENCE, MARKED_CELL, STRUCTURE_COM."),
        (("cells", "--csv", "nowhere.csv"), "nowhere.csv: No such file or directory"),
        (("cells", "--state", "7"), "DEMO has no state 7 of Neuroglancer in the database."),
        (("C1T", "--csv", "nowhere.csv"), "'C1T' cannot be a layer of points; wanted a name of letters"),
        (("../out", "--csv", "nowhere.csv"), "'../out' cannot be a layer of points; wanted a name of letters"),
    ],
)
def test_what_cannot_be_a_layer_is_a_sentence(scanned: Lab, call: Call, words: tuple[str, ...], said: str) -> None:
    assert said in refused(call(scanned, "add", *words))


def test_what_is_not_there_cannot_be_made_or_removed_and_what_is_taken_not_written_over(
    new_lab: Lab, tmp_path: Path, call: Call
) -> None:
    assert "DEMO has no layer of points 'cells'; it has landmarks." in refused(call(new_lab, "remove", "cells"))
    said = refused(new_lab.luigi("PointVolume", "--layer", "cells"))
    assert "DEMO has no layer 'cells' that PointVolume is made of" in said
    (new_lab.folder.neuroglancer_data / "atlas").mkdir(parents=True)
    said = refused(call(new_lab, "add", "atlas", "--csv", csv(tmp_path, "x_um,y_um,z_um", "1,2,3")))
    assert "is there already and holds no points; choose another name" in said
