"""Problems that people note: a note on a section with its picture, open or closed."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat
from starlette.responses import Response

from brainstack import noting
from brainstack.database.note_changes import NoteChange
from brainstack.errors import BrainstackError
from brainstack.noting import FURTHEST_UM, MOST_LETTERS, NoteChangedError, Noted
from brainstack.plan import Plan
from brainstack.review.access import Role
from brainstack.review.asking import Asked, ConflictError, NotThereError, Page, json_answer
from brainstack.review.pictures import picture_answer, version_of
from brainstack.said import JournalEntry
from brainstack.stages.facts import scanned_shape

LARGEST_SIDE_PX = 2000


class NoteSaid(BaseModel):
    """section : its key, "" for the whole animal. mark : share of the picture's width and height, from its top left
    corner."""

    model_config = ConfigDict(extra="forbid")
    entry: str = Field(max_length=10 * MOST_LETTERS)
    section: str = Field(default="", max_length=200)
    channel: int = Field(default=0, ge=0, le=9999)
    mark: tuple[FiniteFloat, FiniteFloat] | None = None


class ClosedSaid(BaseModel):
    """seen : `noting.version_of` the note that the page showed."""

    model_config = ConfigDict(extra="forbid")
    fix: str = Field(default="", max_length=10 * MOST_LETTERS)
    seen: str = Field(max_length=400)


@dataclass(frozen=True)
class Shown:
    """A note as the page shows it. number : of its section in the stack, None where it is not in it. picture : its
    address, "" where there is none. size : (width, height) of the section, 1000 wide. mark : in that. changes : when it
    was closed and opened again, in order."""

    note: JournalEntry
    changes: tuple[NoteChange, ...]
    number: int | None
    picture: str
    size: tuple[float, float]
    mark: tuple[float, float] | None
    seen: str


def page(asked: Asked) -> Response:
    plan = asked.animal.plan()
    return asked.page(
        "problems.html",
        title="Problems",
        sections=[(one.key, one.number) for one in plan.section.values()],
        channels=plan.channels,
    )


def listed(asked: Asked) -> Response:
    """The notes alone: what is open first."""
    plan = asked.animal.plan()
    found = [_shown(plan, one) for one in noting.histories(asked.animal.prep_id)]
    return asked.page("problems_list.html", title="Problems", notes=found)


def open_ones(asked: Asked) -> Response:
    """How many notes are open, of a section or, without one, of the animal."""
    section = asked.query("section")
    found = [one for one in noting.notes(asked.animal.prep_id, everything=False) if one.section == section]
    return json_answer({"open": len(found)})


def picture(asked: Asked) -> Response:
    """A section as it was scanned, in 8 bit for eyes."""
    plan, key = asked.animal.plan(), asked.part("key")
    text = asked.query("channel", "0")
    channel = int(text) if text.isdecimal() and len(text) < 5 else 0
    channel = channel or plan.settings.masks.channel
    if key not in plan.section or channel not in [one.number for one in plan.channels]:
        raise NotThereError(f"{asked.animal.prep_id} has no section {key} in channel {channel}; load the page again.")
    return picture_answer(asked, plan.folder.keyed("normalized", key, channel), side_px=LARGEST_SIDE_PX)


def add(asked: Asked) -> Response:
    said, plan = asked.sent(NoteSaid), asked.animal.plan()
    if said.section and said.section not in plan.section:
        raise NotThereError(
            f"{asked.animal.prep_id} has no section {said.section} any more; nothing was noted. Note it about the "
            "animal, or load the page again."
        )
    if said.channel and said.channel not in [one.number for one in plan.channels]:
        raise BrainstackError(f"{asked.animal.prep_id} has no channel {said.channel}; nothing was noted.")
    number = noting.add(
        asked.animal.prep_id, said.entry, section=said.section, channel=said.channel, mark_um=_mark_um(plan, said),
        person=asked.person,
    )  # fmt: skip
    return json_answer({"number": number}, 201)


def close(asked: Asked) -> Response:
    said = asked.sent(ClosedSaid)
    try:
        noting.done(asked.animal.prep_id, _number(asked), said.fix.strip(), person=asked.person, seen=said.seen)
    except NoteChangedError as error:
        raise ConflictError(str(error)) from error
    return json_answer({})


def reopen(asked: Asked) -> Response:
    said = asked.sent(ClosedSaid)
    try:
        noting.reopen(asked.animal.prep_id, _number(asked), person=asked.person, seen=said.seen)
    except NoteChangedError as error:
        raise ConflictError(str(error)) from error
    return json_answer({})


def _number(asked: Asked) -> int:
    """The note's number. Raises NotThereError for one that there is not."""
    text, prep_id = asked.part("number"), asked.animal.prep_id
    known = {one.number for one in noting.notes(prep_id)}
    if not (text.isdecimal() and len(text) < 10 and int(text) in known):
        raise NotThereError(f"{prep_id} has no note {text[:20]}; load the page again.")
    return int(text)


def _mark_um(plan: Plan, said: NoteSaid) -> tuple[float, float] | None:
    if said.mark is None or not said.section:
        return None
    if not all(0 <= share <= 1 for share in said.mark):
        raise BrainstackError("The mark lies outside the picture of the section; nothing was noted.")
    wide_um, high_um = _size_um(plan, said.section)
    return min(said.mark[0] * wide_um, FURTHEST_UM), min(said.mark[1] * high_um, FURTHEST_UM)


def _size_um(plan: Plan, key: str) -> tuple[float, float]:
    rows, columns = scanned_shape(plan, key)
    pixel_um = plan.pixel_size_um / plan.settings.tifs.thumbnail_factor
    return columns * pixel_um, rows * pixel_um


def _shown(plan: Plan, noted: Noted) -> Shown:
    note, changes = noted.note, noted.changes
    seen = noting.version_of(note)
    if note.section not in plan.section:
        return Shown(note, changes, None, "", (1, 1), None, seen)
    wide_um, high_um = _size_um(plan, note.section)
    size = 1000.0, 1000.0 * high_um / wide_um
    mark = note.mark_um and (1000 * note.mark_um[0] / wide_um, 1000 * note.mark_um[1] / wide_um)
    channel = note.channel or plan.settings.masks.channel
    version = version_of(plan.folder.keyed("normalized", note.section, channel))
    address = f"/{plan.folder.prep_id}/problems/pictures/{note.section}.jpg?channel={channel}&v={version}"
    return Shown(note, changes, plan.section[note.section].number, address if version else "", size, mark, seen)


HERE = "/{animal}/problems"

PAGES: tuple[Page, ...] = (
    Page(HERE, page),
    Page(HERE, add, Role.EDIT, ("POST",), largest_body=1 << 18),
    Page(f"{HERE}/list", listed),
    Page(f"{HERE}/open.json", open_ones),
    Page(f"{HERE}/pictures/{{key}}.jpg", picture),
    Page(f"{HERE}/{{number}}/done", close, Role.EDIT, ("POST",), largest_body=1 << 18),
    Page(f"{HERE}/{{number}}/reopen", reopen, Role.EDIT, ("POST",)),
)
