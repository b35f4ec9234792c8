"""The preview, a person's paint on it, and masks edited by hand."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from brainstack.errors import BrainstackError
from brainstack.images.paint import checked_mask, mask_from_paint, preview

Array = NDArray[Any]
SHAPE = (60, 80)
WHITE, BLACK, RED = (255, 255, 255), (0, 0, 0), (255, 0, 0)


@pytest.fixture
def proposal() -> Array:
    mask = np.zeros(SHAPE, bool)
    mask[20:40, 20:60] = True
    return mask


@pytest.fixture
def shown(proposal: Array) -> Array:
    """Every grey there is, black and white too, below the outline."""
    return preview(np.arange(60 * 80).reshape(SHAPE).astype(np.uint8), proposal)


def test_a_preview_has_no_white_and_no_black(shown: Array) -> None:
    assert shown.shape == (*SHAPE, 3)
    assert shown.dtype == np.uint8
    assert not (shown == 255).all(axis=2).any()
    assert not (shown == 0).all(axis=2).any()


def test_the_outline_is_in_colour_one_pixel_wide_inside_the_mask(shown: Array, proposal: Array) -> None:
    coloured = np.ptp(shown, axis=2) > 0
    assert coloured.sum() == 2 * 40 + 2 * 20 - 4  # the rim of 20 x 40 pixels
    assert proposal[coloured].all()


def test_an_empty_mask_shows_the_section_in_grey() -> None:
    shown = preview(np.full(SHAPE, 100, np.uint8), np.zeros(SHAPE, bool))
    assert (np.ptp(shown, axis=2) == 0).all()


def test_a_preview_of_another_size_is_refused() -> None:
    with pytest.raises(BrainstackError, match=r"The mask is \(3, 3\) but the section is \(60, 80\)"):
        preview(np.zeros(SHAPE, np.uint8), np.zeros((3, 3), bool))


def test_without_paint_the_proposal_stays(shown: Array, proposal: Array) -> None:
    assert np.array_equal(mask_from_paint(shown, shown, proposal), proposal)


def test_white_adds_and_black_removes_and_the_rest_stays(shown: Array, proposal: Array) -> None:
    painted = shown.copy()
    painted[5:10, 5:10] = WHITE
    painted[30:50, 30:40] = BLACK  # over the outline and beyond it
    wanted = proposal.copy()
    wanted[5:10, 5:10] = True
    wanted[30:50, 30:40] = False
    assert np.array_equal(mask_from_paint(painted, shown, proposal), wanted)


def test_the_inputs_are_not_changed(shown: Array, proposal: Array) -> None:
    painted = shown.copy()
    painted[5:10, 5:10] = WHITE
    before = painted.copy(), shown.copy(), proposal.copy()
    mask_from_paint(painted, shown, proposal)
    assert all(np.array_equal(one, two) for one, two in zip(before, (painted, shown, proposal), strict=True))


def soft_disk(row: int, column: int) -> Array:
    """A brush with an edge two pixels wide: its opacity, 1 inside a radius of 7, a half at 8, 0 from 9."""
    rows, columns = np.indices(SHAPE)
    return np.clip((9 - np.hypot(rows - row, columns - column)) / 2, 0, 1)


@pytest.mark.parametrize(("colour", "adds"), [(255, True), (0, False)])
@pytest.mark.parametrize("place", [(12, 12), (30, 22), (30, 40)])
def test_the_soft_edge_of_a_brush_ends_in_its_middle(
    shown: Array, proposal: Array, colour: int, adds: bool, place: tuple[int, int]
) -> None:
    opacity = soft_disk(*place)
    painted = np.rint(shown * (1 - opacity[..., None]) + colour * opacity[..., None]).astype(np.uint8)
    mask = mask_from_paint(painted, shown, proposal)
    assert (mask[opacity > 0.55] == adds).all()
    assert np.array_equal(mask[opacity < 0.45], proposal[opacity < 0.45])


def test_white_painted_over_black_counts_as_white(shown: Array, proposal: Array) -> None:
    painted = shown.copy()
    painted[25:35, 25:50] = BLACK
    opacity = soft_disk(30, 40)[..., None]
    painted = np.rint(painted * (1 - opacity) + 255 * opacity).astype(np.uint8)
    mask = mask_from_paint(painted, shown, proposal)
    assert mask[30, 40]
    assert not mask[30, 27]


def test_another_colour_is_refused_with_how_many_pixels_and_where(shown: Array, proposal: Array) -> None:
    painted = shown.copy()
    painted[7:9, 11:15] = RED
    sentence = r"8 pixels, most of them \(255, 0, 0\), the first at row 7, column 11; paint with white"
    with pytest.raises(BrainstackError, match=sentence):
        mask_from_paint(painted, shown, proposal)


@pytest.mark.parametrize("place", [(12, 12), (30, 22), (30, 40), (19, 40), (39, 40)])
@pytest.mark.parametrize(("colour", "adds"), [(255, True), (0, False)])
def test_paint_on_a_picture_with_an_earlier_outline_counts_and_that_outline_does_not(
    proposal: Array, colour: int, adds: bool, place: tuple[int, int]
) -> None:
    image = np.full(SHAPE, 100, np.uint8)
    earlier = np.roll(proposal, (-4, 7), axis=(0, 1))
    shown, plain = preview(image, proposal), preview(image, np.zeros(SHAPE, bool))
    assert np.array_equal(mask_from_paint(preview(image, earlier), shown, proposal, plain), proposal)

    opacity = soft_disk(*place)[..., None]
    painted = np.rint(preview(image, earlier) * (1 - opacity) + colour * opacity).astype(np.uint8)
    mask = mask_from_paint(painted, shown, proposal, plain)

    assert (mask[opacity[..., 0] > 0.55] == adds).all()
    assert np.array_equal(mask[opacity[..., 0] < 0.45], proposal[opacity[..., 0] < 0.45])


@pytest.mark.parametrize(("white", "black"), [(254, 1), (252, 3)])
def test_white_and_black_that_a_program_rounded_are_paint(
    shown: Array, proposal: Array, white: int, black: int
) -> None:
    painted = shown.copy()
    painted[5:10, 5:10] = white
    painted[30:35, 30:40] = black
    wanted = proposal.copy()
    wanted[5:10, 5:10] = True
    wanted[30:35, 30:40] = False
    assert np.array_equal(mask_from_paint(painted, shown, proposal), wanted)


def test_grey_paint_is_refused(proposal: Array) -> None:
    shown = preview(np.full(SHAPE, 40, np.uint8), proposal)
    painted = shown.copy()
    painted[50:55, 5:10] = 150
    with pytest.raises(BrainstackError, match=r"25 pixels, most of them \(150, 150, 150\)"):
        mask_from_paint(painted, shown, proposal)


def test_a_level_or_two_of_rounding_is_not_paint(shown: Array, proposal: Array) -> None:
    painted = (
        shown + np.where(np.indices(SHAPE)[1] % 2, 2, -2)[..., None].clip(-shown.astype(int), 255 - shown)
    ).astype(np.uint8)
    assert np.array_equal(mask_from_paint(painted, shown, proposal), proposal)


def test_paint_on_a_picture_that_was_saved_in_grey_is_understood(shown: Array, proposal: Array) -> None:
    painted = cv2.cvtColor(shown, cv2.COLOR_RGB2GRAY)
    painted[5:10, 5:10] = 255
    painted[18:25, 30:40] = 0
    wanted = proposal.copy()
    wanted[5:10, 5:10] = True
    wanted[18:25, 30:40] = False
    assert np.array_equal(mask_from_paint(painted, shown, proposal), wanted)


def test_an_opaque_fourth_channel_is_allowed_and_the_eraser_is_not(shown: Array, proposal: Array) -> None:
    painted = np.dstack([shown, np.full(SHAPE, 255, np.uint8)])
    assert np.array_equal(mask_from_paint(painted, shown, proposal), proposal)
    painted[3, 4:6] = 0
    with pytest.raises(
        BrainstackError, match="transparent in 2 pixels, the first at row 3, column 4; use white and black"
    ):
        mask_from_paint(painted, shown, proposal)


def test_a_picture_of_another_size_or_depth_is_refused(shown: Array, proposal: Array) -> None:
    with pytest.raises(BrainstackError, match=r"is 59 x 80 pixels .* the preview is 60 x 80; paint without scaling"):
        mask_from_paint(shown[1:], shown, proposal)
    with pytest.raises(BrainstackError, match="uint16, wanted 8 bit"):
        mask_from_paint(shown.astype(np.uint16), shown, proposal)
    with pytest.raises(BrainstackError, match="2 channels, wanted 3"):
        mask_from_paint(shown[..., :2], shown, proposal)


@pytest.mark.parametrize(
    "white", [np.uint8(255), np.uint8(1), np.uint16(65535), np.uint16(1), np.bool_(True)], ids=lambda one: repr(one)
)
def test_a_mask_is_understood_whatever_its_white(proposal: Array, white: Any) -> None:
    edited = (proposal * white).astype(white.dtype)
    assert np.array_equal(checked_mask(edited, shape=SHAPE, name="012.tif"), proposal)


def test_a_mask_of_equal_channels_is_understood(proposal: Array) -> None:
    edited = np.repeat((proposal * 255).astype(np.uint8)[..., None], 3, axis=2)
    assert np.array_equal(checked_mask(edited, shape=SHAPE, name="012.tif"), proposal)


def test_a_whole_white_mask_is_allowed() -> None:
    assert checked_mask(np.full(SHAPE, 255, np.uint8), shape=SHAPE, name="012.tif").all()


def test_a_smoothed_outline_is_cut_at_one_half(proposal: Array) -> None:
    edited = cv2.blur((proposal * 255).astype(np.uint8), (3, 3))
    mask = checked_mask(edited, shape=SHAPE, name="012.tif")
    assert np.count_nonzero(mask != proposal) == 4  # a blur takes only the corners below one half


@pytest.mark.parametrize(
    ("edited", "sentence"),
    [
        (
            np.full((30, 80), 255, np.uint8),
            r"012.tif is 30 x 80 pixels \(rows x columns\) but its section is 60 x 80; edit",
        ),
        (np.zeros(SHAPE, np.uint8), "012.tif is all black .* paint the tissue white, or mark the scene as bad"),
        (np.full(SHAPE, 90, np.uint8), "012.tif is all black .*brightest value is 90 of 255"),
        (
            np.arange(4800).reshape(SHAPE).astype(np.uint8),
            "012.tif holds .*% grey pixels, .* a picture saved in its place",
        ),
        (
            np.full((*SHAPE, 3), RED, np.uint8),
            "012.tif is in colour in 4800 pixels, the first at row 0, column 0; a mask",
        ),
        (np.full((*SHAPE, 2), 255, np.uint8), r"012.tif has the shape \(60, 80, 2\), wanted rows x columns"),
        (
            np.dstack([np.full((*SHAPE, 3), 255, np.uint8), np.tile(np.uint8([0] * 79 + [255]), (60, 1))]),
            "012.tif is transparent in 4740 pixels, the first at row 0, column 0; fill the glass",
        ),
        (np.ones(SHAPE, np.float32), "012.tif is float32, wanted 8 bit"),
    ],
    ids=["size", "black", "too dark", "photograph", "colour", "channels", "glass", "type"],
)
def test_what_cannot_be_a_mask_is_refused_with_one_sentence(edited: Array, sentence: str) -> None:
    with pytest.raises(BrainstackError, match=sentence):
        checked_mask(edited, shape=SHAPE, name="012.tif")
