"""What a slide scan says of itself, as it is kept and as the database takes it in."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from brainstack.errors import BrainstackError
from brainstack.files.czi import content_signature, read_slide
from brainstack.plan import Plan
from brainstack.records import SlideScan
from brainstack.settings import Settings
from brainstack.slide_names import slide_number, slide_rescan

SAME_SCALE = 0.01
"""Scales that differ by less are the same: 1 % is 0.1 mm on a section of a mouse brain."""


def read_content(path: Path, settings: Settings) -> tuple[dict[str, Any], str]:
    """The record of a slide, and a signature that another scan does not have; reads metadata only.

    Raises BrainstackError for a damaged scan, or a name without a number.
    """
    content = {
        "scan": dataclasses.asdict(read_slide(path)),
        "slide_number": slide_number(path.name, settings),
        "rescan": slide_rescan(path.name, settings),
        "file_size": path.stat().st_size,
    }
    return content, content_signature(path)


def check_pixel_size(scan: SlideScan, plan: Plan) -> None:
    """Refuse a slide that was scanned at another scale than the animal. Raises BrainstackError."""
    wanted_um = plan.pixel_size_um / plan.settings.tifs.thumbnail_factor
    for side_um in scan.pixel_size_um or ():
        if abs(side_um / wanted_um - 1) > SAME_SCALE:
            raise BrainstackError(
                f"{scan.file_name} has pixels of {side_um:g} um, but the animal's scan has {wanted_um:g} um; "
                "wanted one scale for all slides; scan it again, or mark the slide as bad."
            )
