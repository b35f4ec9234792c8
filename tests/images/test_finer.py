"""A pair that is off by a part of a thumbnail's pixel is put right on finer pictures of the scans."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from brainstack import geometry
from brainstack.images import finer
from brainstack.images.cleaning import cleaning_matrix
from brainstack.images.finer import FinerSection, finer_section, refine_pair, shrunk
from brainstack.images.registration import Registered
from brainstack.settings import load_settings

SCAN = (635, 801)  # no multiple of a thumbnail's pixel, so that halves count
CANVAS = (136, 136)
THUMBNAIL, FINER = 8, 2
ZOOM = THUMBNAIL / FINER
UM = 10.4
SETTINGS = load_settings().elastix
TURNS = (1, "flop")
LEFT_RIGHT = np.array([[-1.0, 0.0, SCAN[1] - 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])


def scan(to_scan: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A section with layers and cells, put where the map says, (rows, columns) uint16, and its thumbnail's mask."""
    random = np.random.default_rng(0)
    noise = [cv2.GaussianBlur(random.standard_normal(SCAN), (0, 0), sigma) for sigma in (3, 15, 40)]
    light = 20000 + sum(4000 * one / one.std() for one in noise)
    rows, columns = np.mgrid[: SCAN[0], : SCAN[1]]
    tissue = ((columns - 390) / 290) ** 2 + ((rows - 310) / 200) ** 2 < 1
    tissue |= ((columns - 520) / 130) ** 2 + ((rows - 380) / 160) ** 2 < 1
    size = (SCAN[1], SCAN[0])
    moved, inside = (cv2.warpAffine(one.astype(np.float64), to_scan[:2], size) for one in (light, tissue))
    picture = np.where(inside > 0.5, np.clip(moved, 1, 65535), 300).astype(np.uint16)
    return picture, shrunk([(255 * inside).astype(np.uint8)], THUMBNAIL) > 127


def cut_out(picture: np.ndarray, mask: np.ndarray) -> FinerSection:
    strips = [picture[top : top + 100] for top in range(0, SCAN[0], 100)]
    to_canvas = cleaning_matrix(mask, *TURNS, CANVAS)
    return finer_section(shrunk(strips, FINER), mask, to_canvas=to_canvas, zoom=ZOOM, border_px=40)


def pair(to_moving: np.ndarray) -> tuple[FinerSection, FinerSection, np.ndarray]:
    """Both sections, and the true map between their canvases in pixels of the thumbnail."""
    fixed, moving = scan(np.eye(3)), scan(to_moving)
    before, after = (cleaning_matrix(mask, *TURNS, CANVAS) for _, mask in (fixed, moving))
    return (
        cut_out(*fixed),
        cut_out(*moving),
        after @ geometry.scaled(to_moving, 1 / THUMBNAIL) @ geometry.inverse(before),
    )


def registered(matrix: np.ndarray) -> Registered:
    parts = geometry.rigid_parts(matrix, CANVAS)
    return Registered(parts.rotation_rad, parts.shift_x_px * UM, parts.shift_y_px * UM, 0.9, mirrored=parts.mirrored)


def error_px(found: Registered, true: np.ndarray) -> float:
    """The mean over the canvas, in pixels of the thumbnail."""
    at = np.stack(np.meshgrid(np.arange(20, 116), np.arange(30, 106)), axis=-1)
    apart = geometry.points(found.matrix(UM, CANVAS), at) - geometry.points(true, at)
    return float(np.linalg.norm(apart, axis=-1).mean())


def refined(begun: Registered, fixed: FinerSection, moving: FinerSection) -> Registered:
    return refine_pair(
        begun, fixed, moving, zoom=ZOOM, canvas_shape=CANVAS, pixel_size_um=UM, settings=SETTINGS
    )  # fmt: skip


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_quarter_of_a_thumbnails_pixel_becomes_a_small_part_of_it(mirrored: bool) -> None:
    to_moving = geometry.rigid(0.03, 5.3, -3.1, SCAN)
    fixed, moving, true = pair(LEFT_RIGHT @ to_moving if mirrored else to_moving)
    begun = registered(true @ geometry.shift(0.2, -0.15))
    assert error_px(begun, true) == pytest.approx(0.25)

    found = refined(begun, fixed, moving)

    assert error_px(found, true) < 0.05
    assert found.mirrored == mirrored
    assert replace(found, rotation_rad=0, shift_x_um=0, shift_y_um=0) == replace(
        begun, rotation_rad=0, shift_x_um=0, shift_y_um=0
    ), "what pairs are judged by stays the thumbnails'"


@pytest.mark.parametrize("astray", [geometry.shift(2.2 * ZOOM, 0), geometry.shift(-ZOOM, 0)], ids=["far", "worse"])
def test_what_goes_astray_or_fits_worse_is_not_kept(astray: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    fixed, moving, true = pair(geometry.shift(4, 4))
    monkeypatch.setattr(finer, "refine", lambda level, start, *others, **named: start @ astray)
    assert refined(registered(true), fixed, moving) == registered(true)


def test_a_copy_stays_where_it_is() -> None:
    fixed = scan(np.eye(3))
    same = replace(registered(np.eye(3)), is_same=True)
    assert refined(same, cut_out(*fixed), cut_out(*fixed)) == same


def test_a_section_is_cut_out_and_its_place_is_known() -> None:
    picture, mask = scan(np.eye(3))
    section = cut_out(picture, mask)
    assert not section.picture[~section.mask].any()
    assert not section.mask[:40].any()
    rows, columns = np.nonzero(section.mask)
    at = geometry.points(section.to_canvas, (columns.mean(), rows.mean()))
    own = np.nonzero(mask)
    there = geometry.points(cleaning_matrix(mask, *TURNS, CANVAS), (own[1].mean(), own[0].mean()))
    assert at == pytest.approx(geometry.points(geometry.scaling(ZOOM), there), abs=0.5)
