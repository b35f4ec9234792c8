"""`brainstack annotate`, `journal`, `animal delete`, `database import`: what people see of them."""

from __future__ import annotations

import getpass
import importlib.util
import json
import sqlite3
from pathlib import Path
from types import ModuleType

import pytest
from by_hand import write_slide
from calling import Call, caller

from brainstack.animal_folder import AnimalFolder
from brainstack.database import open_database
from brainstack.environment import database_url
from brainstack.locking import locked


@pytest.fixture
def call(data_root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    return caller(monkeypatch, capsys)


@pytest.fixture
def animal(call: Call, tmp_path: Path) -> str:
    """DK39, of 10 um a pixel and 20 um a section."""
    write_slide(tmp_path / "scans" / "DK39_slide001.czi")
    assert call("animal", "add", "DK39", "--czi", tmp_path / "scans", "--pixel-size-um", 10).returncode == 0
    return "DK39"


# Points and shapes

CSV = "x_um,y_um,z_um,structure,source\n15,25,30,7N_L,MANUAL\n10,20,30,SC,MANUAL\n"


def test_a_csv_goes_in_to_neuroglancer_and_back(call: Call, animal: str, tmp_path: Path) -> None:
    (tmp_path / "marks.csv").write_text(CSV)
    taken = call("annotate", "import", animal, tmp_path / "marks.csv", "--type", "STRUCTURE_COM", "--by", "Zoë")
    assert taken.stdout == "taken in: 2 centres in 2 sessions\n"
    assert call("annotate", "export", animal, tmp_path / "state.json").returncode == 0
    state = json.loads((tmp_path / "state.json").read_text())
    points = {layer["name"]: layer["annotations"][0]["point"] for layer in state["layers"]}
    assert points == {"7N_L": [1.5, 2.5, 1.5], "SC": [1.0, 2.0, 1.5]}
    again = call("annotate", "import", animal, tmp_path / "state.json", "--by", "Ana")
    assert again.stdout == "taken in: 2 centres in 2 sessions\n"
    assert call("annotate", "export", animal, tmp_path / "sc.csv", "--structure", "SC").returncode == 0
    lines = (tmp_path / "sc.csv").read_text().splitlines()
    assert [line.split(",")[-3:] for line in lines[1:]] == [["10.0", "20.0", "30.0"]] * 2
    listed = call("annotate", "list", animal).stdout.splitlines()
    assert len(listed) == 4
    assert "1 centres, 7N_L, layer -, by Zoë" in listed[0]


def test_what_is_marked_anew_replaces_and_is_listed_as_replaced(call: Call, animal: str, tmp_path: Path) -> None:
    (tmp_path / "marks.csv").write_text(CSV)
    for _ in range(2):
        call("annotate", "import", animal, tmp_path / "marks.csv", "--type", "MARKED_CELL")
    assert len(call("annotate", "list", animal).stdout.splitlines()) == 2
    everything = call("annotate", "list", animal, "--all").stdout
    assert everything.count("replaced") == 2
    assert everything.count(f"by {getpass.getuser()}") == 4


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.csv", "x,y,section\n1,2,3\n", "do not say their unit"),
        ("a.csv", "x_um,y_um,z_um\n", "has no points and no polygons"),
        ("a.csv", "x_um,y_um,z_um,structure,annotation_type\n1,2,3,7n,MARKED_CELL\n", "Did you mean"),
        ("a.json", "{", "is not a state of Neuroglancer"),
    ],
)
def test_what_cannot_be_taken_in_is_said(
    call: Call, animal: str, tmp_path: Path, name: str, text: str, says: str
) -> None:
    (tmp_path / name).write_text(text)
    refused = call("annotate", "import", animal, tmp_path / name)
    assert refused.returncode == 1
    assert says in refused.stderr
    assert "Nothing was marked" in call("annotate", "list", animal, "--all").stdout


def test_a_structure_of_ones_own(call: Call, animal: str, tmp_path: Path) -> None:
    assert call("annotate", "structure", "Mine", "--description", "my own", "--label", 99).returncode == 0
    (tmp_path / "a.csv").write_text("x_um,y_um,z_um\n1,2,3\n")
    words = "annotate", "import", animal, tmp_path / "a.csv", "--type", "MARKED_CELL", "--structure", "Mine"
    assert call(*words).returncode == 0
    assert "Mine" in call("annotate", "list", animal).stdout


def test_nothing_is_written_where_there_is_nothing(call: Call, animal: str, tmp_path: Path) -> None:
    refused = call("annotate", "export", animal, tmp_path / "a.csv")
    assert refused.returncode == 1
    assert "no such annotations" in refused.stderr
    assert not (tmp_path / "a.csv").exists()


# Notes


def test_a_problem_is_noted_listed_and_done_with(call: Call, animal: str) -> None:
    noted = call(
        "journal", "add", animal, "torn at the left", "--section", "slide001_S1", "--channel", 2, "--by", "Zoë"
    )
    assert noted.stdout == "noted as 1\n"
    assert "1: slide001_S1, channel 2: torn at the left (Zoë, " in call("journal", "list", animal).stdout
    assert call("journal", "done", animal, 1, "--fix", "scanned again").returncode == 0
    assert "Nothing is open" in call("journal", "list", animal).stdout
    assert "done: scanned again" in call("journal", "list", animal, "--all").stdout
    assert call("journal", "done", animal, 7).returncode == 1


# Deleting


def test_an_animal_is_deleted_only_where_it_is_meant_and_never_its_files(
    call: Call, animal: str, data_root: Path
) -> None:
    folder = AnimalFolder(data_root / animal)
    before = sorted(path.name for path in folder.root.rglob("*"))
    refused = call("animal", "delete", animal)
    assert refused.returncode == 1
    assert "it was not deleted. Say --yes" in refused.stderr
    assert call("animal", "list").stdout == "DK39\n"
    with locked(folder):
        assert call("animal", "delete", animal, "--yes").returncode == 1
    deleted = call("animal", "delete", animal, "--yes")
    assert deleted.returncode == 0
    assert "Its files are untouched" in deleted.stdout
    assert call("animal", "list").stdout == ""
    assert {*before} <= {path.name for path in folder.root.rglob("*")}
    assert call("animal", "delete", animal, "--yes").returncode == 1


# The lab's own database


def labs() -> ModuleType:
    path = Path(__file__).parent / "database" / "lab_database.py"
    spec = importlib.util.spec_from_file_location("lab_database", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_labs_database_is_taken_over_and_what_could_not_be_is_said(call: Call, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'lab.sqlite'}"
    labs().lab_of_2021(url)
    before = (tmp_path / "lab.sqlite").read_bytes()
    taken = call("database", "import", "--from", url)
    assert taken.returncode == 0, taken.stderr
    assert "taken over: 3 rows of slide\n" in taken.stdout
    assert "the table transformation (1 rows) has no place here" in taken.stdout
    assert "a state of Neuroglancer names no animal" in taken.stdout
    assert (tmp_path / "lab.sqlite").read_bytes() == before
    assert call("animal", "list").stdout == "DK39\n"
    assert "2 bad: a gap" in call("slides", "DK39").stdout or "1 bad: a gap" in call("slides", "DK39").stdout
    assert "secret" not in taken.stdout


def test_only_the_animals_that_are_named(call: Call, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'lab.sqlite'}"
    labs().lab_of_2023(url)
    refused = call("database", "import", "--from", url, "--animal", "DK39")
    assert "has no animal 'DK39'; it has DK41" in refused.stderr
    assert call("database", "import", "--from", url, "--animal", "DK41").returncode == 0
    with open_database(database_url()) as database:
        assert database.animals() == ["DK41"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "It was not said where"),
        (["--from", "mysql+pymysql://zoe:geheim@localhost/lab"], "A password was given in --from"),
        (["--from", "sqlite:////no/such.db"], "There is no database"),
    ],
)
def test_where_the_labs_database_cannot_be_read_it_is_said(call: Call, words: list[str], says: str) -> None:
    refused = call("database", "import", *words)
    assert refused.returncode == 1
    assert says in refused.stderr
    assert "geheim" not in refused.stderr + refused.stdout


def test_a_database_of_others_is_refused(call: Call, tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "other.db").close()
    (tmp_path / "other.db").touch()
    refused = call("database", "import", "--from", f"sqlite:///{tmp_path / 'other.db'}")
    assert "has no table animal; wanted the lab's own" in refused.stderr
