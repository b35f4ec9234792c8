"""What a slide scan says of itself, as it is kept and as the database takes it in."""

from __future__ import annotations

import dataclasses
import hashlib
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainstack.animal_folder import AnimalFolder
from brainstack.errors import BrainstackError
from brainstack.files.czi import content_signature, read_slide, read_slide_pictures
from brainstack.files.pictures import write_png
from brainstack.files.whole import write_json
from brainstack.intake import record
from brainstack.plan import Plan
from brainstack.records import ScanRun, SlideScan
from brainstack.settings import Settings
from brainstack.slide_names import slide_number, slide_rescan

log = logging.getLogger(__name__)

SAME_SCALE = 0.01
"""Scales that differ by less are the same: 1 % is 0.1 mm on a section of a mouse brain."""

READ_BYTES = 2**24
"""What is read of a file at a time, for its checksum: 16 MB."""

PICTURES = ("label", "preview")


def read_content(path: Path, settings: Settings, scan_run: ScanRun) -> tuple[dict[str, Any], str]:
    """The record of a slide, and a signature that another scan does not have; reads metadata only, unless
    settings.slides.checksum is "whole".

    Raises BrainstackError for a damaged scan, a name without a number, and pixels of no known or no single size.
    """
    scan, signature = read_slide(path), content_signature(path)
    check_pixels(scan, scan_run)
    kind = settings.slides.checksum
    content = {
        "scan": dataclasses.asdict(scan),
        "slide_number": slide_number(path.name, settings),
        "rescan": slide_rescan(path.name, settings),
        "file_size": path.stat().st_size,
        "checksum_kind": kind,
        "checksum": signature if kind == "quick" else checksum_of(path),
    }
    return content, signature


def checksum_of(path: Path) -> str:
    """BLAKE2b of 128 bits over each byte of a file, in hexadecimal; `b2sum --length 128` prints the same."""
    hashed = hashlib.blake2b(digest_size=16)
    with path.open("rb") as file:
        while block := file.read(READ_BYTES):
            hashed.update(block)
    return hashed.hexdigest()


def read_pictures(path: Path) -> dict[str, NDArray[np.uint8]]:
    """The scanner's photographs of the glass, "label" and "preview", as far as the scan has them: (rows, columns) or
    (rows, columns, 3) RGB, uint8. What is wrong with them is said, and keeps no section from being used."""
    try:
        return read_slide_pictures(path)
    except BrainstackError as error:
        log.warning("The label and preview of %s cannot be shown, its sections can be used: %s", path.name, error)
        return {}


def keep_content(
    folder: AnimalFolder, slide: str, content: Mapping[str, Any], pictures: Mapping[str, NDArray[np.uint8]]
) -> None:
    """Write what was read of a slide, and leave it for the database. A picture of a scan that was replaced by one
    without it is removed."""
    for name in PICTURES:
        if name in pictures:
            write_png(folder.slide_picture(slide, name), pictures[name])
        else:
            folder.slide_picture(slide, name).unlink(missing_ok=True)
    content = {**content, "pictures": sorted(pictures)}
    write_json(folder.meta(slide), content)
    record(folder, "slide", content)


def check_pixels(scan: SlideScan, scan_run: ScanRun) -> None:
    """Refuse a slide whose pixels have no known size, or are not square, unless a person said what it is.

    Everything that follows takes pixels for square. Raises BrainstackError.
    """
    if scan_run.resolution_given:
        return
    give = f"give it with `brainstack animal set {scan_run.prep_id} --pixel-size-um UM`"
    if scan.pixel_size_um is None:
        raise BrainstackError(f"{scan.file_name} does not say how large its pixels are; {give}.")
    if not is_square(scan.pixel_size_um):
        x_um, y_um = scan.pixel_size_um
        raise BrainstackError(
            f"{scan.file_name} says that its pixels are {x_um:g} um wide and {y_um:g} um high; wanted square ones; "
            f"scan it again, or, where that is not so, {give}."
        )


def is_square(pixel_size_um: tuple[float, float]) -> bool:
    return abs(pixel_size_um[0] / pixel_size_um[1] - 1) <= SAME_SCALE


def check_pixel_size(scan: SlideScan, plan: Plan) -> None:
    """Refuse a slide that was scanned at another scale than the animal. Raises BrainstackError.

    Of one that says its pixels are not square, what a person said must be one of the two.
    """
    check_pixels(scan, plan.records.scan_run)
    if scan.pixel_size_um is None:
        return
    wanted_um = plan.pixel_size_um / plan.settings.tifs.thumbnail_factor
    others_um = [side_um for side_um in scan.pixel_size_um if abs(side_um / wanted_um - 1) > SAME_SCALE]
    if len(others_um) > (0 if is_square(scan.pixel_size_um) else 1):
        raise BrainstackError(
            f"{scan.file_name} has pixels of {others_um[0]:g} um, but the animal's scan has {wanted_um:g} um; "
            "wanted one scale for all slides; scan it again, or mark the slide as bad."
        )
