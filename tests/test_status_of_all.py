from __future__ import annotations

import dataclasses
import json
import os
from io import StringIO
from pathlib import Path

import pytest
from by_hand import plan_of, run_by_hand, slide, write_slide
from calling import Call, caller
from rich.console import Console

from brainstack import status_of_all
from brainstack.database import create_or_upgrade
from brainstack.environment import animal_folder, database_url
from brainstack.last_run import FAILED, begun_now, note_begun, note_ended
from brainstack.plan import Plan
from brainstack.stamps import Stamps, Step
from brainstack.status import overview_of, status_of
from brainstack.status_json import json_of, json_of_all
from brainstack.status_of_all import MOST_ANIMALS, Row, row_of, rows_of, show_all

pytestmark = pytest.mark.usefixtures("luigid_answers")


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    plan = plan_of(tmp_path, [slide(1), slide(2)])
    run_by_hand(plan, Stamps(plan.folder.stamps), files=True)
    return plan


def shown(*rows: Row, everything: bool = False) -> list[str]:
    console = Console(file=StringIO(), width=160)
    show_all(rows, console, everything=everything)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue().splitlines()


def row(plan: Plan, failed: dict[Step, str] | None = None) -> Row:
    return Row("DK39", overview_of(plan, failed or {}))


def test_an_animal_that_is_done_is_looked_at_next(plan: Plan) -> None:
    assert shown(row(plan))[1].split() == ["DK39", "4", "100%", "-", "brainstack", "view", "DK39"]


def test_what_failed_and_is_stale_is_counted_with_when_the_last_run_was(plan: Plan) -> None:
    note_ended(plan.folder, note_begun(plan.folder, begun_now(Path("x.log"))), FAILED, made=3, failed=1)
    failed = {Step("Clean", 1, "slide001_S2"): "does not fit"}
    one = row(dataclasses.replace(plan, edits={"slide002_S1": "painted"}).without(failed), failed)
    assert one.overview
    found = shown(one)[1].split()
    assert found[:2] == ["DK39", "4"]
    assert found[3:5] == ["1", str(one.overview.count("stale"))]
    assert found[7:] == ["1", "failed", "brainstack", "status", "DK39"]


def test_more_animals_than_a_screen_holds_are_cut_with_the_command_that_shows_them(plan: Plan) -> None:
    rows = [row(plan)] * (MOST_ANIMALS + 2)
    assert shown(*rows)[-1] == "and 2 more: brainstack status --all"
    assert len(shown(*rows, everything=True)) == 1 + len(rows)


# Animals of a database


@pytest.fixture
def call(data_root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    return caller(monkeypatch, capsys)


@pytest.fixture
def animals(call: Call, tmp_path: Path) -> list[str]:
    """Four animals: one is fine, one has lost its slides, of one a file is torn, and one has no folder."""
    for name in ("FINE", "LOST", "TORN", "GONE"):
        write_slide(tmp_path / name / "x_slide001.czi")
        assert call("animal", "add", name, "--czi", tmp_path / name).returncode == 0
    animal_folder("LOST").czi.unlink()
    animal_folder("TORN").failed.parent.mkdir()
    animal_folder("TORN").failed.write_text("[[")
    animal_folder("GONE").root.rename(tmp_path / "elsewhere")
    return ["GONE", "LOST", "TORN", "FINE"]


def test_an_animal_whose_folder_is_broken_has_a_sentence_and_hides_no_other(call: Call, animals: list[str]) -> None:
    called = call("status")
    assert called.returncode == 0
    found = called.stdout.splitlines()
    assert [line.split()[0] for line in found[1:5]] == animals
    assert found[4].endswith("luigi --module tasks Animal --animal FINE")
    assert next(line for line in found if line.startswith("LOST: ")).endswith(
        "wanted the folder of slide scans; mount it, or link it anew with `ln -sfn`."
    )
    assert any(line.startswith("TORN: its folder holds something that brainstack cannot read") for line in found)


def test_json_is_all_that_is_printed_and_names_the_same_animals(call: Call, animals: list[str]) -> None:
    called = call("status", "--json")
    content = json.loads(called.stdout)
    assert (called.returncode, called.stderr) == (0, "")
    assert [one["animal"] for one in content["animals"]] == animals
    assert [one["state"] for one in content["animals"]] == ["unknown"] * 3 + ["to do"]
    assert content["animals"][1]["error"] == row_of("LOST").error
    assert content["animals"][3]["error"] is None
    assert json.loads(call("status", "FINE", "--json").stdout)["animal"] == "FINE"


def test_several_processes_say_the_same(call: Call, animals: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    alone = rows_of(animals)
    monkeypatch.setattr(status_of_all, "MANY_ANIMALS", 2)
    monkeypatch.setattr("os.sched_getaffinity", lambda process: {0, 1})
    counted: list[tuple[int, int]] = []
    assert rows_of(animals, lambda done, total: counted.append((done, total))) == alone
    assert counted == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_where_there_is_no_database_none_is_made(call: Call, data_root: Path) -> None:
    for arguments in ([], ["--json"], ["DK39"]):
        called = call("status", *arguments)
        assert (called.returncode, called.stdout) == (1, "")
        assert f"There is no database {data_root / 'brainstack.db'}; " in called.stderr
        assert not (data_root / "brainstack.db").exists()


def test_where_there_are_no_animals_it_says_how_to_add_one(call: Call) -> None:
    create_or_upgrade(database_url())
    assert "brainstack animal add DK39" in call("status").stdout
    assert json.loads(call("status", "--json").stdout) == {"format": 1, "animals": []}


def test_the_status_of_an_unknown_animal_is_a_sentence_and_no_json(call: Call, animals: list[str]) -> None:
    called = call("status", "DK93", "--json")
    assert (called.returncode, called.stdout) == (1, "")
    assert "no animal 'DK93'" in called.stderr


# What the JSON says


def test_each_failed_and_stale_thing_has_all_that_a_script_needs(plan: Plan) -> None:
    failed = {Step("Clean", 1, "slide001_S2"): "passt nicht: größer"}
    edited = dataclasses.replace(plan, edits={"slide002_S1": "painted"}).without(failed)
    text = json_of(status_of(edited, failed))
    content = json.loads(text)
    assert "größer" in text
    assert content["failed"] == [
        {
            "stage": "Clean", "channel": 1, "item": "slide001_S2", "section_key": "slide001_S2", "section_number": 1,
            "sentence": "passt nicht: größer", "command": "brainstack slide DK39 1 --scene 2 --bad WHY", "file": None,
        }
    ]  # fmt: skip
    mask = next(one for one in content["stale"] if one["stage"] == "Masks" and one["item"] == "slide002_S1")
    assert (mask["channel"], mask["section_number"]) == (None, 2)
    assert "will be made: the mask a person made changed" in mask["sentence"]
    assert mask["command"] == "luigi --module tasks Animal --animal DK39"
    assert content["steps"]["failed"] == 1
    assert content["steps"]["stale"] == len(content["stale"])
    assert sum(one["all"] for one in content["stages"]) == content["steps"]["all"]


def test_a_name_that_is_no_utf_8_is_shown_with_a_sign_in_its_place(plan: Plan) -> None:
    failed = {Step("Clean", 1, "slide001_S2"): os.fsdecode(b"Gr\xf6sse.czi is cut off")}
    (trouble,) = json.loads(json_of(status_of(plan.without(failed), failed)).encode())["failed"]
    assert trouble["sentence"] == "Gr\ufffdsse.czi is cut off"


def test_the_names_are_those_that_the_page_lists(plan: Plan, tmp_path: Path) -> None:
    """Of one animal and of all of them, and of what is inside."""
    page = (Path(__file__).parent.parent / "docs" / "status.md").read_text()
    failed = {Step("Clean", 1, "slide001_S2"): "does not fit"}
    note_ended(plan.folder, note_begun(plan.folder, begun_now(Path("x.log"))), FAILED, made=3, failed=1)
    run_by_hand(plan, Stamps(plan.folder.stamps), files=True, asked=["FullDownsampling"])
    edited = dataclasses.replace(plan, edits={"slide002_S1": "painted"}).without(failed)
    one = json.loads(json_of(status_of(edited, failed)))
    every = json.loads(json_of_all([row(edited, failed), Row("DK40", None, "is broken")]))
    names = {*every, *(name for animal in every["animals"] for name in animal), *one}
    for part in (one["last_run"], one["steps"], one["bytes"], *(one[name][0] for name in LISTS)):
        names |= set(part)
    assert sorted(name for name in names if f"`{name}`" not in page) == []


LISTS = ("failed", "stale", "next_run", "stages", "full_resolution", "channels")
