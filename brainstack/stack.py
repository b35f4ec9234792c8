"""The stack: which sections an animal has, and in what order, as its records and people's decisions say. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from brainstack.records import Histology, Section, Slide, SlideScene
from brainstack.said import FIRST

ADDS = "adds"
"""rescan_use of a later scan that has scenes which the earlier ones missed."""
GAP_VERDICTS = (1, 2)
"""scene_qc that leaves an empty slot: out of focus, bad tissue."""
END_VERDICT = 3
"""scene_qc of a scene after the end of the tissue: it was never a section."""
SAME_ROW = 0.5
"""Two scenes lie in one row where they overlap, from top to bottom, by more than this share of the less high one."""

SceneOrder = Literal["scan", "position"]
"""Of the scenes on a slide, where nobody gave them another: as the scanner numbered them, or as they lie."""


def scans_in_use(scans: Iterable[Slide]) -> tuple[Slide, ...]:
    """The scans that sections are taken from, by number of the slide and by rescan.

    Of each slide one: the last that is good; where none is, the last. One whose metadata could not be read takes no
    other's place. And those that a person said add scenes that it missed.
    """
    chosen: dict[int, Slide] = {}
    adding: list[Slide] = []
    for scan in sorted(scans, key=_worth):
        if scan.rescan_use == ADDS:
            adding.append(scan)
        else:
            chosen[scan.number] = scan
    return tuple(
        sorted([*chosen.values(), *adding], key=lambda scan: (scan.number, scan.rescan_use == ADDS, scan.rescan))
    )


def _worth(scan: Slide) -> tuple[int, bool, bool, int]:
    """Of two scans of a slide, the one that is used comes last."""
    return scan.number, bool(scan.channels), scan.status == "Good", scan.rescan


def stack_of(slides: Iterable[Slide], histology: Histology, scene_order: SceneOrder = "scan") -> tuple[Section, ...]:
    """All slots in order, gaps included. slides : the scans in use, by number."""
    slides = tuple(slides)
    slots = _with_moved([slot for slide in slides for slot in _slots_of(slide, scene_order)], slides)
    if histology.side_sectioned_first == "DESC":
        slots.reverse()
    return tuple(
        replace(slot, number=number, z_um=number * histology.section_thickness_um) for number, slot in enumerate(slots)
    )


def _with_moved(slots: list[Section], slides: Iterable[Slide]) -> list[Section]:
    """The slots, in the order of cutting, with those of scenes that a person moved at their new place.

    A scene that was moved behind one that is not there (any more), or behind itself in a ring, stays at its slide.
    """
    moved = {(_stem(slide), scene.number): scene.moved_after for slide in slides for scene in slide.scenes
             if scene.moved_after}  # fmt: skip
    for place, after in moved.items():
        own = [slot for slot in slots if (slot.slide, slot.scene) == place]
        others = [slot for slot in slots if slot not in own]
        behind = [number for number, slot in enumerate(others, 1) if key_of_scene(slot.key) == key_of_scene(after)]
        if own and (behind or after == FIRST):
            start = behind[-1] if behind else 0
            slots = [*others[:start], *own, *others[start:]]
    return slots


def lost_moves(slides: Iterable[Slide]) -> tuple[tuple[Slide, SlideScene], ...]:
    """Scenes that a person moved behind a section that is not there: they stay at their slide's place."""
    slides = tuple(slides)
    known = {scene_key(slide, scene) for slide in slides for scene in _sections_of(slide)} | {FIRST}
    return tuple(
        (slide, scene)
        for slide in slides
        for scene in _sections_of(slide)
        if scene.moved_after and key_of_scene(scene.moved_after) not in known
    )


def scene_key(slide: Slide, scene: SlideScene) -> str:
    """The key of the section that a scene is."""
    rescan = f"_rescan{slide.rescan}" if slide.rescan != 1 else ""
    return f"slide{slide.number:03d}{rescan}_S{scene.number}"


def key_of_scene(key: str) -> str:
    """The key of the section that a copy is of; a section's own key as it is."""
    return key.partition("_copy")[0]


def _stem(slide: Slide) -> str:
    return slide.file_name.removesuffix(".czi")


def middle_of(sections: Sequence[Section]) -> int:
    """The slot at the middle of the stack: of its middle slide, or the first of the later of two. So it is the same
    section still when one of another slide is taken out or copied."""
    slides = list(dict.fromkeys(section.slide for section in sections))
    of_slide = [section.number for section in sections if section.slide == slides[len(slides) // 2]]
    return of_slide[len(of_slide) // 2 if len(slides) % 2 else 0]


# The order of scenes


def by_scan(scenes: Iterable[SlideScene]) -> tuple[int, ...]:
    """Numbers of the scenes in the order of the scan."""
    return tuple(sorted(scene.number for scene in scenes))


def by_position(scenes: Sequence[SlideScene]) -> tuple[int, ...] | None:
    """Numbers of the scenes row by row from the top, each row from left to right, by the middles of their boxes.

    None where it is not known of each scene where it lies. Scenes that are in one row with a third are in one row.
    """
    boxes = {
        scene.number: _Box(scene.x + scene.width / 2, scene.y, scene.y + scene.height)
        for scene in scenes
        if scene.x is not None and scene.y is not None
    }
    if len(boxes) < len(scenes):
        return None
    rows: list[list[int]] = []
    for number, box in boxes.items():
        apart, same = [], [number]
        for row in rows:
            if any(box.is_beside(boxes[other]) for other in row):
                same += row
            else:
                apart.append(row)
        rows = [*apart, same]
    rows.sort(key=lambda row: sum(boxes[number].top + boxes[number].bottom for number in row) / len(row))
    return tuple(number for row in rows for number in sorted(row, key=lambda one: (boxes[one].middle, one)))


@dataclass(frozen=True)
class _Box:
    """middle : from left to right. top, bottom : of its edges; y counts downwards."""

    middle: float
    top: float
    bottom: float

    def is_beside(self, other: _Box) -> bool:
        overlap = min(self.bottom, other.bottom) - max(self.top, other.top)
        return overlap > SAME_ROW * min(self.bottom - self.top, other.bottom - other.top)


def scenes_in_order(slide: Slide, scene_order: SceneOrder) -> tuple[SlideScene, ...]:
    """The scenes that are sections: as a person ordered them, else as the setting says."""
    scenes = {scene.number: scene for scene in _sections_of(slide)}
    numbers = default_order(slide, scene_order)
    if any(scene.order for scene in scenes.values()):
        numbers = tuple(sorted(scenes, key=lambda number: (scenes[number].order or number, number)))
    return tuple(scenes[number] for number in numbers)


def default_order(slide: Slide, scene_order: SceneOrder) -> tuple[int, ...]:
    """Numbers of the scenes that are sections, as they follow each other where no person gave an order.

    A slide that was read before places were kept has the scanner's order until it is read again; see `is_unplaced`.
    """
    scenes = _sections_of(slide)
    return (by_position(scenes) if scene_order == "position" else None) or by_scan(scenes)


def is_unplaced(slide: Slide) -> bool:
    """True where it is not known where the scenes of a slide lie, so that they cannot be ordered by it."""
    return by_position(_sections_of(slide)) is None


@dataclass(frozen=True)
class Disagreement:
    """A slide whose scenes the scanner took in another order than they lie in, and nobody said which is right.

    scanned, lying : numbers of the scenes in the two orders.
    """

    slide: Slide
    scanned: tuple[int, ...]
    lying: tuple[int, ...]


def disagreements(slides: Iterable[Slide]) -> tuple[Disagreement, ...]:
    """Of good slides whose scenes nobody put in order. slides : one scan of each."""
    found = []
    for slide in slides:
        scenes = _sections_of(slide)
        lying = by_position(scenes)
        is_open = slide.status == "Good" and not any(scene.order for scene in scenes)
        if is_open and lying is not None and lying != by_scan(scenes):
            found.append(Disagreement(slide, by_scan(scenes), lying))
    return tuple(found)


def _sections_of(slide: Slide) -> tuple[SlideScene, ...]:
    return tuple(scene for scene in slide.scenes if scene.qc != END_VERDICT)


# Slots


def _slots_of(slide: Slide, scene_order: SceneOrder) -> Iterator[Section]:
    """The slots of a slide in order, not numbered yet. A good scene has one, with its copies behind it. A bad one has
    one that is empty, or as many as there shall be copies of it, which its nearest good neighbour fills."""
    scenes = scenes_in_order(slide, scene_order)
    good = [place for place, scene in enumerate(scenes) if slide.status == "Good" and scene.qc not in GAP_VERDICTS]
    copies: Counter[int] = Counter()
    for place, scene in enumerate(scenes):
        is_good, replicates = place in good, max(0, scene.replicates) if good else 0
        if is_good or not replicates:
            yield _slot(slide, scene, gap=not is_good)
        if replicates:
            source = scenes[min(good, key=lambda other: (abs(other - place), other))]
            for _ in range(replicates):
                copies[source.number] += 1
                yield _slot(slide, source, copy=copies[source.number])


def _slot(slide: Slide, scene: SlideScene, *, gap: bool = False, copy: int = 0) -> Section:
    return Section(
        key=f"{scene_key(slide, scene)}{f'_copy{copy}' if copy else ''}",
        number=0,
        slide=_stem(slide),
        scene=scene.number,
        scene_index=scene.index,
        z_um=0.0,
        gap=gap,
        copy=copy,
    )
