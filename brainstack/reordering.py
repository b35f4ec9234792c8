"""A section put at another place of the stack as it is shown: what has to be decided for that. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from brainstack.errors import BrainstackError
from brainstack.plan import Plan
from brainstack.records import Section, Slide, SlideScene
from brainstack.said import FIRST
from brainstack.stack import scene_key, scenes_in_order, stack_of


@dataclass(frozen=True)
class Moved:
    """What to decide about a scene. scene_order : the new order of its slide's scenes; None where that stays.
    moved_after : as in SlideScene; None where that stays."""

    slide: Slide
    scene: SlideScene
    scene_order: tuple[int, ...] | None
    moved_after: str | None


def moved_behind(plan: Plan, key: str, after: str) -> Moved:
    """Put a section behind another one, in the order in which the stack is shown. after : its key; "" for the start.

    Between scenes of its own slide it becomes a matter of their order there; elsewhere, the scene is moved. Raises
    BrainstackError where there is no such section.
    """
    slide, scene = _scene_of(plan, key)
    if after:
        _scene_of(plan, base(after))
    before = _cut_before(plan, key, after)
    for moved in _ways(plan, slide, scene, before):
        if _shown_behind(plan, moved, key) == base(after):
            return moved
    return Moved(slide, scene, None, before or FIRST)


def base(key: str) -> str:
    """The key of the section that a copy is of; a section's own key as it is."""
    return key.partition("_copy")[0]


def _scene_of(plan: Plan, key: str) -> tuple[Slide, SlideScene]:
    for slide in plan.slides_in_use.values():
        for scene in slide.scenes:
            if scene_key(slide, scene) == key:
                return slide, scene
    raise BrainstackError(
        f"{plan.folder.prep_id} has no section {key!r} (any more) that could be moved, or moved behind."
    )


def _cut_before(plan: Plan, key: str, after: str) -> str:
    """The section that was cut before the place, "" for none: stacks may be shown from the last to the first."""
    others = _without_copies(plan.sections, key)
    place = others.index(base(after)) + 1 if after and base(after) in others else 0
    if plan.records.histology.side_sectioned_first != "DESC":
        return others[place - 1] if place else ""
    return others[place] if place < len(others) else ""


def _without_copies(sections: Sequence[Section], key: str = "") -> list[str]:
    """Scenes in the order of their slots, but for one."""
    return [one for one in dict.fromkeys(base(section.key) for section in sections) if one != key]


def _ways(plan: Plan, slide: Slide, scene: SlideScene, before: str) -> list[Moved]:
    """Ways to have a scene behind another in the order of cutting, the simplest first."""
    order = [one for one in scenes_in_order(slide, plan.settings.slides.scene_order) if one.number != scene.number]
    ways = []
    for place in range(len(order) + 1):
        numbers = [one.number for one in order]
        numbers.insert(place, scene.number)
        listed = (*numbers, *(one.number for one in slide.scenes if one.number not in numbers))
        ways.append(Moved(slide, scene, listed, "" if scene.moved_after else None))
    back = [Moved(slide, scene, None, "")] if scene.moved_after else []
    return [Moved(slide, scene, None, None), *back, *ways, Moved(slide, scene, None, before or FIRST)]


def _shown_behind(plan: Plan, moved: Moved, key: str) -> str:
    """The section before this one in the stack that would follow, "" for none."""
    slides = [_changed(moved, slide) if slide == moved.slide else slide for slide in plan.slides_in_use.values()]
    keys = _without_copies(stack_of(slides, plan.records.histology, plan.settings.slides.scene_order))
    return keys[keys.index(key) - 1] if key in keys and keys.index(key) else ""


def _changed(moved: Moved, slide: Slide) -> Slide:
    scenes = slide.scenes
    if moved.scene_order is not None:
        places = {number: place for place, number in enumerate(moved.scene_order, 1)}
        scenes = tuple(replace(one, order=places[one.number]) for one in scenes)
    if moved.moved_after is not None:
        scenes = tuple(
            replace(one, moved_after=moved.moved_after) if one.number == moved.scene.number else one for one in scenes
        )
    return replace(slide, scenes=scenes)
