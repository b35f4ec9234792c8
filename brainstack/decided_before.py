"""What was decided about one thing so far, and whether somebody decided about it since a person last looked. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from brainstack.errors import BrainstackError
from brainstack.said import Decided

TURNS_OF_ANIMAL = "rotation", "flip"
"""Of what is decided about an animal, what belongs to its slides' pictures."""

Place = tuple[int, int, int]
"""(slide, rescan, scene). A whole slide has rescan 0 (all its scans are chosen from together) and scene 0; the animal
has slide 0."""


class DecidedMeanwhileError(BrainstackError):
    """Somebody else decided about the same thing meanwhile; nothing was overwritten."""


def by_place(decided: Iterable[Decided]) -> Mapping[Place, list[Decided]]:
    """All that was decided, by what it is about, in order."""
    found: dict[Place, list[Decided]] = defaultdict(list)
    for one in decided:
        if one.slide or one.what in TURNS_OF_ANIMAL:
            found[one.slide, one.rescan if one.scene else 0, one.scene].append(one)
    return found


def about(decided: Iterable[Decided], slide: int | None, rescan: int | None, scene: int | None) -> list[Decided]:
    """What was decided about a scene, a slide (scene None or 0) or the animal (slide None or 0). rescan : None for
    whichever scan there is."""
    places = by_place(decided)
    if not scene or rescan is not None:
        return places.get((slide or 0, rescan or 0 if scene else 0, scene or 0), [])
    return [one for place, some in places.items() if place[0] == slide and place[2] == scene for one in some]


def version_of(decided: Sequence[Decided]) -> str:
    """What differs once somebody decides about the same thing, or takes a decision back. decided : of `about`."""
    return f"{decided[-1].number if decided else 0}.{sum(bool(one.undone) for one in decided)}"


def meanwhile(decided: Sequence[Decided]) -> str:
    """Who decided last about a thing, what and when, as a sentence. decided : as `about` has it."""
    if not decided:
        return "It is not as this page says; load it again. Nothing was changed."
    last = max(decided, key=lambda one: (max(one.undone, one.at), one.number))
    place = f"Slide {last.slide}" if last.slide else "How the animal is turned"
    place += f", scene {last.scene}," if last.scene else ""
    if last.undone:
        what, who, when = f"took back {last.what} {last.new or '-'}", last.undone_by, last.undone
    else:
        what, who, when = f"changed {last.what} from {last.old or '-'} to {last.new or '-'}", last.person, last.at
    return (
        f"{place} is not as you saw it: {who or 'somebody'} {what} at {when[11:16]} UTC on {when[:10]}. Nothing was "
        "overwritten; look at it, and say it again if you still want it."
    )


def last_of(decided: Iterable[Decided], person: str) -> Decided | None:
    """The last decision of a person about slides, scenes or the turns of the animal that is in force; None for none."""
    own = [one for one in decided if one.person == person and not one.undone]
    return next((one for one in reversed(own) if one.slide or one.what in TURNS_OF_ANIMAL), None)
