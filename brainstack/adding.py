"""Adding an animal, and changing what a person said about it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

from brainstack.animal_folder import AnimalFolder
from brainstack.database import Database, create_or_upgrade, open_database
from brainstack.environment import animal_folder, data_root, database_url
from brainstack.errors import BrainstackError
from brainstack.files.czi import read_slide
from brainstack.files.whole import whole_file
from brainstack.plan import section_named
from brainstack.planning import list_czi, make_plan
from brainstack.records import Animal, GivenPair, Histology, PairTransform, ScanRun, Slide, SlideScan
from brainstack.settings import load_settings
from brainstack.slide_content import is_square
from brainstack.slide_names import check_slides, slide_number, slide_rescan
from brainstack.stack import by_position, by_scan, default_order

THUMBNAIL_UM = 10.4
"""Side of a thumbnail's pixel that the thumbnail factor is chosen for: the lab's, 32 x 0.325 um."""


def known_animals() -> list[str]:
    """The animals of the database, which is made where it is not there."""
    data_root().mkdir(parents=True, exist_ok=True)
    create_or_upgrade(database_url())
    with open_database(database_url()) as database:
        return database.animals()


def add_animal(
    animal: Animal, histology: Histology, scan_run: ScanRun, czi: Path, thumbnail_factor: int | None = None
) -> list[str]:
    """Put an animal into the database and make its folder, with `czi` a link to the slide scans.

    Returns what to tell the person. Raises BrainstackError, before anything is written, for an empty folder, names
    without numbers, or an animal that is there already.
    """
    check_new(animal.prep_id, czi)
    scan_run = replace(scan_run, resolution_given=scan_run.resolution_um is not None)
    with open_database(database_url()) as database:  # nothing of it is kept when what follows fails
        database.add_animal(animal, histology, scan_run)
        folder, files = animal_folder(animal.prep_id), list_czi(czi)
        check_slides(czi, files, load_settings(folder.settings))
        first = read_slide(czi / files[0].name)
        pixel_um = _pixel_size_um(scan_run, first)
        factor = thumbnail_factor or factor_for(pixel_um)
        _make_folder(folder, czi, factor)
    channels = ", ".join(f"{channel.number} {channel.name}" for channel in first.channels)
    slides = "1 slide" if len(files) == 1 else f"{len(files)} slides"
    return [
        f"{animal.prep_id}: {slides}; channels {channels}; {pixel_um:g} um a pixel, "
        f"thumbnails {pixel_um * factor:g} um a pixel (1/{factor}).",
        f"Run it: luigi --module tasks Animal --animal {animal.prep_id} --local-scheduler",
    ]


def check_new(prep_id: str, czi: Path) -> None:
    """Raise BrainstackError where an animal cannot be added, before a person is asked for more."""
    if not czi.is_dir():
        raise BrainstackError(f"{czi} is no folder; wanted the folder that holds the animal's slide scans (*.czi).")
    if prep_id.casefold() in {known.casefold() for known in known_animals()}:  # many disks do not tell a from A
        raise BrainstackError(f"{prep_id} is in the database already; choose another name, or go on with it.")


def _pixel_size_um(scan_run: ScanRun, first: SlideScan) -> float:
    if scan_run.resolution_um is not None:
        return scan_run.resolution_um
    if first.pixel_size_um is None:
        raise BrainstackError(f"{first.file_name} does not say how large its pixels are; give --pixel-size-um.")
    if not is_square(first.pixel_size_um):
        x_um, y_um = first.pixel_size_um
        raise BrainstackError(
            f"{first.file_name} says that its pixels are {x_um:g} um wide and {y_um:g} um high; wanted square ones; "
            "scan it again, or, where that is not so, give --pixel-size-um."
        )
    return first.pixel_size_um[0]


def factor_for(pixel_um: float) -> int:
    """The power of two that brings a pixel nearest to the lab's thumbnails; 1 for a scan that is coarser."""
    return int(2 ** max(0, round(math.log2(THUMBNAIL_UM / pixel_um))))


def _make_folder(folder: AnimalFolder, czi: Path, factor: int) -> None:
    is_the_same = folder.czi.exists() and folder.czi.samefile(czi)
    if folder.czi.exists() and not folder.czi.is_symlink() and not is_the_same:
        raise BrainstackError(f"{folder.czi} is there already, and is not {czi}; move one of them away.")
    is_another_factor = factor != load_settings(folder.settings).tifs.thumbnail_factor
    if is_another_factor and folder.settings.exists():
        raise BrainstackError(f"{folder.settings} is there already; set [tifs] thumbnail_factor = {factor} in it.")
    folder.root.mkdir(parents=True, exist_ok=True)
    if not is_the_same:
        folder.czi.unlink(missing_ok=True)
        folder.czi.symlink_to(czi.absolute())
    if is_another_factor:
        with whole_file(folder.settings) as part:
            part.write_text(
                "# What is different for this animal from config/settings.toml.\n\n"
                f"[tifs]\n# Pixels of the scan to a side of a thumbnail's pixel.\nthumbnail_factor = {factor}\n"
            )


@dataclass(frozen=True)
class Change:
    """What a person says anew about an animal; None for what stays. slide with status or scene_order, or slide with
    scene and one of qc, replicates, dropped, order. scene_order : "scan", "position" or, to take it back, "settings".
    rescan : which scan of the slide, where there are several."""

    side_sectioned_first: str | None = None
    section_thickness_um: float | None = None
    rotation: int | None = None
    flip: str | None = None
    pixel_size_um: float | None = None
    orientation: str | None = None
    slide: int | None = None
    status: str | None = None
    scene: int | None = None
    qc: int | None = None
    replicates: int | None = None
    dropped: bool | None = None
    order: int | None = None
    rescan: int | None = None
    scene_order: str | None = None

    @property
    def is_about_a_scene(self) -> bool:
        return (self.qc, self.replicates, self.dropped, self.order) != (None,) * 4


def change_animal(prep_id: str, change: Change) -> None:
    """Write a change to the database. Raises BrainstackError where it says nothing, or half of something."""
    if change == Change():
        raise BrainstackError("Nothing to change was given; see `brainstack animal set --help`.")
    _check_whole(change)
    create_or_upgrade(database_url())
    with open_database(database_url()) as database:
        records = database.animal_records(prep_id)
        if change.side_sectioned_first is not None:
            database.set_side_sectioned_first(prep_id, change.side_sectioned_first)
        if change.section_thickness_um is not None:
            database.set_section_thickness(prep_id, change.section_thickness_um)
        if change.orientation is not None:
            database.set_section_plane(prep_id, change.orientation)
        if change.pixel_size_um is not None:
            database.set_resolution(prep_id, change.pixel_size_um)
        if change.rotation is not None or change.flip is not None:
            rotation = records.scan_run.rotation if change.rotation is None else change.rotation
            database.set_orientation(prep_id, rotation, change.flip or records.scan_run.flip)
        if change.slide is not None and change.status is not None:
            _make_known(database, prep_id, change.slide)
            database.set_slide_status(prep_id, change.slide, change.status, rescan=change.rescan)
        if change.slide is not None and change.scene_order is not None:
            _order_scenes(database, prep_id, change.slide, change.scene_order, change.rescan)
        if change.slide is not None and change.scene is not None:
            _change_scene(database, prep_id, change.slide, change.scene, change)


def _make_known(database: Database, prep_id: str, number: int) -> None:
    """A slide that Meta could not read, or has not yet, can be marked as well: its file is in the folder."""
    folder = animal_folder(prep_id)
    settings = load_settings(folder.settings)
    known = {slide.file_name for slide in database.animal_records(prep_id).slides}
    for file in list_czi(folder.czi) if folder.czi.is_dir() else ():
        if file.name not in known and slide_number(file.name, settings) == number:
            unread = SlideScan(file.name, "", None, (), ())
            rescan = slide_rescan(file.name, settings)
            database.take_in_slide(prep_id, unread, slide_number=number, rescan=rescan, file_size=file.size)


def _check_whole(change: Change) -> None:
    """Raises BrainstackError where only half of something was said."""
    if (change.status, change.scene, change.rescan, change.scene_order) != (None,) * 4 and change.slide is None:
        raise BrainstackError(
            "--status, --scene-order, --scene and --rescan are about one slide; give its number with --slide."
        )
    if change.scene is None and change.is_about_a_scene:
        raise BrainstackError(
            "--qc, --replicate, --drop, --keep and --order are about one scene; give its slide with --slide and its "
            "number there with --scene."
        )
    if change.slide is not None and (change.status, change.scene, change.scene_order) == (None,) * 3:
        raise BrainstackError(
            "Of the slide nothing was said; give --status, --scene-order, or --scene and what is said about it."
        )
    if change.scene_order is not None and change.order is not None:
        raise BrainstackError("An order of all scenes and a place of one were given at once; wanted one of the two.")
    if change.scene is not None and not change.is_about_a_scene:
        raise BrainstackError("Of the scene nothing was said; give --qc, --replicate, --drop, --keep or --order.")
    if change.dropped is not None and (change.qc is not None or (change.dropped and change.replicates)):
        raise BrainstackError(
            "A scene was given a verdict or copies, and dropped or kept, at once; wanted one: --drop for a scene that "
            "was never a section, --qc 1 or 2 for a bad section, and --replicate with it to fill its slot."
        )


def _change_scene(database: Database, prep_id: str, slide: int, scene: int, change: Change) -> None:
    if change.qc is not None:
        database.set_scene_qc(prep_id, slide, scene, change.qc, rescan=change.rescan)
    if change.dropped is not None:
        database.set_scene_dropped(prep_id, slide, scene, change.dropped, rescan=change.rescan)
    if change.replicates is not None:
        database.set_replicates(prep_id, slide, scene, change.replicates, rescan=change.rescan)
    if change.order is not None:
        default = _default_order(database, prep_id, slide, change.rescan)
        database.set_scene_order(prep_id, slide, scene, change.order, rescan=change.rescan, default=default)


def _default_order(database: Database, prep_id: str, number: int, rescan: int | None) -> tuple[int, ...]:
    """Numbers of the scenes of a slide as they follow each other where nobody ordered them; () for as scanned."""
    setting = load_settings(animal_folder(prep_id).settings).slides.scene_order
    scans = _scans(database, prep_id, number, rescan)
    return default_order(scans[0], setting) if setting == "position" and len(scans) == 1 else ()


def _order_scenes(database: Database, prep_id: str, number: int, scene_order: str, rescan: int | None) -> None:
    order: tuple[int, ...] | None = None
    scans = _scans(database, prep_id, number, rescan)
    if scene_order != "settings" and len(scans) == 1:  # where there are none, or several, the database says so
        scenes = scans[0].scenes
        order = by_scan(scenes) if scene_order == "scan" else by_position(scenes)
        if order is None:
            raise BrainstackError(
                f"{scans[0].file_name} was read before the places of its scenes were kept, so that they cannot be put "
                f"in order by them; run the task Meta first: luigi --module tasks Meta --animal {prep_id}."
            )
    database.set_order_of_scenes(prep_id, number, order, rescan=rescan)


def _scans(database: Database, prep_id: str, number: int, rescan: int | None) -> list[Slide]:
    slides = database.animal_records(prep_id).slides
    return [slide for slide in slides if slide.number == number and rescan in (None, slide.rescan)]


def set_pair(prep_id: str, fixed: str, moving: str, by_hand: GivenPair | None) -> str:
    """Give a pair of neighbours its transform by hand, or take it back (None). Returns what to tell the person.

    by_hand : where a point of the fixed section lies on the moving one. Raises BrainstackError for no such pair.
    """
    plan = make_plan(prep_id)
    names = [section_named(plan, name).key for name in (fixed, moving)]
    if f"{names[0]}..{names[1]}" not in {step.item for step in plan.pairs}:
        raise BrainstackError(
            f"{names[0]} and {names[1]} of {prep_id} are no pair in this order; wanted a section and the next one, or "
            f"one up to {plan.settings.elastix.reach} behind it."
        )
    with open_database(database_url()) as database:
        if by_hand is None:
            was = database.forget_pair_by_hand(prep_id, *names)
            return "The next run registers this pair again." if was else "Nobody had given this pair a transform."
        database.set_pair_by_hand(prep_id, PairTransform(names[0], names[1], **by_hand._asdict(), metric=0.0))
        return "The next run takes this transform, and redoes what it moves."
