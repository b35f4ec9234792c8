"""What people save while a run makes the same file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from by_hand import plan_of, slide

from brainstack.edits import take_in_edits
from brainstack.files.tiff import read_tiff, write_tiff
from brainstack.files.whole import write_json
from brainstack.links import link_all
from brainstack.plan import Plan
from brainstack.stamps import Stamps, Step, digest
from tasks.masks import MaskProposal, Masks

KEY, NUMBER = "slide001_S2", 1
TASKS = {"thumbnail_colored": MaskProposal, "thumbnail_masked": Masks}


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    """Two sections with masks, whose edits were looked for. The second is about to be made anew."""
    plan = plan_of(tmp_path, [slide(1)])
    mask = np.zeros((40, 60), np.uint8)
    mask[10:30, 10:40] = 255
    write_json(plan.folder.small("mask_check"), {key: {"is_outlier": False} for key in plan.section})
    for key in plan.section:
        write_tiff(plan.folder.keyed("normalized", key, 1), np.full((40, 60), 90, np.uint8), 10)
        write_tiff(plan.folder.keyed("found", key), mask, 10)
        for task in TASKS.values():
            task(animal="DK39", section=key).make(plan, Step(task.__name__, 0, key))
    link_all(plan)
    assert take_in_edits(plan) == ({}, {})
    for task in TASKS.values():
        Stamps(plan.folder.stamps).remove(Step(task.__name__, 0, KEY))
    return plan


@pytest.mark.parametrize("kind", TASKS)
def test_what_a_person_saves_through_the_link_before_a_stage_writes_is_not_lost(plan: Plan, kind: str) -> None:
    path, keyed = plan.folder.numbered(kind, NUMBER), plan.folder.keyed(kind, KEY)
    written = read_tiff(keyed)
    picture = written.copy()
    picture[2:5, 2:9] = 255
    tifffile.imwrite(path.resolve(), picture)

    TASKS[kind](animal="DK39", section=KEY).make(plan, Step(TASKS[kind].__name__, 0, KEY))
    link_all(plan)

    np.testing.assert_array_equal(read_tiff(keyed), written)
    np.testing.assert_array_equal(read_tiff(path), picture)
    wanted = read_tiff(plan.folder.keyed("proposal", KEY))
    wanted[2:5, 2:9] = 255
    assert take_in_edits(plan) == ({KEY: digest(wanted)}, {})


@pytest.mark.parametrize("kind", TASKS)
def test_a_file_that_nobody_saved_stays_behind_its_link(plan: Plan, kind: str) -> None:
    TASKS[kind](animal="DK39", section=KEY).make(plan, Step(TASKS[kind].__name__, 0, KEY))
    assert plan.folder.numbered(kind, NUMBER).is_symlink()
    assert take_in_edits(plan) == ({}, {})
