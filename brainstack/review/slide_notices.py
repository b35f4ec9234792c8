"""What a person should know of a slide before they trust what is made of it, with the choices that settle it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from brainstack.plan import Plan
from brainstack.records import Slide, SlideScene
from brainstack.stack import disagreements, is_unplaced, lost_moves


@dataclass(frozen=True)
class Choice:
    """A button. says : what pressing it decides, as the page sends it. scene : which it is about, 0 for the slide."""

    words: str
    says: dict[str, Any]
    scene: int = 0


@dataclass(frozen=True)
class Notice:
    """A sentence, and the choices there are."""

    words: str
    choices: tuple[Choice, ...] = ()


Lost = tuple[tuple[Slide, SlideScene], ...]
"""Scenes that were moved behind what is no section, of all slides."""


def lost_in(plan: Plan) -> Lost:
    return lost_moves(plan.slides_in_use.values())


def notices_of(plan: Plan, slide: Slide, lost: Lost) -> tuple[Notice, ...]:
    """Of one scan of a slide."""
    in_use = slide.file_name.removesuffix(".czi") in plan.slides_in_use
    found = [Notice(f"{warning[:1].upper()}{warning[1:]}.".replace("..", ".")) for warning in slide.warnings]
    if in_use:
        found += [*_order(plan, slide), *_unplaced(plan, slide), *_lost(slide, lost)]
    return tuple(found)


def _order(plan: Plan, slide: Slide) -> Iterable[Notice]:
    used_words = "were scanned" if plan.settings.slides.scene_order == "scan" else "lie"
    for one in disagreements([slide]):
        yield Notice(
            f"The scanner took its scenes in the order {_listed(one.scanned)}, but row by row from the left they "
            f"lie in the order {_listed(one.lying)}. Used is how they {used_words}; which is "
            "right?",
            (
                Choice(f"As scanned: {_listed(one.scanned)}", {"scene_order": "scan"}),
                Choice(f"As they lie: {_listed(one.lying)}", {"scene_order": "position"}),
            ),
        )


def _unplaced(plan: Plan, slide: Slide) -> Iterable[Notice]:
    if (
        plan.settings.slides.scene_order == "position"
        and slide.status == "Good"
        and slide.scenes
        and is_unplaced(slide)
    ):
        yield Notice(
            "It is not known yet where its scenes lie: they are in the order of the scan until the next run has read "
            "the slide again."
        )


def _lost(slide: Slide, lost: Lost) -> Iterable[Notice]:
    for other, scene in lost:
        if other.file_name == slide.file_name:
            yield Notice(
                f"Scene {scene.number} was moved behind {scene.moved_after}, which is no section of the stack: it "
                "stays at its slide's place.",
                (Choice("Leave it at its slide", {"moved_after": ""}, scene.number),),
            )


def _listed(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, numbers))
