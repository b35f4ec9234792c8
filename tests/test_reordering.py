"""A section at another place of the stack: what is decided for that."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from by_hand import plan_of, slide

from brainstack.errors import BrainstackError
from brainstack.plan import Plan
from brainstack.reordering import Moved, moved_behind


def after(plan: Plan, moved: Moved) -> list[str]:
    """The stack once it was decided."""
    slides = []
    for one in plan.records.slides:
        scenes = one.scenes
        if one == moved.slide and moved.scene_order is not None:
            scenes = tuple(dataclasses.replace(s, order=moved.scene_order.index(s.number) + 1) for s in scenes)
        if one == moved.slide and moved.moved_after is not None:
            scenes = tuple(
                dataclasses.replace(s, moved_after=moved.moved_after) if s.number == moved.scene.number else s
                for s in scenes
            )
        slides.append(dataclasses.replace(one, scenes=scenes))
    records = dataclasses.replace(plan.records, slides=tuple(slides))
    return [section.key for section in dataclasses.replace(plan, records=records).sections]


@pytest.mark.parametrize("side", ["ASC", "DESC"])
@pytest.mark.parametrize("key", ["slide001_S1", "slide002_S2", "slide003_S3"])
@pytest.mark.parametrize("to", range(9))
def test_a_section_comes_where_it_was_put(tmp_path: Path, side: str, key: str, to: int) -> None:
    plan = plan_of(tmp_path, [slide(number, 3) for number in (1, 2, 3)], side_sectioned_first=side)
    wanted = [section.key for section in plan.sections if section.key != key]
    before = wanted[to - 1] if to else ""
    wanted.insert(to, key)
    assert after(plan, moved_behind(plan, key, before)) == wanted


def test_a_place_on_its_own_slide_is_the_order_of_its_scenes_and_brings_a_moved_one_back(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, [slide(1, 3), slide(2, 3)])
    on_slide = moved_behind(plan, "slide001_S1", "slide001_S2")
    assert (on_slide.scene_order, on_slide.moved_after) == ((2, 1, 3), None)
    elsewhere = moved_behind(plan, "slide001_S1", "slide002_S1")
    assert (elsewhere.scene_order, elsewhere.moved_after) == (None, "slide002_S1")
    as_it_is = moved_behind(plan, "slide001_S2", "slide001_S1")
    assert (as_it_is.scene_order, as_it_is.moved_after) == (None, None)
    moved = plan_of(tmp_path, [slide(1, 3, moved_after={1: "slide002_S1"}), slide(2, 3)])
    back = moved_behind(moved, "slide001_S1", "")
    assert (back.scene_order, back.moved_after) == (None, "")


def test_it_comes_behind_the_copies_of_a_section(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, [slide(1, 2, replicates={1: 2}), slide(2, 2)])
    moved = moved_behind(plan, "slide002_S1", "slide001_S1_copy2")
    assert after(plan, moved)[:4] == ["slide001_S1", "slide001_S1_copy1", "slide001_S1_copy2", "slide002_S1"]


def test_a_section_that_was_dropped_is_named(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, [slide(1, 3, dropped=(2,))])
    with pytest.raises(BrainstackError, match="no section 'slide001_S2'"):
        moved_behind(plan, "slide001_S2", "slide001_S1")
    with pytest.raises(BrainstackError, match="no section 'slide001_S2'"):
        moved_behind(plan, "slide001_S1", "slide001_S2")
