"""What mends a step that failed. That the commands exist is asked in test_messages.py."""

from __future__ import annotations

from pathlib import Path

import pytest
from by_hand import plan_of, slide

from brainstack.mending import Mending, mending_of
from brainstack.plan import Plan
from brainstack.stamps import Step

AGAIN = "luigi --module tasks Animal --animal DK39"


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return plan_of(tmp_path, [slide(1), slide(2), slide(2, rescan=2)])


@pytest.mark.parametrize(
    ("step", "sentence", "command"),
    [
        (Step("Meta", 0, "DK39_slide001"), "x is cut off.", "brainstack slide DK39 1 --bad WHY"),
        (Step("Tifs", 1, "DK39_slide002_rescan2"), "is damaged.", "brainstack slide DK39 2 --rescan 2 --bad WHY"),
        (Step("Clean", 2, "slide001_S2"), "does not fit.", "brainstack slide DK39 1 --scene 2 --bad WHY"),
        (Step("Masks", 0, "slide001_S2"), "is all black", "brainstack review DK39"),
        (Step("Gain", 1), "Channel 1 is black", AGAIN),
        (Step("FullImage", 1, "000.0"), "is gone", f"{AGAIN} --resolution full"),
        (Step("DifferentMesh", 0, "cells:1:20"), "Nothing is left", "luigi --module tasks DifferentMesh --animal DK39"),
        (
            Step("Elastix", 0, "slide001_S1..slide001_S2"), "could not register them",
            "brainstack animal pair DK39 0 1 --rotation-deg DEGREES --shift-x-um UM --shift-y-um UM",
        ),
        (Step("Tifs", 1, "DK39_slide001"), "a.tif: No space left on device; mend that and run the same command again.",
         AGAIN),
        (Step("Clean", 1, "slide001_S1"), "a fault of brainstack, please report it: KeyError", AGAIN),
        (Step("Clean", 1, "slide001_S1"), "release it with `brainstack approve DK39 gain --release`.",
         "brainstack approve DK39 gain --release"),
        (Step("Export", 0, "ome-tiff:full"), "No section could be exported; see `brainstack status DK39`.",
         "luigi --module tasks Export --animal DK39 --format ome-tiff --resolution full"),
        (Step("FullClean", 1, "slide001_S1"), "run the same command again",
         "luigi --module tasks Clean --animal DK39 --resolution full"),
    ],
)  # fmt: skip
def test_each_kind_of_failure_has_its_command(plan: Plan, step: Step, sentence: str, command: str) -> None:
    assert mending_of(plan, step, sentence) == Mending(command)


def test_of_a_mask_the_file_to_open_is_named(plan: Plan) -> None:
    painted, mask = (plan.folder.numbered(kind, 1) for kind in ("thumbnail_colored", "thumbnail_masked"))
    for path in (painted, mask):
        path.parent.mkdir(parents=True)
        path.touch()
    step = Step("Masks", 0, "slide001_S2")
    assert mending_of(plan, step, "No tissue was found").file == str(painted)
    assert mending_of(plan, step, f"{mask} is all black").file == str(mask)
