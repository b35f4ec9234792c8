"""A node works by the plan that the run has, to the last digit."""

from __future__ import annotations

from pathlib import Path

import pytest
from by_hand import all_steps, plan_of, slide

from brainstack.errors import BrainstackError
from brainstack.labels import LabelSource
from brainstack.plan import Plan
from brainstack.stamps import Stamp, Stamps, Step
from brainstack.written_plan import read_plan, write_plan


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    """With something in every field."""
    return plan_of(
        tmp_path, [slide(1, qc={1: 1}, order={2: 5}), slide(2, rescan=2, status="Bad"), slide(2)],
        edits={"slide001_S2": "painted"}, refused={"slide002_S1": "is of another size."},
        approved={"masks": {"by": "Anna", "numbers": [1, 2.5, None]}},
        failed=frozenset({Step("Clean", 1, "slide001_S1")}),
        mask_model="abc", points={"cells": "def"},
        labels={"atlas": LabelSource("atlas", "volume", "/atlas.nii", voxel_um=(0.1, 1e-17, 25.0))},
        pixel_size_um=0.1 + 0.2,
    )  # fmt: skip


def test_a_plan_is_read_as_it_was_written(plan: Plan, tmp_path: Path) -> None:
    assert read_plan(write_plan(tmp_path / "plans", plan)) == plan


def test_what_is_made_by_it_has_the_same_digests(plan: Plan, tmp_path: Path) -> None:
    read, stamps = read_plan(write_plan(tmp_path / "plans", plan)), Stamps(tmp_path / "stamps")
    steps = all_steps(plan)

    assert all_steps(read) == steps
    assert len(steps) > 50
    for step in steps:
        assert read.expected(step, stamps) == plan.expected(step, stamps)
        stamps.write(step, Stamp(plan.expected(step, stamps)))


def test_the_same_plan_is_one_file_and_another_plan_another(plan: Plan, tmp_path: Path) -> None:
    path = write_plan(tmp_path / "plans", plan)
    before = path.stat().st_ino
    other = write_plan(tmp_path / "plans", plan.without([Step("Meta", 0, "DK39_slide001")]))

    assert write_plan(tmp_path / "plans", plan) == path
    assert path.stat().st_ino == before
    assert set((tmp_path / "plans").iterdir()) == {path, other}


def test_a_plan_that_is_not_there_or_is_none_says_so(tmp_path: Path) -> None:
    with pytest.raises(BrainstackError, match=r"plan\.json is not there; wanted the plan that this job works by"):
        read_plan(tmp_path / "plan.json")
    (tmp_path / "plan.json").write_text('{"folder": 3}')
    with pytest.raises(BrainstackError, match=r"is no plan \(\d+ faults, the first: .*need the same version"):
        read_plan(tmp_path / "plan.json")
