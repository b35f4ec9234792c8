"""What PairCheck makes of pairs before it compares them."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from by_hand import plan_of, slide

from brainstack.errors import BrainstackError
from brainstack.files.whole import write_json
from brainstack.images.registration import Registered
from brainstack.plan import Plan
from brainstack.records import AlignmentEdit
from brainstack.stamps import Step
from tasks.pair_check import PairCheck, check_engine

NOTHING: Mapping[str, Mapping[str, Any]] = {}
GOOD = Registered(0.1, 5.0, 6.0, 0.9)
GIVEN_UP = Registered(0.1, 5.0, 6.0, 0.9, engine_error="elastix could not register the two sections.")


def test_where_elastix_gave_up_on_every_pair_its_parameters_are_wrong() -> None:
    given = Registered(0.0, 0.0, 0.0, 0.5, by_hand=True)
    copy = Registered(0.0, 0.0, 0.0, 1.0, is_same=True)
    with pytest.raises(BrainstackError, match=r"gave up on all 2 pairs; put config/rigid.toml right: elastix"):
        check_engine({"a..b": GIVEN_UP, "b..c": GIVEN_UP, "c..d": given, "d..e": copy})


def test_one_pair_that_elastix_gave_up_on_is_used_as_it_was_begun() -> None:
    check_engine({"a..b": GIVEN_UP, "b..c": GOOD})


def test_without_pairs_there_is_nothing_to_say() -> None:
    check_engine({})
    check_engine({"a..b": Registered(0.0, 0.0, 0.0, 0.5, by_hand=True)})


@pytest.mark.parametrize("scenes", [1, 2])
def test_pairs_that_are_in_no_loop_are_used_as_they_are(tmp_path: Path, scenes: int) -> None:
    """Two sections have one pair, and one section none: nothing contradicts them."""
    plan = plan_of(tmp_path, [slide(1, scenes)])
    assert checked(plan) == {"mirrored": [], "requests": {}, "open_um": {}}


def test_an_anchor_that_is_mirrored_makes_those_mirrored_that_fit_on_it_as_they_are(tmp_path: Path) -> None:
    """Four sections that all fit on each other, and a fifth that fits on them in its other state."""
    plan = plan_of(tmp_path, [slide(1, 5)])
    anchor = AlignmentEdit("anchor", "slide001_S2", mirrored=True)
    said = dataclasses.replace(plan, records=dataclasses.replace(plan.records, alignment_edits=(anchor,)))
    others = {pair.item: {"mirrored": True} for pair in plan.pairs if pair.item.endswith("S5")}
    assert checked(plan, others)["mirrored"] == ["slide001_S5"]
    assert checked(said, others)["mirrored"] == [f"slide001_S{scene}" for scene in (1, 2, 3, 4)]


def checked(plan: Plan, others: Mapping[str, Mapping[str, Any]] = NOTHING) -> dict[str, Any]:
    """What PairCheck says of pairs that are more alike as they are. others : what differs, by pair."""
    write_json(plan.folder.small("canvas"), {"rows": 60, "columns": 40})
    good = dataclasses.replace(GOOD, likeness=0.8, likeness_other=0.3)
    for pair in plan.pairs:
        found = dataclasses.replace(good, **others.get(pair.item, {}))
        write_json(plan.folder.pair(pair.item), dataclasses.asdict(found))
    PairCheck(animal="DK39").make(plan, Step("PairCheck"))
    content: dict[str, Any] = json.loads(plan.folder.small("pair_check").read_text())
    return content
