"""Sections at the scan's resolution, straight from its tiles: what the volume is made of, and FullClean and
FullAlignment, which write them as TIFFs for those who ask for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainstack.alignment_results import read_canvas, read_matrices
from brainstack.errors import BrainstackError
from brainstack.files.tiff import read_tiff, write_tiff_in_strips
from brainstack.files.tiles import TiledTiff
from brainstack.gains import section_gain
from brainstack.geometry import Matrix, inverse, scaled
from brainstack.images.cleaning import background_haze, cleaning_matrix
from brainstack.images.full_masks import SoftMask
from brainstack.images.normalizing import to_8_bit
from brainstack.images.rendering import Placement, Renderer
from brainstack.images.threads import use_one_thread
from brainstack.plan import Plan
from brainstack.stages import scanned_shape
from brainstack.stamps import Step
from tasks.alignment import read_field
from tasks.approval import AfterApproval
from tasks.base import SectionChannelTask
from tasks.volumes import Volume
from tasks.white_point import read_background

BLOCK_PX = 2048
"""Side of what is rendered at once."""


class FullClean(AfterApproval, SectionChannelTask):
    """Writes a section as Clean does, at the scan's resolution."""

    def make(self, plan: Plan, step: Step) -> None:
        _write(plan, step, "full_cleaned", np.eye(3), read_canvas(plan))


class FullAlignment(SectionChannelTask):
    """Writes a section as Alignment does, at the scan's resolution: resampled once, from its scan."""

    def make(self, plan: Plan, step: Step) -> None:
        rows, columns = read_matrices(plan)["canvas"]
        _write(plan, step, "full_aligned", None, (rows, columns))


def _write(plan: Plan, step: Step, kind: str, to_cleaned: Matrix | None, canvas: tuple[int, int]) -> None:
    """to_cleaned : from the canvas to that of cleaned sections, None for that of the alignment. canvas : in pixels of
    the thumbnail."""
    use_one_thread()
    factor, tifs = plan.settings.tifs.thumbnail_factor, plan.settings.tifs
    shape = (canvas[0] * factor, canvas[1] * factor)
    placement = read_placement(plan, step.item, step.channel, to_cleaned)
    with open_scan(plan, step.item, step.channel) as scan:
        whole = shape if scan.samples == 1 else (*shape, scan.samples)
        write_tiff_in_strips(
            plan.folder.keyed(kind, step.item, step.channel),
            _strips(scan, placement, whole, tifs.tile_px),
            shape=whole,
            dtype=scan.dtype,
            tile_px=tifs.tile_px,
            pixel_size_um=plan.pixel_size_um / factor,
            channel_name=next(one.name for one in plan.channels if one.number == step.channel),
            compression=tifs.compression,
        )


def _strips(scan: TiledTiff, placement: Placement, shape: tuple[int, ...], tile_px: int) -> Iterator[NDArray[Any]]:
    """The canvas from top to bottom, as many rows at a time as a tile has; a band of blocks is rendered at once, as
    each of them decodes the tiles that it needs anew."""
    renderer = Renderer()
    band_rows = max(1, BLOCK_PX // tile_px) * tile_px
    for top in range(0, shape[0], band_rows):
        band = np.empty((min(band_rows, shape[0] - top), *shape[1:]), scan.dtype)
        for left in range(0, shape[1], BLOCK_PX):
            renderer.render(scan, placement, top, left, band[:, left : left + BLOCK_PX])
        for start in range(0, len(band), tile_px):
            yield band[start : start + tile_px]
        del band  # before the next one is made


def open_scan(plan: Plan, key: str, channel: int) -> TiledTiff:
    """The scan of a section. Raises BrainstackError where it is not as large as the slide says."""
    scan = TiledTiff(plan.folder.tif(plan.section[key].tif_name(channel)))
    wanted = scanned_shape(plan, key)
    if scan.shape != wanted:
        scan.close()
        raise BrainstackError(
            f"{scan.path} is {scan.shape[1]} x {scan.shape[0]} pixels, wanted {wanted[1]} x {wanted[0]}, as its slide "
            "says; delete it, and run the same command again."
        )
    return scan


def read_placement(plan: Plan, key: str, channel: int, to_cleaned: Matrix | None = None) -> Placement:
    """How a scan goes onto a canvas of its own resolution.

    to_cleaned : from that canvas to that of cleaned sections, in pixels of the thumbnail; None for the aligned canvas.
    """
    factor, settings = plan.settings.tifs.thumbnail_factor, plan.settings
    mask = read_tiff(plan.folder.keyed("thumbnail_masked", key)) > 0
    field_um, cleaned = None, read_canvas(plan)
    canvas = cleaned
    if to_cleaned is None:
        transforms = read_matrices(plan)
        to_cleaned, field_um = np.array(transforms["matrices"][key]), read_field(plan, key)
        canvas = transforms["canvas"]
    from_scan = cleaning_matrix(mask, *plan.turns(key), cleaned)
    return Placement(
        to_scan=scaled(inverse(from_scan) @ to_cleaned, factor),
        soft_mask=SoftMask(mask, settings.full_masks.smoothing_px),
        factor=factor,
        gain=None if plan.is_colour else section_gain(plan, channel, key),
        background=tuple(int(one) for one in np.atleast_1d(read_background(plan, channel))),
        haze=_haze(plan, key, channel, mask),
        field_px=None if field_um is None else field_um / plan.pixel_size_um * factor,
        canvas_shape=(canvas[0] * factor, canvas[1] * factor),
        interpolation=settings.alignment.interpolation,
    )


def _haze(plan: Plan, key: str, channel: int, mask: NDArray[np.bool_]) -> NDArray[np.float32] | None:
    """The slow background inside the tissue, where it is to go."""
    radius_px = plan.settings.clean.background_um / plan.pixel_size_um
    if not radius_px or plan.is_colour:
        return None
    thumbnail = read_tiff(plan.folder.tif_thumbnail(plan.section[key].tif_name(channel)))
    return background_haze(thumbnail, mask, radius_px=radius_px)


class FullSections:
    """The sections of a slab, opened for a block after another. sections : slot -> key."""

    def __init__(self, volume: Volume, sections: Mapping[int, str]) -> None:
        self._volume, self._sections = volume, sections
        self._stack, self._renderer = ExitStack(), Renderer()
        self._scans: dict[int, TiledTiff] = {}
        self._placements: dict[int, Placement] = {}
        self._wide = np.empty((0, 0), np.uint16)

    def __enter__(self) -> FullSections:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def render(self, slot: int, top: int, left: int, out: NDArray[Any]) -> bool:
        """Fill a piece of the aligned canvas. False where nothing but background is there."""
        volume = self._volume
        if slot not in self._sections:
            return False
        if slot not in self._scans:
            key = self._sections[slot]
            self._scans[slot] = self._stack.enter_context(open_scan(volume.plan, key, volume.channel))
            self._placements[slot] = read_placement(volume.plan, key, volume.channel)
        scan, placement = self._scans[slot], self._placements[slot]
        if not volume.plan.is_narrowed:
            return self._renderer.render(scan, placement, top, left, out)
        if self._wide.shape != out.shape:
            self._wide = np.empty(out.shape, scan.dtype)
        found = self._renderer.render(scan, placement, top, left, self._wide)
        if found:
            out[:] = to_8_bit(self._wide, volume.white)
        return found
