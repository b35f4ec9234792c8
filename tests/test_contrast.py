"""The contrast that a person gives a channel: what it changes, who may not give which, and how it is taken back."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from by_hand import CHANNELS, StampsInMemory, plan_of, run_by_hand, slide, write_slide
from calling import Call, caller
from volumes import write_volume

from brainstack.adding import add_animal
from brainstack.contrast import ContrastChangedError, lines, set_contrast, shown_of, version_of
from brainstack.database import open_database
from brainstack.deciding import undo_decision
from brainstack.environment import database_url
from brainstack.errors import BrainstackError
from brainstack.files.whole import write_json
from brainstack.images.normalizing import to_8_bit
from brainstack.plan import Plan
from brainstack.planning import make_plan
from brainstack.records import Animal, Channel, Contrast, Histology, ScanRun, Scene, SlideScan
from brainstack.viewing import state_of, web_range


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return plan_of(tmp_path, [dataclasses.replace(slide(number), pixel_type="Gray16") for number in (1, 2)])


def said(plan: Plan, *contrasts: Contrast) -> Plan:
    return dataclasses.replace(plan, records=dataclasses.replace(plan.records, contrasts=contrasts))


def with_gain(plan: Plan, gain: float = 2.0) -> Plan:
    for channel in (1, 2):
        write_json(plan.folder.small(f"gain_C{channel}"), {"gain": gain, "sections": {}})
    return plan


# What it changes


def test_only_the_web_pictures_of_that_channel_are_made_again(plan: Plan) -> None:
    stamps = StampsInMemory(plan.folder.stamps)
    run_by_hand(plan, stamps)
    web, other = plan.settings.web.channel, next(one.number for one in CHANNELS if one.number != 1)
    assert web == 1
    assert run_by_hand(said(plan, Contrast(other, 10, 500)), stamps) == []
    made = run_by_hand(said(plan, Contrast(web, 10, 500)), stamps)
    assert made == list(plan.steps("Web"))
    assert run_by_hand(said(plan, Contrast(web, 10, 500, "anna", "2024-05-01")), stamps) == [], (
        "who said it is no matter"
    )
    assert run_by_hand(plan, stamps) == list(plan.steps("Web")), "as computed again"


def test_web_pictures_and_viewer_show_what_the_gain_makes_of_the_range(plan: Plan) -> None:
    """Grey values as scanned, 100 and 4000, are 250 and 10000 in sections and volume where the gain is 2.5."""
    given = said(with_gain(plan, 2.5), Contrast(1, 100, 4000))
    for channel in (1, 2):
        volume = given.folder.volume(channel)
        write_volume(volume, np.zeros((2, 40, 60), np.uint16), voxel_size_um=(10.0, 10.0, 20.0), chunk_size=(32, 32, 2))
    assert web_range(given) == (250.0, 10000.0)
    shown = [layer["shaderControls"]["normalized"]["range"] for layer in state_of(given)["layers"]]
    computed = [layer["shaderControls"]["normalized"]["range"] for layer in state_of(plan)["layers"]]
    assert shown == [[250, 10000], computed[1]]


def test_a_volume_of_8_bit_is_shown_in_the_same_range(plan: Plan) -> None:
    given = said(with_gain(plan), Contrast(1, 1000, 4000))
    volume = np.zeros((2, 40, 60), np.uint8)
    write_volume(given.folder.volume(1), volume, voxel_size_um=(10.0, 10.0, 20.0), chunk_size=(32, 32, 2))
    from brainstack.viewing import display_white

    wanted = [round(level * 255 / display_white(given)) for level in (2000, 8000)]
    assert state_of(given)["layers"][0]["shaderControls"]["normalized"]["range"] == wanted


def test_a_range_brighter_than_the_gain_leaves_ends_where_the_type_does(plan: Plan) -> None:
    given = said(with_gain(plan, 100.0), Contrast(1, 1000, 60000))
    black, white = web_range(given)
    assert (black, white) == (65534.0, 65535.0)


def test_black_and_white_are_the_ends_of_8_bit() -> None:
    image = np.array([[0, 100, 150, 200, 300]], np.uint16)
    assert to_8_bit(image, 200, 100).tolist() == [[0, 0, 128, 255, 255]]


# What a person says


@pytest.fixture
def animal(data_root: Path, tmp_path: Path) -> str:
    """DK39 has a slide with two sections in two channels of 16 bit."""
    write_slide(tmp_path / "scans" / "slide001.czi")
    add_animal(Animal("DK39"), Histology("DK39"), ScanRun("DK39", str(data_root)), tmp_path / "scans")
    read_slide()
    return "DK39"


def read_slide(pixel_type: str = "Gray16", channels: tuple[Channel, ...] = CHANNELS) -> None:
    scenes = (Scene(1, 0, 0, 0, 64, 48), Scene(2, 1, 100, 0, 64, 48))
    scan = SlideScan("slide001.czi", pixel_type, (10.0, 10.0), channels, scenes)
    with open_database(database_url()) as database:
        database.take_in_slide("DK39", scan, slide_number=1, rescan=1, file_size=1)


def in_force() -> list[tuple[int, int, int, str]]:
    return [(one.channel, one.low, one.high, one.person) for one in make_plan("DK39").records.contrasts]


def test_it_is_kept_with_who_said_it_and_taken_back(animal: str) -> None:
    (first,) = set_contrast(animal, 2, (100, 4000), person="anna", reason="cells are dim")
    assert (first.what, first.old, first.new, first.reason) == ("contrast 2", "", "100,4000", "cells are dim")
    set_contrast(animal, 1, (0, 9000), person="bo")
    (second,) = set_contrast(animal, 2, (50, 3000), person="bo")
    assert in_force() == [(1, 0, 9000, "bo"), (2, 50, 3000, "bo")]
    assert set_contrast(animal, 2, (50, 3000), person="bo") == [], "it is so already"
    undo_decision(animal, number=second.number, person="anna")
    assert in_force() == [(1, 0, 9000, "bo"), (2, 100, 4000, "anna")]
    set_contrast(animal, 2, None, person="bo")
    assert in_force() == [(1, 0, 9000, "bo")]
    with pytest.raises(BrainstackError, match="it was changed again since"):
        undo_decision(animal, number=first.number)
    with open_database(database_url()) as database:
        history = [(one.what, one.new, bool(one.undone)) for one in database.decided(animal)]
    assert history == [
        ("contrast 2", "100,4000", False), ("contrast 1", "0,9000", False), ("contrast 2", "50,3000", True),
        ("contrast 2", "", False),
    ]  # fmt: skip


def test_the_second_of_two_people_is_told_and_overwrites_nothing(animal: str) -> None:
    seen = version_of(shown_of(make_plan(animal), 1).by_hand)
    set_contrast(animal, 1, (1, 500), person="anna", seen=seen)
    with pytest.raises(ContrastChangedError, match=r"it is 1 to 500, by anna. Nothing was overwritten"):
        set_contrast(animal, 1, (2, 600), person="bo", seen=seen)
    assert in_force() == [(1, 1, 500, "anna")]
    set_contrast(animal, 1, (2, 600), person="bo", seen=version_of(shown_of(make_plan(animal), 1).by_hand))
    assert in_force() == [(1, 2, 600, "bo")]


@pytest.mark.parametrize(
    ("channel", "levels", "words"),
    [
        (3, (1, 2), "no channel 3; wanted one of its channels: 1, 2"),
        (1, (5, 5), "given as 5 to 5; wanted two grey values from 0 to 65535"),
        (1, (-1, 5), "given as -1 to 5"),
        (1, (1, 65536), "given as 1 to 65536"),
    ],
)
def test_what_cannot_be_is_refused(animal: str, channel: int, levels: Any, words: str) -> None:
    with pytest.raises(BrainstackError, match=words):
        set_contrast(animal, channel, levels, person="anna")
    assert in_force() == []


def test_colour_has_a_white_point_and_no_contrast(animal: str) -> None:
    set_contrast(animal, 1, (1, 500), person="anna")
    read_slide("Bgr24", (Channel(1, "RGB"),))
    with pytest.raises(BrainstackError, match=r"scanned in colour.*the white of its glass"):
        set_contrast(animal, 1, (1, 2), person="anna")
    plan = make_plan(animal)
    assert lines(plan) == ["DK39 was scanned in colour, and is shown in its own colours, on its white point."]


def test_the_command_shows_and_sets_it(animal: str, monkeypatch: Any, capsys: Any) -> None:
    call: Call = caller(monkeypatch, capsys)
    assert "channel 1 (DAPI): its gain is not known yet" in call("contrast", animal).stdout
    with_gain(make_plan(animal), 2.0)
    told = call("contrast", animal, "--channel", 2, "--low", 100, "--high", 4000, "--by", "anna")
    assert told.stdout == "the animal: contrast 2 - -> 100,4000\n"
    shown = call("contrast", animal).stdout
    assert "channel 2 (GFP): grey values as scanned, black to white, by hand (anna, " in shown
    assert "Neuroglancer: 100 to 4000 (computed: " in shown
    assert "web pictures" in shown.split("channel 2")[0]
    assert call("contrast", animal, "--channel", 2, "--low", 100).returncode == 1
    assert call("contrast", animal, "--channel", 2, "--computed", "--by", "anna").returncode == 0
    assert in_force() == []
