"""Chapter: the animal and its scans."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from brainstack.plan import COLOUR
from brainstack.records import Slide
from brainstack.report.pictures import Picture, Wanted
from brainstack.report.source import Source
from brainstack.status_of_section import VERDICTS
from brainstack.tidying import readable

GLASS_PX = 220
"""Of the scanner's photographs of a slide."""
SIDES = {"ASC": "the first section of the stack", "DESC": "the last section of the stack"}
FLIPS = {"none": "", "flip": "then half a turn", "flop": "then mirrored left-right"}


@dataclass(frozen=True)
class ScannedSlide:
    """label, preview : the scanner's photographs. said : what people said of it, and what to know of the scan."""

    number: int
    file_name: str
    scenes: int
    sections: int
    acquired_at: str
    objective: str
    exposures: str
    size: str
    label: Picture
    preview: Picture
    said: tuple[str, ...]


@dataclass(frozen=True)
class AnimalChapter:
    facts: tuple[tuple[str, str], ...]
    slides: tuple[ScannedSlide, ...]
    unread: tuple[str, ...]


def animal_chapter(source: Source) -> AnimalChapter:
    plan = source.plan
    names = {**plan.slides_in_use, **plan.slides}
    ordered = sorted(names.items(), key=lambda one: (one[1].number, one[1].rescan))
    wanted = [
        Wanted(path, GLASS_PX, missing="") for name, slide in ordered for path in _photographs(source, name, slide)
    ]
    pictures = source.box.make(wanted)
    slides = tuple(
        _slide(source, name, slide, pictures[2 * place], pictures[2 * place + 1])
        for place, (name, slide) in enumerate(ordered)
    )
    unread = tuple(file.name for file in plan.czi_files if file.slide not in plan.slides)
    return AnimalChapter(tuple(_facts(source)), slides, unread)


def _photographs(source: Source, name: str, slide: Slide) -> list[Any]:
    folder = source.plan.folder
    return [folder.slide_label(name) if "label" in slide.pictures else None,
            folder.slide_preview(name) if "preview" in slide.pictures else None]  # fmt: skip


def _facts(source: Source) -> list[tuple[str, str]]:
    plan = source.plan
    animal, histology, scan = plan.records.animal, plan.records.histology, plan.records.scan_run
    turns = f"{scan.rotation} quarter turn{'s' * (scan.rotation != 1)} clockwise"
    turned = ", ".join(filter(None, [turns if scan.rotation else "", FLIPS.get(scan.flip, scan.flip)]))
    slides = {plan.slide_number(file) for file in plan.czi_files}
    facts = [
        ("species", animal.species),
        ("cut", f"{histology.orientation}, {histology.section_thickness_um:g} µm from section to section"),
        ("counterstain", histology.counterstain),
        ("slides", f"{len(slides)} in {len(plan.czi_files)} CZI files; slide 1 holds "
                   f"{SIDES.get(histology.side_sectioned_first, histology.side_sectioned_first)}"),
        ("scans", scan.slide_folder_path),
        ("pixels", _pixels(source)),
        ("channels", ", ".join(f"{one.number} {one.name}" for one in plan.channels) or "not known yet"),
        ("pictures are turned", turned or "as scanned"),
        ("comments", animal.comments),
    ]  # fmt: skip
    return [(name, value) for name, value in facts if value]


def _pixels(source: Source) -> str:
    plan = source.plan
    if source.pixel_size_um is None:
        return "their size is not known yet"
    kind = (
        "colour, 8 bit a sample"
        if plan.is_colour
        else {"uint8": "grey, 8 bit", "uint16": "grey, 16 bit"}[plan.pixel_type]
    )
    given = ", as a person said" if plan.records.scan_run.resolution_given else ""
    return (
        f"{plan.records.scan_run.resolution_um:.4g} µm a side{given}, {kind}; "
        f"thumbnails {source.pixel_size_um:.4g} µm (1/{plan.settings.tifs.thumbnail_factor})"
    )


def _slide(source: Source, name: str, slide: Slide, label: Picture, preview: Picture) -> ScannedSlide:
    plan, (meta, trouble) = source.plan, _meta(source, name)
    scan = meta.get("scan", {})
    sections = sum(one.slide == name and not one.gap and not one.copy for one in plan.sections)
    exposures = ", ".join(
        f"{one.name} {one.exposure_ms:g} ms" if one.exposure_ms else one.name for one in slide.channels
    )
    return ScannedSlide(
        number=slide.number,
        file_name=slide.file_name,
        scenes=len(slide.scenes),
        sections=sections,
        acquired_at=str(scan.get("acquired_at") or "").replace("T", " ").removesuffix("Z")[:16],
        objective=str(scan.get("objective") or ""),
        exposures="colour" if slide.pixel_type == COLOUR else exposures,
        size=readable(int(meta["file_size"])) if "file_size" in meta else "",
        label=label,
        preview=preview,
        said=(*_said(source, name, slide), *([trouble] if trouble else [])),
    )


def _said(source: Source, name: str, slide: Slide) -> list[str]:
    lines = []
    if slide.status != "Good":
        lines.append(f"marked as {slide.status}")
    if name not in source.plan.slides_in_use:
        lines.append("another scan of this slide is used")
    elif slide.rescan > 1:
        lines.append(f"scan {slide.rescan} of this slide" + (", adds scenes" if slide.rescan_use == "adds" else ""))
    marked = [f"scene {one.number} {VERDICTS[one.qc]}" for one in slide.scenes if one.qc in VERDICTS]
    return [*lines, *marked, *slide.warnings]


def _meta(source: Source, name: str) -> tuple[dict[str, Any], str]:
    """What the CZI says of itself; nothing where it was not read yet, or where its file is another, and a sentence then
    says so."""
    path = source.plan.folder.meta(name)
    try:
        return dict(source.box.remembered(f"meta {name}", [path], lambda: _told(path))), ""
    except OSError:
        return {}, ""
    except (ValueError, LookupError, TypeError, AttributeError):
        own = path.relative_to(source.plan.folder.root)
        return {}, f"{own} is not what Meta wrote; delete it, and the next run reads it from the slide again"


def _told(path: Path) -> dict[str, Any]:
    content = json.loads(path.read_text())
    scan = {name: content["scan"].get(name) for name in ("acquired_at", "objective")}
    return {"scan": scan, "file_size": content["file_size"]}
