"""Chapter: a contact sheet of all sections, with what people decided about each."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

from brainstack.records import AlignmentEdit, Section, SectionAlignment
from brainstack.report.alignment_table import alignment_table
from brainstack.report.pictures import Picture, Wanted
from brainstack.report.plain_words import change_in_words, decision_in_words
from brainstack.report.source import Source
from brainstack.said import Decided
from brainstack.status_of_section import decisions

SIDES_PX = ((60, 320), (200, 260), (math.inf, 200))
"""Most sections of an animal, and the longer side of their pictures: of many, smaller ones, so that the page stays a
file that is sent by mail."""


@dataclass(frozen=True)
class Badge:
    """A word or two about a section. kind : its look on the page: "gap", "copy", "hand", "doubt" or "fail"."""

    kind: str
    words: str


@dataclass(frozen=True)
class Card:
    """A slot of the stack. said : what people decided. troubles : what failed, and what is doubtful, with reasons."""

    key: str
    number: int
    z_mm: float
    picture: Picture
    badges: tuple[Badge, ...]
    said: tuple[str, ...]
    troubles: tuple[str, ...]


@dataclass(frozen=True)
class Word:
    """Of the list of all that people said. at : to the minute, UTC."""

    at: str
    person: str
    about: str
    what: str
    reason: str = ""
    undone: str = ""


@dataclass(frozen=True)
class SectionsChapter:
    cards: tuple[Card, ...]
    words: tuple[Word, ...]


def sections_chapter(source: Source) -> SectionsChapter:
    plan = source.plan
    pictures = source.box.make([_wanted(source, section) for section in plan.sections])
    aligned = {one.section: one for one in alignment_table(plan).sections}
    cards = tuple(
        _card(source, section, picture, aligned.get(section.key))
        for section, picture in zip(plan.sections, pictures, strict=True)
    )
    return SectionsChapter(cards, tuple(words_of(source)))


def side_px(sections: int) -> int:
    return next(side for most, side in SIDES_PX if sections <= most)


def _wanted(source: Source, section: Section) -> Wanted:
    """As it lies in the stack, where it does, else as it was scanned."""
    plan, folder = source.plan, source.plan.folder
    channel = plan.settings.web.channel
    places: list[Path] = [] if section.gap else [folder.keyed("web", section.key, channel, ".png")]
    places += [folder.keyed("normalized", section.key, channel), folder.scene_picture(section.tif_name(channel))]
    found = next((path for path in places if path.exists()), None)
    return Wanted(found, side_px(len(plan.sections)), missing="No picture: it was not read from its slide yet.")


def _card(source: Source, section: Section, picture: Picture, aligned: SectionAlignment | None) -> Card:
    verdict = "" if aligned is None or section.gap else aligned.verdict
    is_mask_doubtful = section.key in source.mask_doubts
    said = [*map(decision_in_words, decisions(source.plan, section)), *_placed(source, section)]
    known = " ".join(said)  # of a mask that a person made and that cannot be used, both say the same
    troubles = [f"{step.stage} failed: {words}" for step, words in source.troubles_of(section) if words not in known]
    if aligned is not None and verdict in ("doubtful", "failed"):
        troubles.append(f"its place is {verdict}: {aligned.reason}")
    if is_mask_doubtful:
        troubles.append(why_mask_is_doubtful(source, section.key))
    badges = {
        **{Badge("fail", f"{step.stage} failed"): True for step, _ in source.troubles_of(section)[:2]},
        Badge("gap", "gap"): section.gap,
        Badge("copy", f"copy of scene {section.scene}"): section.copy > 0,
        Badge("hand", "mask by hand"): section.key in source.plan.edits,
        Badge("hand", "placed by hand"): aligned is not None and aligned.by_hand,
        Badge("fail", "no place"): verdict == "failed",
        Badge("doubt", "place doubtful"): verdict == "doubtful",
        Badge("doubt", "mask doubtful"): is_mask_doubtful,
    }
    return Card(
        key=section.key,
        number=section.number,
        z_mm=section.z_um / 1000,
        picture=picture,
        badges=tuple(badge for badge, is_so in badges.items() if is_so),
        said=tuple(_shortened(source, line) for line in said),
        troubles=tuple(_shortened(source, line) for line in dict.fromkeys(troubles)),
    )


def why_mask_is_doubtful(source: Source, key: str) -> str:
    """In a sentence; "" of a mask that is not in doubt. It stands where the section is named already."""
    said = source.mask_doubts.get(key, "")
    return _shortened(source, re.sub(rf"^section \d+ \({re.escape(key)}\): ", "", said))


def _shortened(source: Source, line: str) -> str:
    """Paths from the animal's folder on: a card is narrow."""
    return line.replace(f"{source.plan.folder.root}/", "")


def _placed(source: Source, section: Section) -> list[str]:
    return [_edit_in_words(edit) for edit in source.plan.records.alignment_edits if edit.section == section.key]


def _edit_in_words(edit: AlignmentEdit) -> str:
    by = f" (by {edit.person})" if edit.person else ""
    if edit.kind == "follow":
        return f"it lies as {edit.other} does{by}"
    if edit.kind == "leave_out":
        return f"its pair with {edit.other} is left out{by}"
    mirrored = ", mirrored" if edit.mirrored else ""
    holds = ", and its neighbours follow" if edit.kind == "anchor" else ""
    return (
        f"placed at {math.degrees(edit.rotation_rad):.2f}°, {edit.shift_x_um:.0f} µm right, "
        f"{edit.shift_y_um:.0f} µm down{mirrored}{holds}{by}"
    )


# Who said what


def words_of(source: Source) -> list[Word]:
    """All that people said of the animal, its slides and sections, by time."""
    words = [_decided(one) for one in source.decided]
    words += [
        Word(_minute(one.at), one.person, one.section, _edit_in_words(one).replace(f" (by {one.person})", ""))
        for one in source.plan.records.alignment_edits
    ]
    words += [
        Word(_minute(one.at), one.person, one.section or "the animal", f"noted: {one.entry}", one.fix,
             "done with" if one.completed else "")
        for one in source.notes
    ]  # fmt: skip
    return sorted(words, key=lambda one: one.at)


def _decided(one: Decided) -> Word:
    about = "the animal"
    if one.slide:
        rescan = f", scan {one.rescan}" if (one.rescan or 1) > 1 else ""
        about = f"slide {one.slide}{rescan}" + (f", scene {one.scene}" if one.scene else "")
    what = change_in_words(one.what, one.old, one.new)
    undone = f"taken back by {one.undone_by}, {_minute(one.undone)}" if one.undone else ""
    return Word(_minute(one.at), one.person, about, what, one.reason, undone)


def _minute(iso: str) -> str:
    return iso.replace("T", " ")[:16]
