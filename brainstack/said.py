"""What people say about an animal: their decisions, and the problems that they note. Records only."""

from __future__ import annotations

from dataclasses import dataclass

VERDICT_WORDS = ("good", "out of focus", "bad", "end")
"""Of a scene, by its scene_qc: 0 to 3."""
DROPPED = "dropped"
"""Instead of a verdict: the scene was never a section, and has no place in the stack."""
KEPT = "kept"
"""Said of a dropped scene, or of one behind the end: it is a section after all."""
AS_THE_ANIMAL = ""
"""Of a scene that is turned as the animal is."""
FIRST = "first"
"""Instead of the section that a moved one follows: it is before all others."""


@dataclass(frozen=True)
class Decision:
    """What a person decides. slide, scene : 0 where it is about the whole animal, or slide. rescan : which scan of the
    slide, needed where there are several.

    what, and its value : of an animal "side_sectioned_first", "section_thickness_um", "rotation", "flip",
    "orientation", "pixel_size_um"; of a channel, here 2, "contrast 2" (grey values as scanned that are shown black and
    white, as "100,4000"; "" for those that are computed); of a slide "status" (Good, Bad), "scene_order" (scenes as
    "3,1,2", "" for as the settings say), "rescan_use" (replaces, adds); of a scene "verdict" (VERDICT_WORDS, DROPPED or
    KEPT), "replicates" (how many), "moved_after" (a section's key, FIRST, or "" for its place on the slide), "turns"
    (rotation and flip as "1 flop", or AS_THE_ANIMAL).
    """

    what: str
    value: str
    slide: int = 0
    scene: int = 0
    rescan: int | None = None


@dataclass(frozen=True)
class Decided:
    """A decision as it is kept. number : of the row. command : number of the first of those that were made at once.

    old, new : what it was, and is since. at, undone : ISO 8601, UTC; undone is "" where nobody took it back.
    """

    number: int
    command: int
    what: str
    slide: int
    rescan: int
    scene: int
    old: str
    new: str
    person: str
    reason: str
    at: str
    undone_by: str = ""
    undone: str = ""


@dataclass(frozen=True)
class MaskApproval:
    """That a person approved a section's mask. mask : digest of its pixels; another mask is not approved. at : ISO
    8601, UTC."""

    mask: str
    person: str
    at: str


@dataclass(frozen=True)
class JournalEntry:
    """A problem that a person noted: a row of `journals`.

    section : its key, "" for the whole animal. channel : counted from 1; 0 for all. fix : what was done about it.
    number : in the database, 0 for one that is not there yet. at : ISO 8601, UTC; "" for now. mark_um : (x, y) of the
    place on the section, from the top left corner of its scan; None where it has none. closed_by, closed_at : who said
    that nothing is left to be done, and when; "" for nobody.
    """

    entry: str
    person: str = ""
    section: str = ""
    channel: int = 0
    fix: str = ""
    completed: bool = False
    number: int = 0
    at: str = ""
    mark_um: tuple[float, float] | None = None
    closed_by: str = ""
    closed_at: str = ""
