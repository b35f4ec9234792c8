"""A second, finer look at a pair that is registered: pictures between the thumbnail and the scan in size.

Nothing is resampled for it but by area average: each section is cut out as it was scanned, and where its pixels lie on
the cleaned canvas is a matrix.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from brainstack import geometry
from brainstack.geometry import Matrix, Shape
from brainstack.images.cleaning import tissue_box
from brainstack.images.elastix import EngineError, refine
from brainstack.images.levels import Level, Mask, Picture, fit_of, pyramid
from brainstack.images.pyramids import AreaAverage
from brainstack.images.registration import Registered
from brainstack.settings import ElastixSettings


@dataclass(frozen=True)
class FinerSection:
    """A section cut out around its tissue, on finer pixels than the thumbnail's.

    picture : (rows, columns) uint8, uint16 or float32, 0 outside its mask. mask : of the same shape, bool, True on
    tissue. to_canvas : from its pixels to those of the cleaned thumbnails' canvas, were that as fine.
    """

    picture: Picture
    mask: Mask
    to_canvas: Matrix


def shrunk(strips: Iterable[npt.NDArray[Any]], factor: int) -> Picture:
    """A scan that comes in strips, with means of factor x factor pixels, so that it is never held at its full size."""
    average = AreaAverage(factor)
    for strip in strips:
        average.add(strip)
    return average.finish()


def finer_section(picture: Picture, mask: Mask, *, to_canvas: Matrix, zoom: float, border_px: int) -> FinerSection:
    """The tissue of a section as it was scanned, and `border_px` of nothing around it.

    picture : (rows, columns), the finer one. mask : of the thumbnail, whose pixels are `zoom` of the picture's a side;
    it is interpolated and cut at one half. to_canvas : from pixels of the thumbnail to those of its cleaned canvas
    (`cleaning_matrix`).
    """
    fine_mask = _enlarged(mask, zoom, (picture.shape[0], picture.shape[1]))
    top, bottom, left, right = tissue_box(fine_mask)
    tissue = fine_mask[top:bottom, left:right]
    blank = np.where(tissue, picture[top:bottom, left:right], 0).astype(picture.dtype)
    placed = geometry.scaled(to_canvas, zoom) @ geometry.shift(left - border_px, top - border_px)
    return FinerSection(np.pad(blank, border_px), np.pad(tissue, border_px), placed)


def refine_pair(
    found: Registered,
    fixed: FinerSection,
    moving: FinerSection,
    *,
    zoom: float,
    canvas_shape: Shape,
    pixel_size_um: float,
    settings: ElastixSettings,
) -> Registered:
    """A registered pair, refined by elastix on finer pictures; as it was where that makes it no better.

    canvas_shape : (rows, columns) of the cleaned thumbnails. pixel_size_um : of the thumbnail. It is kept as it was
    where the masked correlation of the finer pictures falls, or the tissue moves by more than `finer_largest_px` of the
    thumbnail: it starts within one, so that it went astray. All that judges the pair stays the thumbnails', so that
    pairs can be compared.
    """
    if found.is_same:
        return found
    moving = _flopped(moving) if found.mirrored else moving
    start = found.matrix(pixel_size_um, canvas_shape)
    from_fixed, to_moving = fixed.to_canvas, geometry.inverse(moving.to_canvas)
    begun = to_moving @ geometry.scaled(start, zoom) @ from_fixed

    level = _level(fixed, moving, pixel_size_um / zoom, settings)
    border_px = round(settings.border_um / pixel_size_um * zoom)
    try:
        refined = refine(_widened(level, border_px), begun, settings, border_px=0)
    except EngineError as error:
        return replace(found, engine_error=str(error))

    moved_px = largest_move_px(begun, refined, fixed.mask) / zoom
    if moved_px > settings.finer_largest_px or fit_of(level, refined).metric < fit_of(level, begun).metric:
        return found
    ended = geometry.scaled(geometry.inverse(to_moving) @ refined @ geometry.inverse(from_fixed), 1 / zoom)
    parts = geometry.rigid_parts(ended, canvas_shape)
    return replace(
        found,
        rotation_rad=parts.rotation_rad,
        shift_x_um=parts.shift_x_px * pixel_size_um,
        shift_y_um=parts.shift_y_px * pixel_size_um,
    )


def largest_move_px(one: Matrix, other: Matrix, mask: Mask) -> float:
    """How far apart two maps take a point of the tissue's box at most: at one of its corners."""
    top, bottom, left, right = tissue_box(mask)
    corners = [(x, y) for x in (left, right - 1) for y in (top, bottom - 1)]
    apart = geometry.points(other, corners) - geometry.points(one, corners)
    return float(np.linalg.norm(apart, axis=1).max())


def _enlarged(mask: Mask, zoom: float, shape: Shape) -> Mask:
    """A mask on pixels `zoom` times as fine, linearly interpolated between centres and cut at one half: no steps show.
    Beyond the edges of the scan it is as it is there."""
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    to_thumbnail, size = geometry.inverse(geometry.scaling(zoom)), (shape[1], shape[0])
    soft = (255 * mask).astype(np.uint8)
    enlarged = cv2.warpAffine(soft, to_thumbnail[:2], size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(enlarged > 127)


def _flopped(section: FinerSection) -> FinerSection:
    """The same section, mirrored left-right where it is; where it lies on the canvas is told as before."""
    flop = geometry.turning(0, "flop", (section.mask.shape[0], section.mask.shape[1]))
    return FinerSection(np.fliplr(section.picture), np.fliplr(section.mask), section.to_canvas @ flop)


def _level(fixed: FinerSection, moving: FinerSection, pixel_size_um: float, settings: ElastixSettings) -> Level:
    """Both at their full fineness. pixel_size_um : of their own pixels."""
    less_smooth = settings.model_copy(update={"smoothing_um": settings.finer_smoothing_um})
    level, _ = pyramid(
        fixed.picture, moving.picture, fixed.mask, moving.mask, pixel_size_um=pixel_size_um, settings=less_smooth
    )
    return level


def _widened(level: Level, border_px: int) -> Level:
    """The masks with so much around them. By distance: a disk of a hundred pixels would take a minute."""
    wide = [
        (cv2.distanceTransform(1 - mask, cv2.DIST_L2, 3) <= border_px).astype(np.uint8)
        for mask in (level.fixed_mask, level.moving_mask)
    ]
    return replace(level, fixed_mask=wide[0], moving_mask=wide[1])
