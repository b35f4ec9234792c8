"""What holds the stack from outside, where it does not reach."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
import tifffile
from by_hand import plan_of, settings_with, slide
from lab import Lab

from brainstack.alignment_report import GAVE_UP
from brainstack.alignment_results import read_outlines, read_reference_places
from brainstack.images.alignment_verdicts import GOOD, Verdict
from brainstack.images.outline_holds import find_outline
from brainstack.images.registration import Registered
from brainstack.images.stack_alignment import AlignedStack, Stack
from brainstack.images.stack_solving import Frame
from brainstack.plan import Plan
from brainstack.stack_placing import OUTSIDE, PlacedStack, with_outside
from brainstack.stamps import Step
from tasks import shape
from tasks.shape import Outline, ReferencePlace
from tasks.transforms import _pairs

PLACE = Registered(0.1, 5.0, 6.0, 0.9)


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    """Four sections at 40, 60, 80 and 100 um in a reference of two planes, at 0 and 50 um, which reach to 75 um."""
    tifffile.imwrite(tmp_path / "volume.tif", np.ones((2, 40, 60), np.uint8))
    said = {
        "held_by": "reference",
        "reference": str(tmp_path / "volume.tif"),
        "reference_spacing_um": 50.0,
        "reference_first_um": 40.0,
    }
    return plan_of(tmp_path, [slide(1, 4)], settings=settings_with(shape=said), section_thickness_um=20.0)


def test_a_section_outside_the_reference_has_no_place_there_and_is_no_failure(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_plane: Callable[..., Registered] = lambda *_: PLACE  # noqa: E731
    monkeypatch.setattr(shape, "_on_plane", on_plane)
    for step in plan.steps("ReferencePlace"):
        ReferencePlace(animal="DK39").make(plan, step)
    assert read_reference_places(plan) == {0: PLACE, 1: PLACE, 2: None, 3: None}


@pytest.mark.parametrize(
    ("held_by", "stages"),
    [
        ("nothing", set()),
        ("midline", {"Midline"}),
        ("outline", {"Outline"}),
        ("midline and outline", {"Midline", "Outline"}),
        ("reference", {"ReferencePlace"}),
    ],
)
def test_what_holds_the_stack_is_made_and_read(tmp_path: Path, held_by: str, stages: set[str]) -> None:
    plan = plan_of(tmp_path, [slide(1, 4)], settings=settings_with(shape={"held_by": held_by}), orientation="coronal")
    assert {one for one in ("Midline", "Outline", "ReferencePlace") if list(plan.steps(one))} == stages
    read = {one.step.stage for one in plan.inputs(Step("Transforms"))}
    assert read & {"Midline", "Outline", "ReferencePlace"} == stages


def test_outlines_are_read_as_they_were_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = plan_of(tmp_path, [slide(1, 4)], settings=settings_with(shape={"held_by": "outline"}))
    mask = np.zeros((60, 80), bool)
    mask[20:40, 30:50] = True
    monkeypatch.setattr(shape, "read_cleaned_mask", lambda *_: mask)
    for step in plan.steps("Outline"):
        Outline(animal="DK39").make(plan, step)
    found = read_outlines(plan)
    assert sorted(found) == [0, 1, 2, 3]
    np.testing.assert_allclose(found[2][0], find_outline(mask, plan.pixel_size_um)[0], atol=0.01)


def test_of_a_section_outside_the_reference_the_run_says_so_unless_there_is_worse() -> None:
    mirrored = Verdict("doubtful", "it seems to be mirrored")
    aligned = AlignedStack({}, {}, {}, [GOOD, GOOD, mirrored, GOOD])
    found = with_outside(aligned, {0: PLACE, 1: None, 2: None})
    assert found.sections == [GOOD, Verdict("doubtful", OUTSIDE), mirrored, GOOD]


def test_a_run_whose_last_section_lies_outside_the_reference_ends_well_and_names_it(lab: Lab, tmp_path: Path) -> None:
    """The reference is the stack itself, without its last section."""
    reference = tmp_path / "reference"
    reference.mkdir()
    for plane in sorted((lab.folder.root / "preps/CH1/thumbnail_aligned").glob("*.tif"))[:-1]:
        (reference / plane.name).write_bytes(plane.read_bytes())
    with lab.folder.settings.open("a") as file:
        file.write(f'\n[shape]\nheld_by = "reference"\nreference = "{reference}"\nreference_spacing_um = 50.0\n')
    run = lab.luigi()
    assert run.returncode == 0, run.stderr
    doubtful = [line for line in run.stderr.splitlines() if "its place in the stack is doubtful" in line]
    assert len(doubtful) == 1
    assert f"section 7 (slide002_S4): its place in the stack is doubtful: {OUTSIDE}" in doubtful[0]


# Another volume at the same path


def expected_of(plan: Plan) -> list[dict[str, str]]:
    """What the steps are made from but inputs, of a plan that is made now."""
    now = dataclasses.replace(plan)
    return [now.own_ingredients(step) for step in now.steps("ReferencePlace")]


def test_another_volume_at_the_path_of_the_reference_places_all_sections_anew(plan: Plan, tmp_path: Path) -> None:
    before = expected_of(plan)
    assert expected_of(plan) == before
    tifffile.imwrite(tmp_path / "volume.tif", np.ones((5, 40, 60), np.uint8))
    assert all(now != then for now, then in zip(expected_of(plan), before, strict=True))


def test_another_plane_in_the_folder_of_the_reference_is_seen_and_other_files_are_not(
    plan: Plan, tmp_path: Path
) -> None:
    planes = tmp_path / "planes"
    planes.mkdir()
    for number in range(3):
        tifffile.imwrite(planes / f"plane_{number}.TIF", np.ones((40, 60), np.uint8))
    shape_of_stack = plan.settings.shape.model_copy(update={"reference": str(planes)})
    plan = dataclasses.replace(plan, settings=plan.settings.model_copy(update={"shape": shape_of_stack}))
    before = expected_of(plan)
    (planes / "Thumbs.db").touch()
    assert expected_of(plan) == before
    os.utime(planes / "plane_1.TIF", (1, 1))  # as large as before, and written anew
    assert expected_of(plan) != before


def test_a_reference_that_is_not_there_has_no_files(plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "volume.tif").unlink()
    assert {one["the reference's files"] for one in expected_of(plan)} == {"null"}


# Reasons of pairs


def test_of_each_pair_the_table_says_why_it_is_not_good_and_that_elastix_gave_up(plan: Plan) -> None:
    given_up = Registered(0.1, 5.0, 6.0, 0.9, engine_error="elastix could not register the two sections.")
    stack = Stack(plan.chain, {(0, 1): PLACE, (1, 2): given_up}, frozenset(), 1, Frame((60, 40), 20.0, 500.0))
    verdicts = {(0, 1): Verdict("failed", "off what the others say by 900 um"), (1, 2): GOOD}
    aligned = AlignedStack({}, {(0, 1): 900.0, (1, 2): 0.0}, verdicts, [GOOD] * 4)
    first, second = _pairs(plan, cast(PlacedStack, SimpleNamespace(stack=stack, aligned=aligned)))
    assert (first.verdict, first.reason) == ("failed", "off what the others say by 900 um")
    assert (second.verdict, second.reason) == ("good", f"{GAVE_UP}elastix could not register the two sections.")
