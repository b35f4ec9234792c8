"""The part of an open database that is about what people say and mark."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from brainstack.database import annotations as marked
from brainstack.database import (
    approvals,
    decisions,
    deleting,
    importing,
    journals,
    marks,
    note_changes,
    plain_rows,
    slides,
)
from brainstack.database.lab import Lab, Report
from brainstack.database.note_changes import NoteChange
from brainstack.points import AnnotationSession, Mark, Selection, Structure
from brainstack.said import Decided, Decision, JournalEntry, MaskApproval


class WhatPeopleSay:
    """Methods of Database; each that names an animal raises BrainstackError where there is no such animal."""

    _session: Session

    def _writing(self) -> Session:
        raise NotImplementedError

    # Decisions

    def take_turns(self, prep_id: str) -> None:
        """Wait until nobody else decides about the animal; said first in a block that reads before it decides."""
        decisions.take_turns(self._writing(), prep_id)

    def texts_of(self, table: str, key: int | str, columns: Iterable[str]) -> dict[str, str]:
        """A row of a table as it is now: column to text; {} where it is gone. key : its primary key."""
        row = self._session.get(plain_rows.MODELS[table], key, populate_existing=True)
        return {} if row is None else {one: plain_rows.as_text(getattr(row, one)) for one in columns}

    def decide(
        self, prep_id: str, decisions_made: Sequence[Decision], *, person: str = "", reason: str = ""
    ) -> list[Decided]:
        """Do what a person decided, and keep who, when and why. Returns what was changed by it."""
        return decisions.decide(self._writing(), prep_id, decisions_made, person=person, reason=reason)

    def undo(self, prep_id: str, *, slide: int = 0, scene: int = 0, number: int = 0, person: str = "") -> list[Decided]:
        """Take back the last decision, or the last about a slide or scene, or the one of a number; with all that the
        same command decided. Raises BrainstackError where there is none, or it was changed again since."""
        return decisions.undo(self._writing(), prep_id, slide=slide, scene=scene, number=number, person=person)

    def decided(self, prep_id: str, slide: int = 0) -> list[Decided]:
        """All that was decided of an animal, or one of its slides, in order; also what was undone."""
        return decisions.history(self._session, prep_id, slide)

    def order_with(
        self,
        prep_id: str,
        slide_number: int,
        scene: int,
        place: int,
        *,
        rescan: int | None = None,
        default: Sequence[int] = (),
    ) -> list[int] | None:
        """The order of a slide's scenes with one of them at another place, as in set_scene_order; None where that is
        the order that they have without a person's."""
        return slides.order_with(self._session, prep_id, slide_number, scene, place, rescan=rescan, default=default)

    def rows_about(self, prep_id: str) -> dict[str, int]:
        """How many rows there are about an animal, by table."""
        return deleting.rows_about(self._session, prep_id)

    def delete_animal(self, prep_id: str) -> dict[str, int]:
        """Delete all that is known of an animal; no file. Returns how many rows that were, by table."""
        return deleting.delete_animal(self._writing(), prep_id)

    def take_in_lab_animal(self, lab: Lab, prep_id: str) -> Report:
        """All that the lab's own database says of an animal, which stays as it is where it is here already. Returns
        what was taken over, and what could not be."""
        return importing.place_animal(self._writing(), lab, prep_id)

    # Masks

    def approve_masks(self, prep_id: str, masks: Mapping[str, str], *, person: str = "") -> None:
        """masks : section key -> digest of the mask that a person approved, instead of what was approved before."""
        approvals.approve_masks(self._writing(), prep_id, masks, person)

    def take_mask_approvals_back(self, prep_id: str, keys: Collection[str], *, person: str = "") -> list[str]:
        """Returns those of these sections whose mask was approved until now."""
        return approvals.take_back(self._writing(), prep_id, keys, person)

    def mask_approvals(self, prep_id: str) -> dict[str, MaskApproval]:
        """The masks that are approved, by section key."""
        return approvals.mask_approvals(self._session, prep_id)

    # Notes

    def add_note(self, prep_id: str, entry: JournalEntry) -> int:
        """Note a problem. Returns its number."""
        return journals.add_entry(self._writing(), prep_id, entry)

    def close_note(self, prep_id: str, number: int, fix: str = "", *, person: str = "") -> None:
        """Nothing is left to be done about a problem. fix : what was done. person : who says so."""
        note_changes.close(self._writing(), prep_id, number, fix, person)

    def reopen_note(self, prep_id: str, number: int, *, person: str = "") -> None:
        """There is something left to be done about a problem after all. person : who says so."""
        note_changes.reopen(self._writing(), prep_id, number, person)

    def note_changes(self, prep_id: str) -> dict[int, tuple[NoteChange, ...]]:
        """When each problem, by its number, was closed and opened again, in order."""
        return note_changes.changes(self._session, prep_id)

    def note_of(self, prep_id: str, number: int) -> JournalEntry:
        """A problem by its number. Raises BrainstackError where there is none."""
        return journals.entry_of(self._session, prep_id, number)

    def notes(self, prep_id: str, *, section: str = "", completed: bool | None = None) -> Sequence[JournalEntry]:
        """What was noted, in order. section : only of this key. completed : only what is, or is not, done with."""
        return journals.entries(self._session, prep_id, section=section, completed=completed)

    # Points and shapes

    def structures(self) -> list[Structure]:
        """All structures, in the lab's order."""
        return marked.structures(self._session)

    def add_structure(self, structure: Structure) -> None:
        """A new structure. Raises BrainstackError where there is one of this abbreviation."""
        marked.add_structure(self._writing(), structure)

    def add_annotations(
        self, prep_id: str, sessions: Iterable[AnnotationSession], *, state: int | None = None
    ) -> list[int]:
        """What a person marked, instead of what they marked before of the same kind, structure and layer, which stays
        as history. state : number of the state that it came from. Returns the sessions' numbers."""
        return marked.add_sessions(self._writing(), prep_id, sessions, state=state)

    def annotations(
        self, prep_id: str, *, kind: str | None = None, structure: str | None = None, everything: bool = False
    ) -> list[AnnotationSession]:
        """What people marked. kind, structure : only these. everything : also what was replaced since."""
        return marked.sessions(self._session, prep_id, kind=kind, structure=structure, everything=everything)

    def marks(self, prep_id: str, selection: Selection) -> Iterator[Mark]:
        """The points of a selection as they are marked now, one after the other: for many of them."""
        return marks.marks(self._session, prep_id, selection)

    def marks_told(self, prep_id: str, selection: Selection) -> list[list[Any]]:
        """What tells one state of a selection from another, without its points."""
        return marks.marks_told(self._session, prep_id, selection)

    def add_state(self, prep_id: str, state: str, *, person: str = "", comments: str = "", at: str = "") -> int:
        """A state of Neuroglancer. state : its JSON. Returns its number."""
        return marked.add_state(self._writing(), prep_id, state, person=person, comments=comments, at=at)

    def keep_state(self, prep_id: str, state: str, *, comments: str) -> int:
        """A state of Neuroglancer that replaces the last one that was kept under the same comments."""
        return marked.keep_state(self._writing(), prep_id, state, comments=comments)

    def state_of(self, prep_id: str, number: int) -> str:
        """The JSON of a state."""
        return marked.state_of(self._session, prep_id, number)
