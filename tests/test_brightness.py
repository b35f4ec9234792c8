from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from by_hand import StampsInMemory, plan_of, slide

from brainstack.brightness import doubts
from brainstack.plan import Plan
from brainstack.stamps import Stamp, Step


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    """Four sections, two channels."""
    return plan_of(tmp_path, (slide(1), slide(2)))


def stamps_of(plan: Plan, **others: dict[str, str]) -> StampsInMemory:
    """What Histogram and Clean measured of good sections. others : "key_channel" -> values that differ."""
    stamps = StampsInMemory(plan.folder.stamps)
    assert stamps.steps() == ()
    for channel in (1, 2):
        for key in plan.section:
            given = others.get(f"{key}_{channel}", {})
            counted = {"covered": "0.4", "saturated": "0.0001", "brightest": "900"} | given
            stamps.write(Step("Histogram", channel, key), Stamp("h", counted))
            stamps.write(Step("Clean", channel, key), Stamp("c", {"clipped": "0.001"} | given))
    return stamps


def test_of_good_sections_nothing_is_said(plan: Plan) -> None:
    assert doubts(plan, stamps_of(plan)) == []


def test_of_sections_that_are_not_made_yet_nothing_is_said(plan: Plan) -> None:
    assert doubts(plan, StampsInMemory(plan.folder.stamps)) == []


def test_the_worst_sections_come_first(plan: Plan) -> None:
    stamps = stamps_of(plan, slide001_S2_2={"saturated": "0.02"}, slide002_S1_2={"saturated": "0.13"})
    assert doubts(plan, stamps) == [
        "channel 2: 2 sections have more than 0.1% of the tissue saturated in the scan: "
        "2 (slide002_S1) 13.0%, 1 (slide001_S2) 2.0%"
    ]


def test_what_cleaning_cuts_off_is_said_with_what_to_do(plan: Plan) -> None:
    (line,) = doubts(plan, stamps_of(plan, slide002_S2_1={"clipped": "0.0123"}))
    assert line == (
        "channel 1: 1 section has more than 0.1% of the tissue cut off by cleaning: 3 (slide002_S2) 1.2%; "
        "a lower [gain] target keeps more"
    )


def test_a_section_without_light_is_named(plan: Plan) -> None:
    (line,) = doubts(plan, stamps_of(plan, slide001_S1_2={"brightest": "0"}))
    assert line.startswith("channel 2: 1 section has no light at all: 0 (slide001_S1); ")
    assert "brainstack animal set DK39" in line


def test_a_section_that_is_saturated_throughout_is_named_for_that_too(plan: Plan) -> None:
    lines = doubts(plan, stamps_of(plan, slide001_S1_1={"saturated": "0.7"}))
    assert [line.partition(":")[2].partition(":")[0] for line in lines] == [
        " 1 section has saturated tissue throughout",
        " 1 section has more than 0.1% of the tissue saturated in the scan",
    ]


def test_saturated_tissue_is_said_also_where_the_mask_grew_into_the_glass(plan: Plan) -> None:
    """Tissue on a third of the scan, saturated throughout, and a mask of nearly all of it."""
    lines = doubts(plan, stamps_of(plan, slide001_S1_1={"saturated": "0.34", "covered": "0.97"}))
    assert "1 section has saturated tissue throughout: 0 (slide001_S1) 34.0%" in lines[0]


def measured(plan: Plan, **others: str) -> StampsInMemory:
    stamps = stamps_of(plan)
    values = {"": "x", "gain": "9.86", "level": "3000", "left_out": "", "is_saturated": "0"} | others
    stamps.write(Step("Gain", 2), Stamp("g", values))
    return stamps


def test_of_a_gain_of_all_sections_nothing_is_said(plan: Plan) -> None:
    assert doubts(plan, measured(plan)) == []


def test_sections_that_had_no_say_in_the_gain_are_named(plan: Plan) -> None:
    (line,) = doubts(plan, measured(plan, left_out="slide001_S2 slide002_S2"))
    assert line == (
        "channel 2: its gain is measured without 2 sections, saturated in more than 1% of the tissue: "
        "1 (slide001_S2), 3 (slide002_S2)"
    )


def test_a_gain_of_saturated_sections_is_said(plan: Plan) -> None:
    (line,) = doubts(plan, measured(plan, gain="0.46", is_saturated="1"))
    assert "half of its sections or more are saturated in more than 1% of the tissue" in line
    assert "the gain is only 0.46" in line


def test_of_a_gain_that_people_approved_nothing_is_said(plan: Plan) -> None:
    stamps = measured(plan, gain="0.46", is_saturated="1")
    assert doubts(dataclasses.replace(plan, approved={"gain_C2": {"gain": 5.0}}), stamps) == []


def test_a_mask_that_leaves_no_glass_is_said_once_and_not_for_each_channel(plan: Plan) -> None:
    stamps = stamps_of(plan, slide002_S1_1={"covered": "0.995"}, slide002_S1_2={"covered": "0.995"})
    (line,) = doubts(plan, stamps)
    assert line.startswith("1 section has nothing but tissue, by the mask: 2 (slide002_S1) 99.5%; ")


def test_of_many_sections_the_worst_five_are_named(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, [slide(number, 4) for number in (1, 2)])
    stamps = stamps_of(plan, **{f"{key}_1": {"clipped": f"0.{place + 1}"} for place, key in enumerate(plan.section)})
    (line,) = doubts(plan, stamps)
    assert "8 sections have" in line
    assert line.count("(slide") == 5
    assert "7 (slide002_S4) 80.0%, 6 (slide002_S3) 70.0%" in line
    assert "3 (slide001_S4)" in line
    assert "2 (slide001_S3)" not in line
