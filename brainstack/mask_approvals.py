"""The masks that people approve, and what waits until all of them are ([review] require).

An approval is of pixels: a mask that changes later, by a person or as its proposal does, is not approved any more.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from brainstack.database import open_database, run_in_transaction
from brainstack.environment import database_url
from brainstack.errors import BrainstackError
from brainstack.plan import Plan
from brainstack.progress import Progress
from brainstack.records import Section
from brainstack.said import MaskApproval
from brainstack.stamps import Stamps, Step

WAITING_STAGES = ("Clean", "FullClean")
"""What waits; all that follows from it then does."""
MOST_NAMED = 12


def is_required(plan: Plan) -> bool:
    return "masks" in plan.settings.review.require


def version_in_force(plan: Plan, stamps: Stamps, key: str) -> str:
    """Digest of a section's mask: of the one that a person made, else of its proposal; "" where there is neither."""
    if key in plan.edits:
        return plan.edits[key]
    stamp = stamps.read(Step("MaskProposal", 0, key))
    return "" if stamp is None else stamp.of("")


def is_approved(plan: Plan, stamps: Stamps, key: str) -> bool:
    version = version_in_force(plan, stamps, key)
    return version != "" and plan.approved_masks.get(key) == version


def not_approved(plan: Plan, stamps: Stamps) -> list[Section]:
    """The sections whose masks are not approved, in order. One whose mask could not be made is held up by that already,
    and no other waits for it."""
    return [
        one
        for key, one in plan.section.items()
        if not is_approved(plan, stamps, key) and not plan.is_blocked(Step("Masks", 0, key))
    ]


def may_go_on(progress: Progress) -> bool:
    """Whether what waits for approvals may be made: each mask is made, and as it is, approved."""
    plan = progress.plan
    masks = [step for step in plan.steps("Masks") if not plan.is_blocked(step)]
    return not is_required(plan) or (
        all(progress.is_done(step) for step in masks) and not not_approved(plan, progress.stamps)
    )


def waiting(plan: Plan, stamps: Stamps) -> list[str]:
    """What to tell people where approvals are wanted: one sentence, or none."""
    missing = not_approved(plan, stamps) if is_required(plan) else []
    if not missing:
        return []
    name, numbers = plan.folder.prep_id, [one.number for one in missing]
    are, sections = ("is", "section") if len(missing) == 1 else ("are", "sections")
    return [
        f"{len(missing)} of {len(plan.section)} masks {are} not approved yet: {sections} {_listed(numbers)}; Clean, "
        "and what follows from it, waits for that ([review] require): approve them on the page of "
        f"`brainstack review {name}`, or with `brainstack mask approve {name} SECTION ...`, then run the same command "
        "again."
    ]


class Held:
    """Which steps are not made before people have approved all masks. is_waiting : whether approvals are missing."""

    def __init__(self, progress: Progress, *, is_waiting: bool) -> None:
        self._progress = progress
        self._is_waiting = is_waiting
        self._known: dict[Step, bool] = {}

    def holds(self, step: Step) -> bool:
        if not self._is_waiting:
            return False
        if step not in self._known:
            self._known[step] = not self._progress.is_done(step) and (
                step.stage in WAITING_STAGES or any(self.holds(one.step) for one in self._progress.plan.inputs(step))
            )
        return self._known[step]


def _listed(numbers: list[int]) -> str:
    shown = ", ".join(map(str, numbers[:MOST_NAMED]))
    return f"{shown} and {len(numbers) - MOST_NAMED} more" if len(numbers) > MOST_NAMED else shown


# What people do


class NotSeenError(BrainstackError):
    """The mask is another one than a person saw."""

    status = 409


def approve(plan: Plan, keys: Iterable[str], *, person: str, seen: Mapping[str, str] | None = None) -> list[str]:
    """Approve the masks of these sections as they are in force. Returns the keys of those that were not before.

    seen : section key -> version of the mask that the person saw; None for whatever there is. Raises BrainstackError
    for a section that has no mask that could be approved, or another one than was seen; then none is approved.
    """
    stamps, masks = Stamps(plan.folder.stamps), {}
    for key in keys:
        masks[key] = _approvable(plan, stamps, key)
        _check_seen(plan, key, masks[key], seen, "approved")
    new = {key: mask for key, mask in masks.items() if plan.approved_masks.get(key) != mask}
    if new:
        name = plan.folder.prep_id
        run_in_transaction(database_url(), lambda database: database.approve_masks(name, new, person=person))
    return list(new)


def _approvable(plan: Plan, stamps: Stamps, key: str) -> str:
    number = plan.section[key].number
    if key in plan.refused:
        raise BrainstackError(f"Section {number} ({key}) has no mask that can be approved: {plan.refused[key]}")
    version = version_in_force(plan, stamps, key)
    if not version or plan.is_blocked(Step("Masks", 0, key)):
        raise BrainstackError(
            f"Section {number} ({key}) has no mask yet that could be approved; paint one, or run it first: "
            f"luigi --module tasks Masks --animal {plan.folder.prep_id}"
        )
    return version


def take_back(plan: Plan, keys: Collection[str], *, person: str, seen: Mapping[str, str] | None = None) -> list[str]:
    """No mask of these sections is approved any more. Returns those of which one was.

    seen : as of `approve`; for another mask than was seen, NotSeenError is raised and nothing is taken back.
    """
    stamps, name = Stamps(plan.folder.stamps), plan.folder.prep_id
    for key in keys:
        _check_seen(plan, key, version_in_force(plan, stamps, key), seen, "taken back")
    return run_in_transaction(
        database_url(), lambda database: database.take_mask_approvals_back(name, keys, person=person)
    )


def _check_seen(plan: Plan, key: str, version: str, seen: Mapping[str, str] | None, what: str) -> None:
    if seen is not None and seen.get(key) != version:
        raise NotSeenError(
            f"The mask of section {plan.section[key].number} ({key}) was changed since it was shown; nothing was "
            f"{what}: look at it as it is now."
        )


def approvals(plan: Plan) -> dict[str, MaskApproval]:
    """Who approved what, and when, by section key: also of masks that are others by now."""
    with open_database(database_url()) as database:
        return database.mask_approvals(plan.folder.prep_id)
