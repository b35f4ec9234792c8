"""Masks: looked at, painted, approved."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel
from starlette.responses import Response

from brainstack import mask_approvals
from brainstack.edits import mask_shape
from brainstack.files.browser_pictures import encoded, packed_bits, sent_mask
from brainstack.last_run import local_time
from brainstack.mask_areas import said_of_mask
from brainstack.masking import (
    MaskState,
    SavedMask,
    back_to_proposal,
    mask_states,
    proposal,
    read_note,
    saved_mask,
    set_mask,
    state_of,
)
from brainstack.plan import Plan
from brainstack.records import Section
from brainstack.review.access import Role
from brainstack.review.asking import Asked, NotThereError, Page, json_answer
from brainstack.review.pictures import FOR_EVER, picture_answer, version_of
from brainstack.stamps import digest

LARGEST_PNG = 16 << 20
"""Bytes of a mask that is sent: one of 8000 x 8000 pixels has less, however ragged."""
HERE_S = 60.0
"""Somebody has a section open if their page asked about it within this time; pages ask every 15 s."""


def page(asked: Asked) -> Response:
    """The page, which asks for all else."""
    plan = asked.animal.plan()
    return asked.page(
        "masks.html",
        title=f"Masks of {plan.folder.prep_id}",
        channels=plan.channels,
        channel=plan.settings.masks.channel,
        required=mask_approvals.is_required(plan),
    )


def states(asked: Asked) -> Response:
    """All sections with the state of their masks."""
    plan = asked.animal.plan()
    found = mask_states(plan, mask_approvals.approvals(plan))
    rows = [
        {"key": one.section.key, "number": one.section.number, "word": one.word, "doubtful": one.is_doubtful,
         "approved": one.approved is not None}
        for one in found
    ]  # fmt: skip
    return json_answer({"sections": rows})


def section(asked: Asked) -> Response:
    """What there is to say and to fetch of one section."""
    plan, one = _section(asked)
    saved = saved_mask(plan, one.key)
    return json_answer(_described(asked, plan, one, saved) | {"others": _said_of(_OPEN.note(asked, one.key), asked)})


def picture(asked: Asked) -> Response:
    """The section as people see it, in 8 bit."""
    plan, one = _section(asked, quick=True)
    channel = next((each for each in plan.channels if str(each.number) == asked.part("channel")), None)
    if channel is None:
        raise NotThereError(f"{plan.folder.prep_id} has no channel {asked.part('channel')}.")
    return picture_answer(asked, plan.folder.keyed("normalized", one.key, channel.number))


def mask(asked: Asked) -> Response:
    """The mask as it is saved, as PNG or as bits. ?v : the version that is wanted, and no other."""
    plan, one = _section(asked, quick=True)
    return _mask_answer(asked, saved_mask(plan, one.key).mask)


def proposed(asked: Asked) -> Response:
    """What is proposed, whatever people made of it."""
    plan, one = _section(asked, quick=True)
    return _mask_answer(asked, proposal(plan, one.key))


def save(asked: Asked) -> Response:
    """Keep a mask that was painted. ?based_on : the version that it was painted on."""
    plan, one = _section(asked)
    name = f"The mask of section {one.number}"
    image = sent_mask(asked.body, shape=mask_shape(plan, one.key), name=name)
    version = set_mask(plan, one.key, image, person=asked.person, based_on=asked.query("based_on"))
    return json_answer({"version": version, "made_by": _made_by(plan, one.key, version), "word": "edited"})


class Seen(BaseModel):
    """version : of the mask that the page shows."""

    version: str


def to_proposal(asked: Asked) -> Response:
    """Go back to the proposal."""
    plan, one = _section(asked)
    version = back_to_proposal(plan, one.key, based_on=asked.sent(Seen).version)
    asked.animal.changed()
    return json_answer({"version": version})


def approval(asked: Asked) -> Response:
    """Approve the mask that the page shows, or take that back."""
    plan, one = _section(asked)
    seen = {one.key: asked.sent(Seen).version}
    if asked.request.method == "DELETE":
        mask_approvals.take_back(plan, [one.key], person=asked.person, seen=seen)
    else:
        mask_approvals.approve(plan, [one.key], person=asked.person, seen=seen)
    asked.animal.changed()
    plan = asked.animal.plan()
    return json_answer(_described(asked, plan, one, saved_mask(plan, one.key)))


class Left(BaseModel):
    """page : the word that the page made up for itself."""

    page: str


def left(asked: Asked) -> Response:
    """A page has no section open any more."""
    _OPEN.forget(asked.sent(Left).page)
    return json_answer({})


def _section(asked: Asked, *, quick: bool = False) -> tuple[Plan, Section]:
    """The section that the address names. quick : by the plan that was made last, if it is there."""
    plan = asked.animal.last_plan() if quick else asked.animal.plan()
    found = plan.section.get(asked.part("key"))
    if found is None and quick:
        return _section(asked)
    if found is None:
        raise NotThereError(
            f"{plan.folder.prep_id} has no section {asked.part('key')} with a picture (any more): it was dropped, or "
            "is marked as bad; nothing was changed."
        )
    return plan, found


def _described(asked: Asked, plan: Plan, one: Section, saved: SavedMask) -> dict[str, Any]:
    state, base = state_of(plan, one, saved, mask_approvals.approvals(plan)), f"/{plan.folder.prep_id}/masks/{one.key}"
    proposed, (rows, columns) = proposal(plan, one.key), mask_shape(plan, one.key)
    paths = {each: plan.folder.keyed("normalized", one.key, each.number) for each in plan.channels}
    return {
        "key": one.key,
        "number": one.number,
        "rows": rows,
        "columns": columns,
        "pixel_size_um": plan.pixel_size_um,
        "version": saved.version,
        "mask": f"{base}/mask.bits?v={saved.version}" if saved.version else "",
        "proposal": "" if proposed is None else f"{base}/proposal.bits?v={digest(proposed)}",
        "proposal_version": "" if proposed is None else digest(proposed),
        "pictures": {
            str(each.number): f"{base}/picture/{each.number}?v={version_of(path)}" if path.exists() else ""
            for each, path in paths.items()
        },
        **_words(plan, state),
    }


def _words(plan: Plan, state: MaskState) -> dict[str, Any]:
    """What people read of a mask."""
    approval, before = state.approved, state.approved_before
    return {
        "word": state.word,
        "edited": state.is_edited,
        "doubtful": state.is_doubtful,
        "refused": state.refused,
        "doubt": said_of_mask(plan, state.section.key) if state.is_doubtful else "",
        "made_by": _made_by(plan, state.section.key, state.version),
        "approved": f"{approval.person or 'somebody'}, {local_time(approval.at)}" if approval else "",
        "approved_before": f"{before.person or 'somebody'}, {local_time(before.at)}" if before else "",
    }


def _made_by(plan: Plan, key: str, version: str) -> str:
    note = read_note(plan, key, version)
    return "" if note is None else str(note)


def _mask_answer(asked: Asked, found: NDArray[np.uint8] | None) -> Response:
    wanted = asked.query("v")
    if found is None or (wanted and digest(found) != wanted):
        raise NotThereError("This mask is another one by now; open the section again.")
    headers = {"Cache-Control": FOR_EVER} if wanted else {}
    if asked.request.url.path.endswith(".png"):
        return Response(encoded(found, "png"), media_type="image/png", headers=headers)
    headers |= {"Content-Encoding": "gzip"}
    return Response(packed_bits(found), media_type="application/octet-stream", headers=headers)


@dataclass
class _Open:
    """Which pages have which section open: said when they ask about it, and forgotten after a minute."""

    _pages: dict[tuple[str, str], dict[str, tuple[str, float]]] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def note(self, asked: Asked, key: str) -> set[str]:
        """That this page has a section open. Returns the people of the other pages that have. ?page : a word that the
        page made up for itself; without it, nobody has anything open."""
        page, now = asked.query("page")[:40], time.monotonic()
        with self._lock:
            self.forget(page)
            pages = self._pages.setdefault((asked.animal.prep_id, key), {})
            others = _fresh(pages, now)
            pages.clear()
            pages.update(others | ({page: (asked.person, now)} if page else {}))
        return {person for person, _ in others.values()}

    def forget(self, page: str) -> None:
        """That this page has nothing open. page : its word."""
        with self._lock:
            for pages in self._pages.values():
                pages.pop(page[:40], None)


def _fresh(pages: Mapping[str, tuple[str, float]], now: float) -> dict[str, tuple[str, float]]:
    return {page: (person, at) for page, (person, at) in pages.items() if now - at < HERE_S}


def _said_of(people: Set[str], asked: Asked) -> str:
    """Who else has the section open: a sentence, or nothing. Without accounts, all are the one who has the link."""
    if not people:
        return ""
    if not asked.desk.gate.has_accounts:
        return "Another tab or browser has this section open as well."
    others = sorted(people - {asked.person})
    you = "you, in another tab," if others else "You, in another tab,"
    names = [*others, you] if asked.person in people else others
    named = " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
    return f"{named} {'has' if len(names) == 1 and others else 'have'} this section open as well."


_OPEN = _Open()

PAGES: tuple[Page, ...] = (
    Page("/{animal}/masks", page),
    Page("/{animal}/masks/states", states),
    Page("/{animal}/masks/left", left, methods=("POST",)),
    Page("/{animal}/masks/{key}", section),
    Page("/{animal}/masks/{key}/picture/{channel}", picture),
    Page("/{animal}/masks/{key}/mask.png", mask),
    Page("/{animal}/masks/{key}/mask.bits", mask),
    Page("/{animal}/masks/{key}/proposal.png", proposed),
    Page("/{animal}/masks/{key}/proposal.bits", proposed),
    Page("/{animal}/masks/{key}/mask", save, Role.EDIT, ("PUT",), LARGEST_PNG),
    Page("/{animal}/masks/{key}/to-proposal", to_proposal, Role.EDIT, ("POST",)),
    Page("/{animal}/masks/{key}/approval", approval, Role.EDIT, ("POST", "DELETE")),
)
