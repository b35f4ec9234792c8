"""Adding an animal."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

from brainstack.animal_folder import AnimalFolder
from brainstack.database import create_or_upgrade, open_database
from brainstack.environment import animal_folder, data_root, database_url
from brainstack.errors import BrainstackError
from brainstack.files.czi import read_slide
from brainstack.files.whole import whole_file
from brainstack.planning import list_czi
from brainstack.records import Animal, Histology, ScanRun, SlideScan
from brainstack.settings import load_settings
from brainstack.slide_content import is_square
from brainstack.slide_names import check_slides

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
        raise BrainstackError(
            f"{prep_id} is in the database already; choose another name, or go on with it: luigi --module tasks "
            f"Animal --animal {prep_id}"
        )


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
        raise BrainstackError(
            f"{folder.czi} is there already, and is another folder than {czi}; move it away, or choose another name "
            "for the animal."
        )
    is_another_factor = factor != load_settings(folder.settings).tifs.thumbnail_factor
    if is_another_factor and folder.settings.exists():
        raise BrainstackError(
            f"{folder.settings} is there already, and has another thumbnail factor; set [tifs] thumbnail_factor = "
            f"{factor} in it, or move it away."
        )
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
