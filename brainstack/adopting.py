"""Taking in a folder that the lab's scripts made: its TIFFs and its hand-edited masks are checked, and not made again.

Nothing of the lab's is changed or deleted. What stands where brainstack's own files will be is moved to preps/lab.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from brainstack.adopting_masks import adopt_masks
from brainstack.environment import database_url
from brainstack.errors import BrainstackError
from brainstack.files.czi import DTYPES, scene_shape
from brainstack.files.pictures import write_png
from brainstack.files.tiff import check_tiff, read_tiff, read_tiff_strips, write_tiff
from brainstack.files.whole import link
from brainstack.images.normalizing import scene_picture
from brainstack.images.pyramids import AreaAverage
from brainstack.intake import slide_scan, take_in_records
from brainstack.lab_files import move_aside
from brainstack.locking import locked, remove_parts
from brainstack.plan import Plan, digest_of
from brainstack.planning import make_plan
from brainstack.progress import Progress
from brainstack.records import Scene, Slide, SlideScan, SlideScene
from brainstack.slide_content import check_pixel_size, keep_content, read_content, read_pictures
from brainstack.stamps import Stamp, Stamps, Step

NEXT = "the next run makes it from the slide scan"


@dataclass
class Count:
    """adopted : now. before : were done already. to_make : left to the next run. refused : there, but not usable."""

    adopted: int = 0
    before: int = 0
    to_make: int = 0
    refused: int = 0


@dataclass
class Adopted:
    """What was adopted, or would be. sentences : what was refused or is missing. moved : what stood in the way."""

    slides: Count = field(default_factory=Count)
    tifs: Count = field(default_factory=Count)
    masks: Count = field(default_factory=Count)
    sentences: list[str] = field(default_factory=list)
    moved: list[tuple[Path, Path]] = field(default_factory=list)


def no_progress(done: int, total: int) -> None:
    pass


def adopt(prep_id: str, *, dry: bool = False, progress: Callable[[int, int], None] = no_progress) -> Adopted:
    """Take in what the lab made of an animal that is in the database. It can be stopped, and done again, at any time.

    dry : look only, and write nothing. progress : told how many TIFF steps are looked at, of how many.
    Raises BrainstackError for an unknown animal, or one that is being run.
    """
    plan = make_plan(prep_id)
    if dry:
        return _adopt(plan, dry=True, progress=progress)
    with locked(plan.folder):
        remove_parts(plan.folder)
        take_in_records(plan.folder, database_url())
        return _adopt(make_plan(prep_id), dry=False, progress=progress)


def _adopt(plan: Plan, *, dry: bool, progress: Callable[[int, int], None]) -> Adopted:
    found = Adopted()
    plan, scans = _read_slides(plan, found, dry=dry)
    if scans:
        _ = plan.pixel_size_um  # says so where it is not known, once and not for each file
    found.moved, refused = move_aside(plan, dry=dry)
    found.sentences += refused
    # Masks first: they take seconds, and a person may want to mend what was refused.
    found.masks.adopted, found.masks.before, refused = adopt_masks(plan, dry=dry)
    found.masks.refused = len(refused)
    found.sentences += refused
    stamps, steps = Stamps(plan.folder.stamps), plan.steps("Tifs")
    for number, step in enumerate(steps):
        progress(number, len(steps))
        if step.item in scans:
            _adopt_tifs(plan, stamps, step, scans[step.item], found, dry=dry)
        else:
            found.tifs.to_make += len(plan.slides[step.item].scenes)
    progress(len(steps), len(steps))
    return found


# What the slides hold


def _read_slides(plan: Plan, found: Adopted, *, dry: bool) -> tuple[Plan, dict[str, SlideScan]]:
    """Do what the stage Meta does where that is not done. Returns the plan that knows all slides, and their scans."""
    stamps, scans, contents = Stamps(plan.folder.stamps), {}, []
    progress = Progress(plan, stamps)
    for step in plan.steps("Meta"):
        if progress.is_done(step):
            found.slides.before += 1
            scans[step.item] = slide_scan(json.loads(plan.folder.meta(step.item).read_text())["scan"])
            continue
        try:
            path = plan.folder.czi / f"{step.item}.czi"
            content, signature = read_content(path, plan.settings, plan.records.scan_run)
        except BrainstackError as error:
            found.slides.refused += 1
            found.sentences.append(str(error))
            continue
        found.slides.adopted += 1
        scans[step.item] = slide_scan(content["scan"])
        contents.append(content)
        if not dry:
            ingredients = plan.ingredients(step, stamps)
            stamps.remove(step)
            keep_content(plan.folder, step.item, content, read_pictures(path))
            stamps.write(step, Stamp(digest_of(step, ingredients), {"": signature}, ingredients))
    if dry:
        return _as_if_read(plan, contents), scans
    take_in_records(plan.folder, database_url())
    return make_plan(plan.folder.prep_id), scans


def _as_if_read(plan: Plan, contents: list[dict[str, Any]]) -> Plan:
    """The plan as it would be with these slides in the database."""
    slides = {slide.file_name: slide for slide in plan.records.slides}
    scan_run = plan.records.scan_run
    for content in contents:
        scan = slide_scan(content["scan"])
        scenes = tuple(
            SlideScene(one.number, one.index, one.width, one.height, x=one.x, y=one.y) for one in scan.scenes
        )
        number, rescan = content["slide_number"], content["rescan"]
        new = Slide(scan.file_name, number, rescan, "Good", scenes, scan.channels, scan.pixel_type)
        slides.setdefault(scan.file_name, new)
        if scan_run.resolution_um is None and scan.pixel_size_um:
            scan_run = replace(scan_run, resolution_um=scan.pixel_size_um[0])
    return replace(plan, records=replace(plan.records, scan_run=scan_run, slides=tuple(slides.values())))


# TIFFs


def _adopt_tifs(plan: Plan, stamps: Stamps, step: Step, scan: SlideScan, found: Adopted, *, dry: bool) -> None:
    """One channel of a slide: stamped as done where the TIFFs of all its scenes are right."""
    if Progress(plan, stamps).is_done(step):
        found.tifs.before += len(scan.scenes)
        return
    if stamps.read(step) is not None:  # made by brainstack, of something that is no more: the scan may be another
        found.tifs.to_make += len(scan.scenes)
        return
    try:
        check_pixel_size(scan, plan)
    except BrainstackError as error:
        found.tifs.to_make += len(scan.scenes)
        found.sentences.append(str(error))
        return
    right: dict[str, Path] = {}
    wrong: list[str] = []
    for scene in scan.scenes:
        name = f"{step.item}_S{scene.number}_C{step.channel}.tif"
        path = _path_of(plan, name)
        said = _what_is_wrong(path, scene, scan)
        found.tifs.refused += path.exists() and bool(said)
        if said:
            wrong.append(said)
        else:
            right[name] = path
    if not wrong and not dry:
        wrong = _take(plan, stamps, step, right)
        found.tifs.refused += len(wrong)
    if not wrong:
        found.tifs.adopted += len(right)
        return
    found.tifs.to_make += len(scan.scenes)
    found.sentences += wrong
    if len(wrong) < len(scan.scenes):
        found.sentences.append(
            f"{step.item} channel {step.channel}: {len(scan.scenes) - len(wrong)} of its {len(scan.scenes)} TIFFs are "
            "right, and are made again with the others, as a slide's scenes are made together."
        )


def _path_of(plan: Plan, name: str) -> Path:
    """Where the lab has this TIFF; where brainstack would look for it if it is nowhere."""
    places = (plan.folder.tif(name), *plan.folder.lab_tifs(name))
    return next((path for path in places if path.exists()), places[0])


def _what_is_wrong(path: Path, scene: Scene, scan: SlideScan) -> str:
    """A sentence; empty for a TIFF that is what the scanner saw, as far as its size and type tell."""
    colours = " x 3 colours" if scan.pixel_type == "Bgr24" else ""
    wanted = f"{scene.height} x {scene.width} pixels (rows x columns){colours} of {DTYPES[scan.pixel_type]}"
    if not path.exists():
        return f"{path} is not there; wanted {wanted}; {NEXT}."
    try:
        shape, dtype = check_tiff(path)
    except BrainstackError as error:
        return f"{path}: {_reason(error)}; wanted {wanted}; {NEXT}."
    if shape == scene_shape(scan, scene) and dtype == DTYPES[scan.pixel_type]:
        return ""
    return f"{path}: found {' x '.join(map(str, shape))} pixels of {dtype}, wanted {wanted}; {NEXT}."


def _reason(error: BrainstackError) -> str:
    """What is wrong with a TIFF, as whoever read it found."""
    return str(error.__cause__ or error)


def _take(plan: Plan, stamps: Stamps, step: Step, files: dict[str, Path]) -> list[str]:
    """Make what is missing beside right TIFFs, and stamp the step. Returns a sentence for each that cannot be read."""
    wrong = []
    ingredients = plan.ingredients(step, stamps)
    stamps.remove(step)
    for name, path in files.items():
        try:
            thumbnail = _thumbnail_of(path, plan.settings.tifs.thumbnail_factor, plan.settings.tifs.tile_px)
        except BrainstackError as error:
            wrong.append(f"{path}: {_reason(error)}; {NEXT}.")
            continue
        _write_thumbnail(plan, name, thumbnail)
        if path != plan.folder.tif(name):
            link(plan.folder.tif(name), path)
    if not wrong:
        stamps.write(step, Stamp(digest_of(step, ingredients), {}, ingredients))
    return wrong


def _thumbnail_of(path: Path, factor: int, rows: int) -> NDArray[Any]:
    average = AreaAverage(factor)
    for strip in read_tiff_strips(path, rows):
        average.add(strip)
    return average.finish()


def _write_thumbnail(plan: Plan, name: str, thumbnail: NDArray[Any]) -> None:
    """The thumbnail and the picture of a scene. The lab's own thumbnail is kept aside where it is another."""
    path, picture = plan.folder.tif_thumbnail(name), plan.folder.scene_picture(name)
    if not (path.exists() and _is(path, thumbnail)):
        aside = plan.folder.lab(path)
        if path.exists() and not aside.exists():
            aside.parent.mkdir(parents=True, exist_ok=True)
            path.rename(aside)
        write_tiff(path, thumbnail, plan.pixel_size_um)
    if not picture.exists():
        write_png(picture, scene_picture(thumbnail, plan.settings.tifs.white_share))


def _is(path: Path, thumbnail: NDArray[Any]) -> bool:
    try:
        return np.array_equal(read_tiff(path), thumbnail)
    except BrainstackError:
        return False


# What is told


def show(prep_id: str, found: Adopted, console: Console, *, dry: bool) -> None:
    """Print the table, what was moved, and a sentence for each thing that was not taken."""
    table = Table()
    for title in ("", "would be adopted" if dry else "adopted", "as before", "to be made", "refused"):
        table.add_column(title, justify="right" if title else "left")
    for name, count in (("slides", found.slides), ("TIFFs", found.tifs), ("masks", found.masks)):
        numbers = (count.adopted, count.before, count.to_make, count.refused)
        table.add_row(name, *(str(number) for number in numbers))
    console.print(table)
    for origin, aside in found.moved:
        console.print(f"{'to be moved' if dry else 'moved'}: {origin} to {aside}", markup=False, soft_wrap=True)
    for sentence in found.sentences:
        console.print(sentence, markup=False, highlight=False, soft_wrap=True)
    again = f"brainstack adopt {prep_id}" if dry else f"luigi --module tasks Animal --animal {prep_id}"
    console.print(f"To go on: {again}", highlight=False)
