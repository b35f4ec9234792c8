"""What holds the stack from outside, where it does not reach."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from by_hand import plan_of, settings_with, slide
from lab import Lab

from brainstack.alignment_results import read_reference_places
from brainstack.images.alignment_verdicts import GOOD, Verdict
from brainstack.images.registration import Registered
from brainstack.images.stack_alignment import AlignedStack
from brainstack.plan import Plan
from brainstack.stack_placing import OUTSIDE, with_outside
from tasks import shape
from tasks.shape import ReferencePlace

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
