"""Any piece of an aligned section, against what its matrix, its mask and the thumbnails' way say."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from brainstack import geometry
from brainstack.errors import BrainstackError
from brainstack.images import rendering
from brainstack.images.alignment import align
from brainstack.images.cells import CELL_PX
from brainstack.images.cleaning import (
    apply_gain,
    background_haze,
    blank_outside,
    cleaning_matrix,
    place_on_canvas,
    turn,
    without_background,
)
from brainstack.images.full_masks import mask_region, softened
from brainstack.images.rendering import Placement, Renderer, aligned_region

WHITE = (240, 241, 243)
EDGE = np.ones((5, 5), np.uint8)


class ArrayTiles:
    """An image in tiles. reads : the tiles that were asked for, in order."""

    def __init__(self, image: np.ndarray, tile_shape: tuple[int, int] = (100, 130)) -> None:
        self.image, self.tile_shape = image, tile_shape
        self.shape = image.shape[:2]
        self.samples = 1 if image.ndim == 2 else 3
        self.dtype = image.dtype
        self.reads: list[tuple[int, int]] = []
        self.missing: set[tuple[int, int]] = set()

    def read_tile(self, row: int, column: int) -> np.ndarray | None:
        self.reads.append((row, column))
        rows, columns = self.tile_shape
        if (row, column) in self.missing:
            return None
        return self.image[row * rows : (row + 1) * rows, column * columns : (column + 1) * columns]


class LargeTiles:
    """A scan that nobody could hold: at each pixel what a function of (x, y) says."""

    samples, dtype, tile_shape = 1, np.dtype(np.uint16), (512, 512)

    def __init__(self, shape: tuple[int, int], at: Callable[[Any, Any], Any]) -> None:
        self.shape, self.at = shape, at

    def read_tile(self, row: int, column: int) -> np.ndarray | None:
        y, x = np.mgrid[row * 512 : min((row + 1) * 512, self.shape[0]),
                        column * 512 : min((column + 1) * 512, self.shape[1])]  # fmt: skip
        return np.rint(self.at(x, y)).clip(0, 65535).astype(np.uint16)


def tissue(shape: tuple[int, int], *, smooth_px: float = 2.0, seed: int = 0) -> np.ndarray:
    """Grey from 1000 to 40000, which changes slowly."""
    noise = gaussian_filter(np.random.default_rng(seed).random(shape), smooth_px)
    return np.rint(1000 + 39000 * (noise - noise.min()) / np.ptp(noise)).astype(np.uint16)


def everywhere(shape: tuple[int, ...], factor: int = 1) -> np.ndarray:
    return np.ones((-(-shape[0] // factor), -(-shape[1] // factor)), np.float32)


def placement(image: np.ndarray, matrix: np.ndarray, **other: Any) -> Placement:
    """All of a grey image, without a gain."""
    settings = {"soft_mask": everywhere(image.shape), "factor": 1, "gain": None, "background": (0,)}
    return Placement(matrix, **(settings | other))


def all_of(image: np.ndarray, placed: Placement, canvas: tuple[int, int], **how: Any) -> np.ndarray:
    return aligned_region(ArrayTiles(image, **how), placed, (0, canvas[0], 0, canvas[1]))


def about(degrees: float, canvas: tuple[int, int], scan: tuple[int, int], *, mirrored: bool = False) -> np.ndarray:
    """Turns about the middle of a canvas, which comes to that of the scan."""
    turned = geometry.rigid(math.radians(degrees), 0, 0, canvas, mirrored=mirrored)
    return geometry.shift((scan[1] - canvas[1]) / 2, (scan[0] - canvas[0]) / 2) @ turned


# Where pixels go


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("degrees", [0, 90, 180, 270, 17.3, -3.9, 133])
@pytest.mark.parametrize("interpolation", ["linear", "cubic"])
def test_a_point_is_where_the_matrix_says(degrees: float, mirrored: bool, interpolation: str) -> None:
    scan, canvas = (700, 900), (1100, 1100)
    matrix = geometry.shift(3.37, -7.61) @ about(degrees, canvas, scan, mirrored=mirrored)
    rows, columns = np.mgrid[: scan[0], : scan[1]]
    for x, y in [(60.2, 80.7), (450.5, 349.25), (820.9, 611.1)]:
        spot = np.rint(40000 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * 2.5**2))).astype(np.uint16)
        found = all_of(spot, placement(spot, matrix, interpolation=interpolation), canvas)
        weight = found / found.sum(dtype=float)
        row, column = np.mgrid[: canvas[0], : canvas[1]]
        centre = (weight * column).sum(), (weight * row).sum()
        np.testing.assert_allclose(centre, geometry.points(geometry.inverse(matrix), (x, y)), atol=0.05)


@pytest.mark.parametrize("interpolation", ["nearest", "linear", "cubic"])
@pytest.mark.parametrize("image", [tissue((700, 530)), np.dstack([tissue((700, 530), seed=i) >> 8 for i in range(3)])
                                   .astype(np.uint8)], ids=["grey", "colour"])  # fmt: skip
@pytest.mark.parametrize(("turns", "flip"), list(itertools.product(range(4), ["none", "flop"])))
def test_quarter_turns_mirrors_and_whole_shifts_copy_pixels(
    image: np.ndarray, turns: int, flip: str, interpolation: str
) -> None:
    turned = turn(image, turns, flip)
    to_canvas = geometry.shift(40, 23) @ geometry.turning(turns, flip, image.shape[:2])
    background = (0,) if image.ndim == 2 else WHITE
    placed = placement(image, geometry.inverse(to_canvas), background=background, interpolation=interpolation)
    found = all_of(image, placed, (800, 800))
    expected = np.empty((800, 800, *image.shape[2:]), image.dtype)
    expected[...] = background
    expected[23 : 23 + turned.shape[0], 40 : 40 + turned.shape[1]] = turned
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("degrees", [17.3, 90, -133])
@pytest.mark.parametrize("with_field", [False, True])
def test_far_out_on_a_canvas_larger_than_opencv_counts_a_pixel_is_where_it_should_be(
    degrees: float, with_field: bool
) -> None:
    """The scan is a slope, so that a grey value says where it was taken: 20 grey levels are a pixel."""
    scan, canvas = (70_000, 90_000), (80_000, 100_000)
    matrix = geometry.shift(0.37, -0.61) @ about(degrees, canvas, scan)
    top, left = 61_700, 47_900 if degrees == 90 else 60_100
    field = np.full((50, 60, 2), (7.25, -3.5), np.float32) if with_field else None
    rows, columns = np.mgrid[top : top + 70, left : left + 90]
    canvas_xy = np.stack([columns, rows], axis=-1) + ((7.25, -3.5) if with_field else 0)
    wanted = geometry.points(matrix, canvas_xy)
    middle = wanted.mean(axis=(0, 1))

    def slope(x: Any, y: Any) -> Any:
        return 30000 + 20 * (x - round(middle[0])) - 13 * (y - round(middle[1]))

    tiles = LargeTiles(scan, slope)
    placed = Placement(
        matrix, everywhere(scan, 32), 32, None, (0,), field_px=field, canvas_shape=canvas if with_field else None
    )
    found = aligned_region(tiles, placed, (top, top + 70, left, left + 90))
    np.testing.assert_allclose(found, slope(wanted[..., 0], wanted[..., 1]), atol=0.5 + 20 * 0.005)


# Blocks


def cuts(generator: np.random.Generator, length: int) -> list[int]:
    """Where to cut a side: at random, and beside the borders of cells, one pixel wide."""
    fixed = {0, 1, CELL_PX - 1, CELL_PX, CELL_PX + 1, length - 1, length}
    return sorted(fixed | set(generator.integers(1, length, 3).tolist()))


COLOURED = np.dstack([tissue((900, 700), seed=number) >> 8 for number in range(3)]).astype(np.uint8)
HAZE = (gaussian_filter(np.random.default_rng(4).random((113, 88)), 5) * 900).astype(np.float32)
FIELD = (gaussian_filter(np.random.default_rng(5).random((30, 35, 2)), (3, 3, 0)) * 200 - 100).astype(np.float32)


@pytest.mark.parametrize(
    ("image", "other"),
    [
        (tissue((900, 700)), {"gain": 1.7, "haze": HAZE}),
        (tissue((900, 700)), {"gain": 0.3, "interpolation": "cubic"}),
        (tissue((900, 700)), {"interpolation": "nearest"}),
        ((tissue((900, 700)) >> 8).astype(np.uint8), {"gain": 5.0}),
        (COLOURED, {"background": WHITE}),
        (tissue((900, 700)), {"field_px": FIELD, "canvas_shape": (1100, 1205)}),
        (COLOURED, {"background": WHITE, "field_px": FIELD, "canvas_shape": (1100, 1205)}),
    ],
    ids=["haze", "cubic", "nearest", "8 bit", "colour", "field", "field in colour"],
)  # fmt: skip
@pytest.mark.parametrize("degrees", [8.7, 90])
def test_a_mosaic_of_any_blocks_is_the_whole(image: np.ndarray, other: dict[str, Any], degrees: float) -> None:
    canvas, generator = (1100, 1205), np.random.default_rng(int(degrees))
    factor, mask = 8, gaussian_filter(generator.random((113, 88)), 6)
    soft = softened(mask > np.median(mask), 1.0)
    other = {"soft_mask": soft, "factor": factor} | other
    placed = placement(image, about(degrees, canvas, image.shape[:2]), **other)
    whole = all_of(image, placed, canvas)
    renderer, joined = Renderer(), np.zeros_like(whole)
    rows, columns = cuts(generator, canvas[0]), cuts(generator, canvas[1])
    tiles = ArrayTiles(image, (64, 700))
    for top, bottom in itertools.pairwise(rows):
        for left, right in itertools.pairwise(columns):
            renderer.render(tiles, placed, top, left, joined[top:bottom, left:right])
    assert len(np.unique(whole)) > 30
    np.testing.assert_array_equal(joined, whole)


@pytest.mark.parametrize("canvas", [(1100, 4000), (4000, 1100)])
def test_a_large_block_is_rendered_a_part_at_a_time(canvas: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    image = tissue((2000, 2100))
    placed = placement(image, about(41, canvas, image.shape[:2]), gain=1.1)
    whole = all_of(image, placed, canvas)
    monkeypatch.setattr(rendering, "LARGEST_WINDOW_PX", 1_500_000)
    windows: list[int] = []
    array = Renderer._array
    monkeypatch.setattr(Renderer, "_array", lambda self, shape, dtype: windows.append(math.prod(shape))
                        or array(self, shape, dtype))  # fmt: skip
    np.testing.assert_array_equal(all_of(image, placed, canvas), whole)
    assert len(windows) > 5
    assert max(windows) < 2 * 1_500_000 + 2 * 512 * 2500  # whole pieces of 512 x 512


def test_a_block_begins_anywhere_even_before_the_canvas() -> None:
    image = tissue((300, 400))
    found = aligned_region(ArrayTiles(image), placement(image, np.eye(3)), (-600, 310, -20, 5))
    assert (found[:600] == 0).all()
    assert (found[:, :20] == 0).all()
    np.testing.assert_array_equal(found[600:900, 20:], image[:, :5])


@pytest.mark.parametrize("layout", ["turned", "every second", "mirrored"])
def test_memory_of_any_layout_is_filled(layout: str) -> None:
    image = tissue((600, 600))
    placed = placement(image, about(12, (600, 600), (600, 600)))
    outs = {
        "turned": np.zeros((600, 600), np.uint16).T,
        "every second": np.zeros((600, 1200), np.uint16)[:, ::2],
        "mirrored": np.zeros((600, 600), np.uint16)[:, ::-1],
    }
    Renderer().render(ArrayTiles(image), placed, 0, 0, outs[layout])
    np.testing.assert_array_equal(outs[layout], all_of(image, placed, (600, 600)))


@pytest.mark.parametrize("tile_shape", [(1, 600), (7, 600), (64, 48), (512, 512), (600, 600), (2000, 3000)])
def test_it_does_not_matter_how_the_scan_is_cut_into_tiles(tile_shape: tuple[int, int]) -> None:
    image = tissue((700, 600))
    soft = softened(gaussian_filter(np.random.default_rng(4).random((88, 75)), 6) > 0.5, 1.0)
    placed = placement(image, about(23, (900, 900), (700, 600)), soft_mask=soft, factor=8, gain=1.1)
    one_tile = all_of(image, placed, (900, 900), tile_shape=(700, 600))
    np.testing.assert_array_equal(all_of(image, placed, (900, 900), tile_shape=tile_shape), one_tile)


# Tiles


def test_only_tiles_that_the_mask_keeps_are_read_and_each_once() -> None:
    image = tissue((1024, 1024))
    soft = np.zeros((128, 128), np.float32)
    soft[70:90, 40:62] = 1
    tiles = ArrayTiles(image, (128, 128))
    aligned_region(tiles, placement(image, np.eye(3), soft_mask=soft, factor=8), (0, 1024, 0, 1024))
    rows, columns = range(8 * 70 // 128, 8 * 90 // 128 + 1), range(8 * 40 // 128, 8 * 62 // 128 + 1)
    assert tiles.reads == list(itertools.product(rows, columns))


def test_tiles_far_from_the_block_are_not_read() -> None:
    image = tissue((2048, 2048))
    tiles = ArrayTiles(image, (128, 128))
    aligned_region(tiles, placement(image, np.eye(3)), (600, 610, 600, 610))
    assert {row for row, _ in tiles.reads} == {column for _, column in tiles.reads} == set(range(3, 9))


def test_a_tile_that_is_not_in_the_file_is_black_and_not_background() -> None:
    tiles = ArrayTiles(COLOURED, (100, 100))
    tiles.missing = {(1, 2)}
    placed = placement(COLOURED, np.eye(3), background=WHITE)
    # Twice the same memory: what was there before is not seen.
    renderer, out = Renderer(), np.empty((900, 700, 3), np.uint8)
    renderer.render(ArrayTiles(COLOURED), placed, 0, 0, out)
    renderer.render(tiles, placed, 0, 0, out)
    expected = COLOURED.copy()
    expected[100:200, 200:300] = 0
    np.testing.assert_array_equal(out, expected)


def test_the_scan_is_not_changed() -> None:
    image = tissue((600, 600))
    before = image.copy()
    soft = softened(gaussian_filter(np.random.default_rng(4).random((75, 75)), 6) > 0.5, 1.0)
    all_of(image, placement(image, np.eye(3), soft_mask=soft, factor=8, gain=2.0, haze=soft * 99), (600, 600))
    np.testing.assert_array_equal(image, before)


# Mask, haze, gain, background


@pytest.mark.parametrize("background", [(0,), (77,)])
def test_outside_of_the_mask_is_background(background: tuple[int]) -> None:
    image = tissue((1000, 1100))
    soft = softened(gaussian_filter(np.random.default_rng(4).random((63, 69)), 5) > 0.5, 1.0)
    found = all_of(image, placement(image, np.eye(3), soft_mask=soft, factor=16, background=background), (1000, 1100))
    mask = mask_region(soft, 16, (0, 1000, 0, 1100))
    assert 0.3 < mask.mean() < 0.7
    np.testing.assert_array_equal(found, np.where(mask, image, background[0]))


def test_pixels_outside_of_the_mask_do_not_shine_in() -> None:
    """They are background before anything is interpolated: half a pixel farther, the mean of tissue and background."""
    image = np.full((64, 64), 1000, np.uint16)
    image[:, 32:] = 60000
    soft = np.zeros((8, 8), np.float32)
    soft[:, :4] = 1
    found = all_of(image, placement(image, geometry.shift(0.5, 0), soft_mask=soft, factor=8), (64, 64))
    assert found[10, 25:34].tolist() == [1000] * 6 + [500, 0, 0]


@pytest.mark.parametrize("gain", [None, 1.0, 0.3712, 1.5, 2.7, 40.0])
@pytest.mark.parametrize("bits", [8, 16])
def test_the_gain_is_that_of_cleaning_and_is_cut_at_the_highest_value(gain: float | None, bits: int) -> None:
    image = np.arange(2**16, dtype=np.uint16).reshape(256, 256)
    image = image if bits == 16 else (image >> 8).astype(np.uint8)
    found = all_of(image, placement(image, np.eye(3), gain=gain), (256, 256))
    np.testing.assert_array_equal(found, image if gain is None else apply_gain(image, gain))


def test_haze_is_what_cleaning_takes_away() -> None:
    image = tissue((300, 400), smooth_px=9)
    mask = np.hypot(*(np.mgrid[:300, :400] - np.array([150, 200])[:, None, None])) < 130
    haze = background_haze(image, mask, 25.0)
    assert np.ptp(haze[mask]) > 1000
    placed = placement(image, np.eye(3), soft_mask=mask.astype(np.float32), haze=haze)
    expected = blank_outside(without_background(image, mask, radius_px=25.0), mask)
    difference = np.abs(all_of(image, placed, (300, 400)).astype(int) - expected)
    assert difference.max() <= 1  # the thumbnails' difference is float32, and then rounded
    assert difference.mean() < 0.005


def test_haze_is_linear_between_centres_of_thumbnail_pixels() -> None:
    image, factor = np.full((800, 1200), 5000, np.uint16), 16
    rows, columns = np.mgrid[:50, :75]
    haze = (3.0 * rows - 7.0 * columns + 100).astype(np.float32)
    placed = placement(image, np.eye(3), soft_mask=everywhere(image.shape, factor), factor=factor, haze=haze)
    full_rows, full_columns = ((np.arange(size) + 0.5) / factor - 0.5 for size in image.shape)
    expected = 5000 - (3.0 * full_rows[:, np.newaxis] - 7.0 * full_columns + 100)
    inner = np.s_[8:-8, 8:-8]  # beyond the outermost centres it goes on as it is
    np.testing.assert_allclose(all_of(image, placed, image.shape)[inner], expected[inner], atol=0.501)


def test_haze_does_not_go_below_0() -> None:
    image = np.full((64, 64), 50, np.uint8)
    placed = placement(image, np.eye(3), haze=np.full((64, 64), 80, np.float32))
    assert (all_of(image, placed, (64, 64)) == 0).all()


@pytest.mark.parametrize(
    "matrix", [geometry.shift(0, 5000), geometry.shift(-5000, 0), about(45, (9000, 9000), (64, 64))]
)
@pytest.mark.parametrize("colour", [False, True])
def test_where_the_section_does_not_reach_there_is_background_and_it_is_said(matrix: np.ndarray, colour: bool) -> None:
    image = np.full((64, 64, 3), 9, np.uint8) if colour else np.full((64, 64), 9, np.uint16)
    background = WHITE if colour else (0,)
    out, tiles = np.full((700, 600, *image.shape[2:]), 5, image.dtype), ArrayTiles(image)
    assert not Renderer().render(tiles, placement(image, matrix, background=background), 0, 0, out)
    assert (out == background).all()
    assert not tiles.reads


def test_glass_without_tissue_is_not_read_and_tissue_is_said() -> None:
    image, out = tissue((2048, 2048)), np.empty((600, 600), np.uint16)
    soft = np.zeros((64, 64), np.float32)
    soft[:10, :10] = 1
    placed = placement(image, np.eye(3), soft_mask=soft, factor=32)
    assert Renderer().render(ArrayTiles(image), placed, 0, 0, out)
    assert out.any()
    assert not Renderer().render(ArrayTiles(image), placed, 1024, 1024, out)
    assert not out.any()


# As thumbnails


@pytest.mark.parametrize(("turns", "flip"), [(0, "none"), (1, "none"), (3, "flop"), (2, "flip")])
@pytest.mark.parametrize("colour", [False, True])
def test_it_agrees_with_the_thumbnails_way_to_a_grey_level(turns: int, flip: str, colour: bool) -> None:
    """There the gain comes before interpolation, and both are rounded; coordinates are larger, so less exact."""
    scan, cleaned_shape, aligned_shape = (500, 700), (760, 780), (800, 900)
    mask = (
        np.hypot(*((np.mgrid[:500, :700] - np.array([240, 360])[:, None, None]) / np.array([[[1.0]], [[1.3]]]))) < 220
    )
    image = np.dstack([tissue(scan, seed=i) >> 8 for i in range(3)]).astype(np.uint8) if colour else tissue(scan)
    background, gain = (WHITE, None) if colour else ((0,), 0.83)
    to_cleaned = geometry.shift(-60, -20) @ geometry.rigid(0.21, 4.3, -9.8, aligned_shape)

    blank = blank_outside(image, mask, background)
    bright = blank if gain is None else apply_gain(blank, gain)
    cleaned = place_on_canvas(turn(bright, turns, flip), turn(mask, turns, flip), cleaned_shape, background)
    expected = align(cleaned, to_cleaned, canvas_shape=aligned_shape, background=background)

    to_scan = geometry.inverse(cleaning_matrix(mask, turns, flip, cleaned_shape)) @ to_cleaned
    placed = placement(image, to_scan, soft_mask=softened(mask, 0.0), gain=gain, background=background)
    found = all_of(image, placed, aligned_shape)
    assert (expected != background).any(axis=2 if colour else None).mean() > 0.15
    difference = np.abs(found.astype(int) - expected)
    inner = cv2.erode((expected != background[0]).reshape(*aligned_shape, -1).all(axis=2).astype(np.uint8), EDGE) > 0
    assert difference[inner].max() <= 1
    assert difference.max() <= 1 + 0.0002 * image.max()  # from one pixel to the next, all of the tissue


@pytest.mark.parametrize("degrees", [0, 11])
def test_a_field_moves_as_it_does_in_alignment(degrees: float) -> None:
    image, canvas = tissue((700, 800), smooth_px=6), (900, 1000)
    matrix = about(degrees, canvas, (700, 800))
    waves = np.random.default_rng(3).random((31, 29, 2))
    field = (gaussian_filter(waves, (2, 2, 0)) * 200 - 100).astype(np.float32)
    assert np.ptp(field) > 20
    expected = align(image, matrix, canvas_shape=canvas, field=field)
    found = all_of(image, placement(image, matrix, field_px=field, canvas_shape=canvas), canvas)
    # At the edge of the scan one pixel is all the way from tissue to nothing, in the rest it is a slope.
    steepest = np.abs(np.diff(image.astype(int), axis=1)).max()
    inner = cv2.erode((expected > 0).astype(np.uint8), EDGE) > 0
    difference = np.abs(found.astype(int) - expected)
    assert difference[inner].max() <= 1 + 0.002 * steepest
    assert difference.max() <= 1 + 0.002 * 40000


def test_a_field_of_zeros_changes_nothing() -> None:
    image = tissue((600, 700))
    matrix = about(7, (800, 800), (600, 700))
    zeros = np.zeros((9, 11, 2), np.float32)
    with_field = all_of(image, placement(image, matrix, field_px=zeros, canvas_shape=(800, 800)), (800, 800))
    difference = np.abs(with_field.astype(int) - all_of(image, placement(image, matrix), (800, 800)))
    assert difference.max() <= 1 + 0.0005 * 40000


# What does not go together


def test_a_mask_of_another_scale_is_refused() -> None:
    image = tissue((640, 960))
    placed = placement(image, np.eye(3), soft_mask=everywhere((20, 20)), factor=32)
    with pytest.raises(BrainstackError, match=r"The mask is \(20, 20\) but the section .* \[tifs\] thumbnail_factor"):
        all_of(image, placed, (10, 10))


@pytest.mark.parametrize("rows", [20, 21])
def test_a_last_thumbnail_pixel_that_is_narrower_may_be_there_or_not(rows: int) -> None:
    image = tissue((650, 960))
    placed = placement(image, np.eye(3), soft_mask=everywhere((rows, 30)), factor=32)
    np.testing.assert_array_equal(all_of(image, placed, image.shape), image)


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"gain": 2.0, "background": (9,)}, "With a gain"),
        ({"field_px": np.zeros((3, 3, 2), np.float32)}, "canvas_shape"),
        ({"haze": np.zeros((3, 3), np.float32)}, "The haze is"),
        ({"interpolation": "lanczos"}, "interpolation is one of nearest, linear, cubic"),
    ],
)
def test_a_placement_that_contradicts_itself_is_refused(other: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        placement(np.zeros((10, 10), np.uint8), np.eye(3), **other)


@pytest.mark.parametrize("out", [np.zeros((9, 9), np.uint8), np.zeros((9, 9, 3), np.uint16)])
def test_memory_of_another_kind_is_refused(out: np.ndarray) -> None:
    image = tissue((64, 64))
    with pytest.raises(ValueError, match="The scan is uint16 with 1 samples"):
        Renderer().render(ArrayTiles(image), placement(image, np.eye(3)), 0, 0, out)
