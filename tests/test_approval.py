from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from by_hand import StampsInMemory, plan_of, run_by_hand, slide, stages_made

from brainstack.approval import (
    What,
    approve,
    check_still_fits,
    differences,
    in_force,
    known_value,
    read_approved,
    release,
    shown,
)
from brainstack.errors import BrainstackError
from brainstack.files.whole import write_json
from brainstack.geometry import shift
from brainstack.plan import Plan
from brainstack.records import Channel
from brainstack.stamps import Step, digest

FOUR = [slide(1), slide(2)]
CANVAS = {"rows": 90, "columns": 80, "pixel_size_um": 10.0, "rotation": 0}


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    """Four sections in two channels whose small results are there."""
    plan = plan_of(tmp_path, FOUR)
    for channel, gain in ((1, 3.05), (2, 2.0)):
        write_json(plan.folder.small(f"gain_C{channel}"), {"gain": gain})
    write_json(plan.folder.small("canvas"), CANVAS)
    write_json(plan.folder.small("transforms"), alignment(plan))
    return plan


def alignment(plan: Plan, moved: dict[str, float] | None = None) -> dict[str, Any]:
    """All sections where they are, but for those that are moved so many pixels along x."""
    matrices = {key: shift((moved or {}).get(key, 0.0), 0.0).tolist() for key in plan.chain}
    placements = {key: np.eye(3).tolist() for key in plan.chain}
    return {"canvas": [90, 80], "matrices": matrices, "outside": {}, "placements": placements, "pixel_size_um": 10.0}


def again(plan: Plan) -> Plan:
    return dataclasses.replace(plan, approved=read_approved(plan.folder))


def computed(plan: Plan, name: str, content: dict[str, Any]) -> None:
    """As a stage writes it."""
    write_json(plan.folder.small(name), in_force(plan, name, content))


def test_what_is_in_force_is_approved(plan: Plan) -> None:
    assert approve(plan, What.GAIN) == ["gain of channel 1: 3.05, approved", "gain of channel 2: 2, approved"]
    assert approve(plan, What.CANVAS) == ["canvas: 90 x 80 pixels (rows x columns), approved"]
    assert approve(plan, What.ALIGNMENT) == ["alignment: 4 sections on 90 x 80 pixels (rows x columns), approved"]
    assert set(read_approved(plan.folder)) == {"gain_C1", "gain_C2", "canvas", "transforms"}
    assert differences(again(plan)) == []


def test_what_was_not_made_cannot_be_approved(tmp_path: Path) -> None:
    with pytest.raises(BrainstackError, match="Gain channel 1 of DK39 was not made yet"):
        approve(plan_of(tmp_path, FOUR), What.GAIN)
    with pytest.raises(BrainstackError, match="DK39 has no gain yet"):
        approve(plan_of(tmp_path, []), What.GAIN)


def test_an_approved_value_stays_and_what_it_would_be_is_told(plan: Plan) -> None:
    approve(plan, What.GAIN)
    pinned = again(plan)
    computed(pinned, "gain_C1", {"gain": 3.21})
    assert json.loads(plan.folder.small("gain_C1").read_text())["gain"] == 3.05
    assert differences(pinned) == ["gain of channel 1 would be 3.21 now, approved is 3.05"]


def test_approving_again_takes_what_it_would_be(plan: Plan) -> None:
    approve(plan, What.GAIN)
    computed(again(plan), "gain_C1", {"gain": 3.21})
    assert approve(again(plan), What.GAIN)[0] == "gain of channel 1: 3.21, approved; before: 3.05"
    assert read_approved(plan.folder)["gain_C1"] == {"gain": 3.21}
    assert differences(again(plan)) == []


def test_what_is_released_follows_the_stages_again(plan: Plan) -> None:
    approve(plan, What.CANVAS)
    assert release(again(plan), What.CANVAS) == ["canvas: 90 x 80 pixels (rows x columns), no longer approved"]
    assert release(again(plan), What.CANVAS) == ["No canvas was approved; nothing changed."]
    assert in_force(again(plan), "canvas", {"rows": 1}) == {"rows": 1}


def test_what_is_approved_is_shown_with_its_day(plan: Plan) -> None:
    approve(plan, What.CANVAS)
    lines = shown(again(plan))
    assert lines[0].startswith("canvas: 90 x 80 pixels (rows x columns), approved 20")
    assert lines[1:] == [
        "gain of channel 1: not approved",
        "gain of channel 2: not approved",
        "alignment: not approved",
    ]


@pytest.mark.parametrize(("changed", "words"), [({"resolution_um": 20.0}, "pixel size in micrometres was 10"),
                                                ({"rotation": 1}, "number of turns was 0, now it is 1")])  # fmt: skip
def test_a_canvas_of_other_pixels_is_refused(plan: Plan, changed: dict[str, Any], words: str) -> None:
    approve(plan, What.CANVAS)
    scan_run = dataclasses.replace(plan.records.scan_run, **changed)
    other = dataclasses.replace(again(plan), records=dataclasses.replace(plan.records, scan_run=scan_run))
    with pytest.raises(BrainstackError, match=f"{words}.*approve DK39 canvas --release"):
        check_still_fits(other, "canvas")


def test_an_alignment_that_moved_as_a_whole_is_the_same(plan: Plan) -> None:
    approve(plan, What.ALIGNMENT)
    everywhere = dict.fromkeys(plan.chain, 7.0)
    write_json(plan.folder.small("transforms"), alignment(plan) | {"computed": alignment(plan, everywhere)})
    assert differences(again(plan)) == []


def test_a_section_that_would_move_is_told(plan: Plan) -> None:
    approve(plan, What.ALIGNMENT)
    write_json(plan.folder.small("transforms"), alignment(plan) | {"computed": alignment(plan, {plan.chain[0]: 4.0})})
    assert differences(again(plan)) == [
        "alignment would be another now: 1 of 4 approved sections would lie elsewhere, by up to 40 um"
    ]


def test_an_alignment_that_cannot_be_made_now_is_told_and_not_approved(plan: Plan) -> None:
    approve(plan, What.ALIGNMENT)
    write_json(plan.folder.small("transforms"), alignment(plan) | {"computed": {"error": "Far off."}})
    assert differences(again(plan)) == ["alignment could not be made now (Far off.), the approved one is in force"]
    with pytest.raises(BrainstackError, match="no other alignment to approve: Far off"):
        approve(again(plan), What.ALIGNMENT)


# Colour


@pytest.fixture
def colour_plan(tmp_path: Path) -> Plan:
    """Four sections in colour whose white point is there."""
    scans = [dataclasses.replace(one, pixel_type="Bgr24", channels=(Channel(1, "RGB"),)) for one in FOUR]
    plan = plan_of(tmp_path, scans)
    write_json(plan.folder.small("white_point_C1"), {"white": [243, 238, 224]})
    return plan


def test_a_white_point_is_approved_like_a_gain(colour_plan: Plan) -> None:
    said = "white point of channel 1: red 243, green 238, blue 224, approved"
    assert approve(colour_plan, What.WHITE_POINT) == [said]
    pinned = again(colour_plan)
    assert known_value(pinned, Step("WhitePoint", 1)) == digest([243, 238, 224])
    computed(pinned, "white_point_C1", {"white": [240, 238, 224]})
    assert json.loads(pinned.folder.small("white_point_C1").read_text())["white"] == [243, 238, 224]
    assert differences(pinned) == [
        "white point of channel 1 would be red 240, green 238, blue 224 now, approved is red 243, green 238, blue 224"
    ]
    assert shown(pinned)[1].startswith(said)
    assert release(pinned, What.WHITE_POINT) == [said.replace("approved", "no longer approved")]


def test_a_white_point_that_was_not_made_cannot_be_approved(colour_plan: Plan) -> None:
    colour_plan.folder.small("white_point_C1").unlink()
    with pytest.raises(BrainstackError, match=r"WhitePoint channel 1 of DK39 was not made yet.*--module tasks White"):
        approve(colour_plan, What.WHITE_POINT)


def test_what_an_animal_of_this_kind_does_not_have_cannot_be_approved(plan: Plan, colour_plan: Plan) -> None:
    with pytest.raises(BrainstackError, match=r"no gain, as its slides are in colour.*approve DK39 white-point"):
        approve(colour_plan, What.GAIN)
    with pytest.raises(BrainstackError, match=r"no white point, as its slides are in grey.*approve DK39 gain"):
        approve(plan, What.WHITE_POINT)


# What is made again


def test_an_approval_redoes_its_own_stage_and_nothing_that_follows_the_same_value(plan: Plan) -> None:
    stamps = StampsInMemory(plan.folder.stamps)
    run_by_hand(plan, stamps)
    pinned = dataclasses.replace(plan, approved={"transforms": alignment(plan)})
    assert run_by_hand(pinned, stamps) == [Step("Transforms"), Step("AlignmentPictures"), Step("Shell")]


def test_a_dropped_section_leaves_an_approved_gain_and_what_was_cleaned(plan: Plan, tmp_path: Path) -> None:
    approved = {f"gain_C{channel}": {"gain": 3.0} for channel in (1, 2)}
    stamps = StampsInMemory(plan.folder.stamps)
    run_by_hand(dataclasses.replace(plan, approved=approved), stamps)
    fewer = plan_of(tmp_path, [slide(1, qc={1: 3}), slide(2)], approved=approved)
    otherwise = {Step("Gain", 1): "other", Step("Gain", 2): "other"}
    made = run_by_hand(fewer, stamps, other=otherwise)
    assert Step("Gain", 1) in made
    assert not {"Clean", "Elastix", "Alignment"} & stages_made(made)
    released = dataclasses.replace(fewer, approved={})
    made = run_by_hand(released, stamps, other=otherwise)
    assert len([step for step in made if step.stage == "Clean"]) == 6
