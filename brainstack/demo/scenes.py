"""One section of the made-up animal on its slide: cut, laid askew on dirty glass, photographed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from brainstack.demo.anatomy import Slice
from brainstack.demo.brightfield import (
    AnyPicture,
    Colour,
    ColourPicture,
    photographed_in_colour,
    stain_density,
    white_point,
)
from brainstack.demo.damage import damaged
from brainstack.demo.difficulty import DIFFICULTIES
from brainstack.demo.drawing import Plane
from brainstack.demo.glass import LOOKS, Laid, Picture, Random, make_glass, photographed
from brainstack.demo.phantom import Cells, Phantom
from brainstack.demo.truth import Mask, SectionTruth, Truth

CELL_UM = 7.0
"""Sigma of a bright cell."""

DARK_CELL = 0.22
"""Optical density of a stained cell against the light of the same cell."""


@dataclass(frozen=True)
class Photograph:
    """A scene and what is true of it.

    pictures : a channel each, (rows, columns) uint16; or one, (rows, columns, 3) uint8, blue first. mask : its tissue
    at the scale of thumbnails, ventricles included, (rows, columns) bool. cells_um : (count, 3), as in cells.csv.
    """

    pictures: tuple[AnyPicture, ...]
    mask: Mask
    cells_um: Cells


def photograph(section: SectionTruth, truth: Truth, phantom: Phantom) -> Photograph:
    """The section as it lies on its slide. The same arguments give the same pixels."""
    random = np.random.default_rng([phantom.seed, 2, section.order])
    middle = (len(truth.sections) - 1) / 2
    z_mm = (section.order - middle) * truth.spacing_um / 1000
    piece = phantom.slice(z_mm)
    cells_mm = phantom.cells_in(piece, z_mm, truth.spacing_um / 1000)
    laid, cells_px = _laid_down(piece, _in_scene_px(cells_mm, section, truth), section, truth, phantom, random)
    pictures: list[AnyPicture]
    if truth.stain == "nissl":
        white = white_point(np.random.default_rng([phantom.seed, 3, *section.slide.encode()]))
        pictures = [_in_colour(laid, cells_px, section, truth, white, random)]
    else:
        pictures = [*_pictures(laid, cells_px, section, truth, random)]
    return Photograph(
        pictures=tuple(pictures),
        mask=_small_mask(laid.depth_mm > 0, truth.thumbnail_factor),
        cells_um=_on_canvas_um(cells_mm, section, truth),
    )


def _laid_down(
    piece: Slice, cells_px: Cells, section: SectionTruth, truth: Truth, phantom: Phantom, random: Random
) -> tuple[Laid, Cells]:
    whole = Slice(
        _laid(piece.depth_mm, section, truth, phantom, outside=-1.0),
        *(_laid(plane, section, truth, phantom, outside=0.0) for plane in (piece.nuclei, piece.fibres, piece.glow)),
    )
    left, cells_px = damaged(
        whole,
        cells_px,
        flaws=section.flaws,
        difficulty=DIFFICULTIES[truth.difficulty],
        upright_rad=section.rotation_rad,
        pixel_mm=truth.pixel_size_um / 1000,
        random=np.random.default_rng([phantom.seed, 4, section.order]),
    )
    # Sections end softly, over 15 to 50 um.
    edge = np.clip(left.depth_mm / random.uniform(0.015, 0.05) + 0.5, 0, 1) * _worn(left.depth_mm, random)
    return Laid(left.depth_mm, left.nuclei, left.fibres, left.glow, edge), cells_px


def _pictures(laid: Laid, cells_px: Cells, section: SectionTruth, truth: Truth, random: Random) -> list[Picture]:
    glass = make_glass(laid.edge.shape, truth.pixel_size_um / 1000, DIFFICULTIES[truth.difficulty], random)
    nuclei = laid.nuclei * _grain(laid.edge.shape, truth.pixel_size_um, random)
    glow = laid.glow.copy()
    _add_cells(glow, cells_px, truth.pixel_size_um, random)
    return [
        photographed(light, laid.edge, glass=glass, look=look, gain=section.gain, random=random)
        for look, light in zip(LOOKS, (nuclei, laid.fibres, glow), strict=True)
    ]


def _in_colour(
    laid: Laid, cells_px: Cells, section: SectionTruth, truth: Truth, white: Colour, random: Random
) -> ColourPicture:
    """The same section on the same glass, stained with thionin; the bright cells are dark ones."""
    glass = make_glass(laid.edge.shape, truth.pixel_size_um / 1000, DIFFICULTIES[truth.difficulty], random)
    dark = np.zeros_like(laid.edge)
    _add_cells(dark, cells_px, truth.pixel_size_um, random)
    density = stain_density(laid, truth.pixel_size_um, random) + np.float32(DARK_CELL) * dark
    # Of a section that shines half as brightly, some four fifths of the stain are left.
    strength = section.gain**0.35
    return photographed_in_colour(density, laid, glass=glass, white=white, strength=strength, random=random)


def _laid(plane: Plane, section: SectionTruth, truth: Truth, phantom: Phantom, *, outside: float) -> Plane:
    """A plane of the phantom, turned and shifted to where it lies in the scene: float32, the scene's shape."""
    grid, (width, height) = phantom.grid, truth.canvas_px
    scale = grid.pixel_mm * 1000 / truth.pixel_size_um
    shift_x = (width - 1) / 2 - scale * (grid.columns - 1) / 2
    shift_y = (height - 1) / 2 - scale * (grid.rows - 1) / 2
    to_canvas = np.array([[scale, 0, shift_x], [0, scale, shift_y], [0, 0, 1]])
    matrix = (section.to_scene() @ to_canvas)[:2]
    size = (section.width_px, section.height_px)
    return np.asarray(cv2.warpAffine(plane, matrix, size, flags=cv2.INTER_LINEAR, borderValue=outside), np.float32)


def _worn(depth_mm: Plane, random: Random) -> Plane:
    """Some sections are thin at their rim, where the knife or the brush touched them."""
    thinness = random.uniform(0, 0.5) if random.random() < 0.5 else 0.0
    return np.asarray(1 - thinness * np.clip(1 - depth_mm / 0.3, 0, 1), np.float32)


def _grain(shape: tuple[int, ...], pixel_size_um: float, random: Random) -> Plane:
    """Single nuclei, each another one in the next section."""
    grain = cv2.GaussianBlur(random.standard_normal(shape, dtype=np.float32), (0, 0), 0.8)
    # A nucleus is some 8 um wide: larger pixels hold several, and the grain fades.
    strength = 0.9 * min(1.0, 8 / pixel_size_um)
    return np.asarray(np.maximum(1 + grain * np.float32(strength), 0), np.float32)


# The bright cells -----------------------------------------------------------------------------------------------------


def _on_canvas_um(cells_mm: Cells, section: SectionTruth, truth: Truth) -> Cells:
    """(count, 3): each cell at the z of the section that shows it."""
    half = (np.array(truth.canvas_px) - 1) / 2 * truth.pixel_size_um
    return np.column_stack([cells_mm[:, :2] * 1000 + half, np.full(len(cells_mm), section.z_um)])


def _in_scene_px(cells_mm: Cells, section: SectionTruth, truth: Truth) -> Cells:
    on_canvas = _on_canvas_um(cells_mm, section, truth)[:, :2] / truth.pixel_size_um
    matrix = section.to_scene()
    return np.asarray(on_canvas @ matrix[:2, :2].T + matrix[:2, 2])


def _add_cells(light: Plane, cells_px: Cells, pixel_size_um: float, random: Random) -> None:
    """Draw the cells into `light`, where they lie: (count, 2) as (x, y)."""
    rows, columns = light.shape
    sigma_px = max(0.6, CELL_UM / pixel_size_um)
    reach = math.ceil(3 * sigma_px)
    # The same light in fewer pixels where these are larger.
    levels = random.lognormal(1.6, 0.5, len(cells_px)) * (CELL_UM / pixel_size_um / sigma_px) ** 2
    for (x, y), level in zip(cells_px, levels, strict=True):
        column, row = round(x), round(y)
        if not (reach <= column < columns - reach and reach <= row < rows - reach):
            continue
        across = np.exp(-((np.arange(column - reach, column + reach + 1) - x) ** 2) / (2 * sigma_px**2))
        down = np.exp(-((np.arange(row - reach, row + reach + 1) - y) ** 2) / (2 * sigma_px**2))
        spot = (level * np.outer(down, across)).astype(np.float32)
        light[row - reach : row + reach + 1, column - reach : column + reach + 1] += spot


# The true mask --------------------------------------------------------------------------------------------------------


def _small_mask(tissue: npt.NDArray[np.bool_], factor: int) -> Mask:
    """True where at least half of a thumbnail's pixel is tissue; a pixel at the border may cover less of the scan."""
    rows, columns = (np.arange(0, size, factor) for size in tissue.shape)
    counts = np.add.reduceat(np.add.reduceat(tissue, rows, axis=0, dtype=np.int32), columns, axis=1)
    areas = np.outer(np.diff(rows, append=tissue.shape[0]), np.diff(columns, append=tissue.shape[1]))
    return np.asarray(2 * counts >= areas, np.bool_)
