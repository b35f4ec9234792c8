"""Comparing TIFFs with the slide scans they were made from, by checksums of their pixels."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainstack.errors import BrainstackError
from brainstack.files.czi import read_slide, read_strips
from brainstack.files.tiff import read_tiff_strips
from brainstack.plan import Plan
from brainstack.records import Channel, Scene

ROWS = 512
"""Read at a time: of 74,500 pixels each, 76 MB."""


@dataclass(frozen=True)
class Checked:
    """One TIFF. checksum : of the scan's pixels, "" where it could not be read. error : "" for a TIFF that has the same
    pixels, else a sentence."""

    file_name: str
    checksum: str
    error: str = ""


def slides_to_check(plan: Plan, names: Sequence[str]) -> tuple[str, ...]:
    """The slides that TIFFs are made of, or those that are named. Raises BrainstackError for a name that is none."""
    unread = (file.slide for file in plan.czi_files if file.slide not in plan.slides)
    known = (*plan.slides_in_use, *unread)
    asked = tuple(name.removesuffix(".czi") for name in names)
    for name in asked:
        if name not in known:
            raise BrainstackError(
                f"{plan.folder.prep_id} has no TIFFs of a slide {name!r}; wanted one of {', '.join(known) or 'none'}."
            )
    return asked or known


def check_tifs(plan: Plan, slide_names: Iterable[str]) -> Iterator[Checked]:
    """Read every scene and channel of these slides, and its TIFF, and compare them; one after another, as it takes
    long. Memory does not grow with the scene."""
    for name in slide_names:
        path = plan.folder.czi / f"{name}.czi"
        try:
            scan = read_slide(path)
        except BrainstackError as error:
            yield Checked(path.name, "", str(error))
            continue
        for scene in scan.scenes:
            for channel in scan.channels:
                yield _checked(plan, name, scene, channel)


def _checked(plan: Plan, slide: str, scene: Scene, channel: Channel) -> Checked:
    tif = f"{slide}_S{scene.number}_C{channel.number}.tif"
    path, how = plan.folder.czi / f"{slide}.czi", plan.settings.tifs.focal_planes
    wanted = ""
    if not plan.folder.tif(tif).exists():
        return Checked(tif, "", f"{plan.folder.tif(tif)} is not there; {_made_by(plan)} makes it.")
    try:
        wanted = pixel_checksum(read_strips(path, scene, channel.number, ROWS, how))
        found = pixel_checksum(read_tiff_strips(plan.folder.tif(tif), ROWS))
    except BrainstackError as error:
        return Checked(tif, wanted, str(error))
    if found == wanted:
        return Checked(tif, wanted)
    return Checked(
        tif,
        wanted,
        f"{plan.folder.tif(tif)} has other pixels (checksum {found}) than scene {scene.number} of {path.name} "
        f"({wanted}); delete it, and {_made_by(plan)} makes it anew.",
    )


def _made_by(plan: Plan) -> str:
    return f"luigi --module tasks Tifs --animal {plan.folder.prep_id}"


def pixel_checksum(strips: Iterable[NDArray[Any]]) -> str:
    """A checksum (BLAKE2b of 16 bytes) of an image that comes in strips, whatever their height.

    strips : (rows, columns) or (rows, columns, 3), uint8 or uint16. The type of the pixels and the width count as well.
    """
    hashed, about = hashlib.blake2b(digest_size=16), ""
    for strip in strips:
        if not about:
            about = f"{strip.dtype.name} {strip.shape[1:]}"
            hashed.update(about.encode())
        hashed.update(np.ascontiguousarray(strip, strip.dtype.newbyteorder("<")).data)
    return hashed.hexdigest()
