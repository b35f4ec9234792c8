from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from by_hand import plan_of, settings_with, slide
from masked import make_mask, proposal_of

from brainstack import mask_approvals
from brainstack.cli import app
from brainstack.database import create_or_upgrade, open_database
from brainstack.environment import database_url
from brainstack.errors import BrainstackError
from brainstack.mask_approvals import NotSeenError, approve, may_go_on, not_approved, take_back, waiting
from brainstack.plan import Plan
from brainstack.progress import Progress
from brainstack.records import Animal, Histology, ScanRun
from brainstack.stamps import Stamps, Step, digest
from brainstack.why import NextRun

ONE, TWO, THREE = "slide001_S1", "slide001_S2", "slide002_S1"
REQUIRED = {"review": {"require": ("masks",)}, "tifs": {"thumbnail_factor": 1}}


@pytest.fixture
def plan(data_root: Path) -> Plan:
    """Three sections with masks, all of which have to be approved, and a database."""
    create_or_upgrade(database_url())
    with open_database(database_url()) as database:
        database.add_animal(Animal("DK39"), Histology("DK39"), ScanRun("DK39", "/scans/DK39"))
    plan = plan_of(data_root, [slide(1), slide(2, 1)], settings=settings_with(**REQUIRED))
    for place, key in enumerate(plan.section):
        make_mask(plan, key, place)
    return plan


def now(plan: Plan) -> Plan:
    """With what was approved since, as a new plan has it."""
    found = {key: one.mask for key, one in mask_approvals.approvals(plan).items()}
    return dataclasses.replace(plan, approved_masks=found)


def open_ones(plan: Plan) -> list[str]:
    return [one.key for one in not_approved(now(plan), Stamps(plan.folder.stamps))]


def test_masks_are_approved_one_by_one(plan: Plan) -> None:
    assert open_ones(plan) == [ONE, TWO, THREE]
    assert approve(plan, [TWO], person="anna") == [TWO]
    assert open_ones(plan) == [ONE, THREE]
    assert approve(now(plan), [TWO, THREE], person="ben") == [THREE]
    assert mask_approvals.approvals(plan)[TWO].person == "anna", "it was approved already"
    assert take_back(plan, [TWO, ONE], person="ben") == [TWO]
    assert open_ones(plan) == [ONE, TWO]


def test_a_mask_that_changes_is_not_approved_any_more(plan: Plan) -> None:
    approve(plan, list(plan.section), person="anna")
    edited = dataclasses.replace(plan, edits={ONE: digest("painted")})
    assert open_ones(edited) == [ONE]
    assert open_ones(plan) == [], "once it is the one that was approved again"


def test_only_a_mask_that_was_seen_is_approved(plan: Plan) -> None:
    with pytest.raises(NotSeenError, match="was changed since it was shown; nothing was approved"):
        approve(plan, [ONE], person="anna", seen={ONE: digest("another")})
    assert approve(plan, [ONE], person="anna", seen={ONE: digest(proposal_of(0))}) == [ONE]
    with pytest.raises(NotSeenError, match="was changed since it was shown; nothing was taken back"):
        take_back(plan, [ONE], person="ben", seen={ONE: digest("another")})
    assert take_back(plan, [ONE], person="ben", seen={ONE: digest(proposal_of(0))}) == [ONE]


def test_what_is_no_mask_cannot_be_approved(plan: Plan) -> None:
    refused = dataclasses.replace(plan, refused={ONE: "012.tif is all black."})
    with pytest.raises(BrainstackError, match=r"no mask that can be approved: 012\.tif is all black"):
        approve(refused, [ONE, TWO], person="anna")
    with pytest.raises(BrainstackError, match="has no mask yet that could be approved"):
        approve(plan.without([Step("Masks", 0, ONE)]), [ONE], person="anna")
    assert open_ones(plan) == [ONE, TWO, THREE]


def test_people_are_told_what_is_waited_for(plan: Plan) -> None:
    approve(plan, [TWO], person="anna")
    (said,) = waiting(now(plan), Stamps(plan.folder.stamps))
    assert said.startswith("2 of 3 masks are not approved yet: sections 0, 2; Clean, and what follows from it, waits")
    assert "`brainstack review DK39`" in said
    approve(plan, [ONE], person="anna")
    (said,) = waiting(now(plan), Stamps(plan.folder.stamps))
    assert said.startswith("1 of 3 masks is not approved yet: section 2; ")
    approve(plan, [THREE], person="anna")
    assert waiting(now(plan), Stamps(plan.folder.stamps)) == []


def test_where_nothing_is_required_nothing_waits(plan: Plan) -> None:
    free = dataclasses.replace(plan, settings=settings_with(tifs={"thumbnail_factor": 1}))
    assert waiting(free, Stamps(plan.folder.stamps)) == []
    assert may_go_on(Progress(free, Stamps(plan.folder.stamps)))


def test_a_section_without_a_mask_holds_up_no_other(plan: Plan) -> None:
    """It is held up itself, and the run says why."""
    approve(plan, [ONE, TWO], person="anna")
    without = now(plan).without([Step("Masks", 0, THREE)])
    assert waiting(without, Stamps(plan.folder.stamps)) == []


def test_an_approval_of_a_mask_that_is_to_be_made_again_is_no_way_through(plan: Plan) -> None:
    """It may come out otherwise: here no step is done, as no slide was read."""
    approve(plan, list(plan.section), person="anna")
    progress = Progress(now(plan), Stamps(plan.folder.stamps))
    assert not may_go_on(progress)


def test_what_waits_is_not_said_to_be_made_by_the_next_run(plan: Plan) -> None:
    """Masks are; Clean and what follows hang on people."""
    progress = Progress(plan, Stamps(plan.folder.stamps))
    next_run = NextRun(progress)
    clean, masks = next_run.outlook(Step("Clean", 1, ONE)), next_run.outlook(Step("Masks", 0, ONE))
    assert not clean.is_made
    assert clean.reasons[0].kind == "all masks are approved"
    assert masks.reasons[0].kind != "all masks are approved"
    assert next_run.outlook(Step("Transforms")).reasons[0].kind == "all masks are approved"


def test_an_unknown_requirement_is_refused() -> None:
    with pytest.raises(ValueError, match="masks"):
        settings_with(review={"require": ("mask",)})


def test_the_commands_are_there() -> None:
    group = next(one for one in app.registered_groups if one.name == "mask")
    names = {one.name for one in group.typer_instance.registered_commands}
    assert names == {"list", "set", "to-proposal", "approve", "take-back", "export"}
