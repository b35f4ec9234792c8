"""The stack: which sections an animal has, and in what order, as its records and people's decisions say. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from brainstack.records import Histology, Section, Slide, SlideScene

GAP_VERDICTS = (1, 2)
"""scene_qc that leaves an empty slot: out of focus, bad tissue."""
END_VERDICT = 3
"""scene_qc of a scene after the end of the tissue: it was never a section."""


def scans_in_use(scans: Iterable[Slide]) -> tuple[Slide, ...]:
    """One scan of each slide, by number: the last that is good; where none is, the last. One whose metadata could not
    be read takes no other's place."""
    chosen: dict[int, Slide] = {}
    for scan in sorted(scans, key=lambda scan: (scan.number, bool(scan.channels), scan.status == "Good", scan.rescan)):
        chosen[scan.number] = scan
    return tuple(chosen.values())


def stack_of(slides: Iterable[Slide], histology: Histology) -> tuple[Section, ...]:
    """All slots in order, gaps included. slides : one scan of each, by number."""
    slots = [slot for slide in slides for slot in _slots_of(slide)]
    if histology.side_sectioned_first == "DESC":
        slots.reverse()
    return tuple(
        replace(slot, number=number, z_um=number * histology.section_thickness_um) for number, slot in enumerate(slots)
    )


def middle_of(sections: Sequence[Section]) -> int:
    """The slot at the middle of the stack: of its middle slide, or the first of the later of two. So it is the same
    section still when one of another slide is taken out or copied."""
    slides = list(dict.fromkeys(section.slide for section in sections))
    of_slide = [section.number for section in sections if section.slide == slides[len(slides) // 2]]
    return of_slide[len(of_slide) // 2 if len(slides) % 2 else 0]


def _slots_of(slide: Slide) -> Iterator[Section]:
    """The slots of a slide in order, not numbered yet. A good scene has one, with its copies behind it. A bad one has
    one that is empty, or as many as there shall be copies of it, which its nearest good neighbour fills."""
    scenes = [scene for scene in slide.scenes if scene.qc != END_VERDICT]
    scenes.sort(key=lambda scene: (scene.order or scene.number, scene.number))
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
    rescan = f"_rescan{slide.rescan}" if slide.rescan != 1 else ""
    return Section(
        key=f"slide{slide.number:03d}{rescan}_S{scene.number}{f'_copy{copy}' if copy else ''}",
        number=0,
        slide=slide.file_name.removesuffix(".czi"),
        scene=scene.number,
        scene_index=scene.index,
        z_um=0.0,
        gap=gap,
        copy=copy,
    )
