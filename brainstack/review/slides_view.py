"""The slides of an animal as their page shows them: records and decisions -> words, numbers and addresses of pictures.

It does without the whole plan, which needs more time, and cannot be made of some animals that are mended here (slides
in colour among others in grey).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from brainstack.database import create_or_upgrade, open_database
from brainstack.decided_before import Place, by_place, last_of, version_of
from brainstack.environment import animal_folder, database_url
from brainstack.plan import COLOUR, Plan
from brainstack.planning import list_czi, read_failed
from brainstack.records import Slide, SlideScene
from brainstack.review.slide_notices import Notice, lost_in, notices_of
from brainstack.review.slide_pictures import Pictures, scene_name, slide_picture_name
from brainstack.said import DROPPED, VERDICT_WORDS, Decided
from brainstack.settings import load_settings
from brainstack.slides_shown import said
from brainstack.stack import END_VERDICT, scene_key, scenes_in_order
from brainstack.stamps import Step

QUICK_REASONS = ("folded", "torn", "air bubble", "tissue missing", "dirt")
"""Why a scene is bad, by one key each: 1 to 5."""


@dataclass(frozen=True)
class SceneView:
    """A scene. verdict : of VERDICT_WORDS, or DROPPED. rotation, flip : as it will be in the stack. picture : of each
    channel, "" where there is none. by : who said the verdict, and when. version : see
    decided_before.py."""

    key: str
    number: int
    verdict: str
    reason: str
    by: str
    copies: int
    moved_after: str
    rotation: int
    flip: str
    is_turned_itself: bool
    width: int
    height: int
    pictures: tuple[str, ...]
    version: str


@dataclass(frozen=True)
class SlideView:
    """A scan of a slide. trouble : why there is nothing to be seen of it, "" where there is. scenes : in order, then
    those behind the end and the dropped ones."""

    name: str
    number: int
    rescan: int
    status: str
    reason: str
    adds: bool
    in_use: bool
    is_colour: bool
    trouble: str
    label: str
    preview: str
    notices: tuple[Notice, ...]
    scenes: tuple[SceneView, ...]
    version: str


@dataclass(frozen=True)
class Seen:
    """All that the page is made of, read at one time."""

    plan: Plan
    dropped: Mapping[str, tuple[SlideScene, ...]]
    decided: tuple[Decided, ...]
    failed: Mapping[Step, str]


def see(prep_id: str) -> Seen:
    """Read it. Raises BrainstackError where there is no such animal, or its folder of slides is not there."""
    create_or_upgrade(database_url())
    with open_database(database_url()) as database:
        records, decided = database.animal_records(prep_id), tuple(database.decided(prep_id))
        dropped = database.dropped_scenes(prep_id)
    folder = animal_folder(prep_id)
    plan = Plan(folder, records, load_settings(folder.settings), list_czi(folder.czi))
    return Seen(plan, dropped, decided, read_failed(folder))


def shown(seen: Seen, pictures: Pictures) -> dict[str, Any]:
    """What the page's script draws for whoever looks. Each slide has a tag, which is another once anything of the slide
    is."""
    plan, places = seen.plan, by_place(seen.decided)
    turned = plan.records.scan_run.turns
    return {
        "slides": [_plain(one) for one in _slides(seen, pictures, places)],
        "slots": _slots(plan),
        "animal": {"rotation": turned.rotation, "flip": turned.flip, "version": version_of(places.get((0, 0, 0), []))},
        "channels": _channels(plan),
        "thickness_um": plan.records.histology.section_thickness_um,
    }


def pictures_of(seen: Seen, slides: int) -> Iterator[str]:
    """Names of the small pictures of the first slides, as the page shows them before anything is chosen."""
    for slide in sorted(seen.plan.slides.values(), key=lambda one: (one.number, one.rescan))[:slides]:
        name = slide.file_name.removesuffix(".czi")
        yield from (slide_picture_name(name, picture) for picture in ("label", "preview"))
        for channel in slide.channels[:1]:
            yield from (scene_name(name, scene.number, channel.number) for scene in slide.scenes)


def shown_to(person: str, seen: Seen) -> dict[str, Any]:
    """What it draws for one person besides: their last decision, which they can take back."""
    last = last_of(seen.decided, person)
    return {"undo": None if last is None else {"number": last.number, "words": said(last)}}


def news(state: Mapping[str, Any], known: Collection[str]) -> dict[str, Any]:
    """The same, but of slides whose tags are known only the tags, and of places in the stack only the values."""
    slides = [one["tag"] if one["tag"] in known else one for one in state["slides"]]
    return {**state, "slides": slides, "slots": [list(one.values()) for one in state["slots"]]}


def _plain(slide: SlideView) -> dict[str, Any]:
    """As asdict, in a fifth of its time: it copies each text."""
    notices = [{"words": one.words, "choices": [vars(choice) for choice in one.choices]} for one in slide.notices]
    parts = {"scenes": [vars(one) for one in slide.scenes], "notices": notices}
    plain = {**vars(slide), **parts}
    return {**plain, "tag": hashlib.blake2b(json.dumps(plain).encode(), digest_size=6).hexdigest()}


def _slots(plan: Plan) -> list[dict[str, Any]]:
    """The stack as it will be. scene : key of the scene whose picture is there."""
    keys = {(name, scene.number): scene_key(slide, scene) for name, slide in plan.slides_in_use.items()
            for scene in slide.scenes}  # fmt: skip
    return [
        {
            "key": one.key, "number": one.number, "z_um": round(one.z_um, 3), "gap": one.gap, "copy": one.copy,
            "scene": keys[one.slide, one.scene],
        }
        for one in plan.sections
    ]  # fmt: skip


def _channels(plan: Plan) -> list[str]:
    found = {one.number: one.name for slide in plan.slides.values() for one in slide.channels}
    return [f"{number} {found[number]}".strip() for number in sorted(found)]


def _slides(seen: Seen, pictures: Pictures, places: Mapping[Place, list[Decided]]) -> list[SlideView]:
    plan, lost = seen.plan, lost_in(seen.plan)
    known = [_slide(seen, slide, pictures, places, notices_of(plan, slide, lost)) for slide in plan.slides.values()]
    unread = [
        _unread(seen, file.slide, plan.slide_number(file), plan.slide_rescan(file), places)
        for file in plan.czi_files
        if file.slide not in plan.slides
    ]
    return sorted([*known, *unread], key=lambda one: (one.number, one.rescan, one.name))


def _slide(
    seen: Seen, slide: Slide, pictures: Pictures, places: Mapping[Place, list[Decided]], notices: tuple[Notice, ...]
) -> SlideView:
    name, decided = slide.file_name.removesuffix(".czi"), places.get((slide.number, 0, 0), [])
    of_scan = [one for one in decided if one.rescan == slide.rescan]
    dropped = seen.dropped.get(slide.file_name, ())
    ends = [scene for scene in slide.scenes if scene.qc == END_VERDICT]
    scenes = [*scenes_in_order(slide, seen.plan.settings.slides.scene_order), *ends, *dropped]
    return SlideView(
        name=name,
        number=slide.number,
        rescan=slide.rescan,
        status=slide.status,
        reason=_reason(of_scan, "status"),
        adds=slide.rescan_use == "adds",
        in_use=name in seen.plan.slides_in_use,
        is_colour=slide.pixel_type == COLOUR,
        trouble="" if slide.channels else _why_unread(seen, name),
        label=pictures.of_slide(slide_picture_name(name, "label")),
        preview=pictures.of_slide(slide_picture_name(name, "preview")),
        notices=notices,
        scenes=tuple(_scene(seen, slide, scene, pictures, places, is_dropped=scene in dropped) for scene in scenes),
        version=version_of(decided),
    )


def _scene(
    seen: Seen,
    slide: Slide,
    scene: SlideScene,
    pictures: Pictures,
    places: Mapping[Place, list[Decided]],
    *,
    is_dropped: bool,
) -> SceneView:
    decided = places.get((slide.number, slide.rescan, scene.number), [])
    turns = scene.turns or seen.plan.records.scan_run.turns
    stem = slide.file_name.removesuffix(".czi")
    return SceneView(
        key=scene_key(slide, scene),
        number=scene.number,
        verdict=DROPPED if is_dropped else VERDICT_WORDS[scene.qc],
        reason=_reason(decided, "verdict"),
        by=_by(decided, "verdict"),
        copies=scene.replicates,
        moved_after=scene.moved_after,
        rotation=turns.rotation,
        flip=turns.flip,
        is_turned_itself=scene.turns is not None,
        width=scene.width,
        height=scene.height,
        pictures=tuple(pictures.of_scene(scene_name(stem, scene.number, one.number)) for one in slide.channels),
        version=version_of(decided),
    )


def _unread(seen: Seen, name: str, number: int, rescan: int, places: Mapping[Place, list[Decided]]) -> SlideView:
    decided = places.get((number, 0, 0), [])
    return SlideView(
        name, number, rescan, status="Good", reason="", adds=False, in_use=False, is_colour=False,
        trouble=_why_unread(seen, name), label="", preview="", notices=(), scenes=(), version=version_of(decided),
    )  # fmt: skip


def _why_unread(seen: Seen, name: str) -> str:
    sentence = seen.failed.get(Step("Meta", 0, name), "")
    if sentence:
        return f"It could not be read: {sentence} Scan it again, or mark the slide as bad."
    return "It was not read yet: the next run reads it, and its scenes take their place in the stack."


def _by(decided: Iterable[Decided], what: str) -> str:
    in_force = [one for one in decided if one.what == what and not one.undone]
    if not in_force:
        return ""
    return f"{in_force[-1].person or 'somebody'}, {in_force[-1].at[:16].replace('T', ' ')} UTC"


def _reason(decided: Iterable[Decided], what: str) -> str:
    in_force = [one.reason for one in decided if one.what == what and not one.undone]
    return in_force[-1] if in_force else ""
