"""What a person does to a mask: the preview they paint on, their paint, and masks they edited by hand."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from brainstack.errors import BrainstackError

Mask = NDArray[np.bool_]
Bytes = NDArray[np.uint8]

WHITE, BLACK = 255, 0
DARKEST, BRIGHTEST = 16, 239  # greys of a preview: glass is told from black paint, and saturated tissue from white
BRIGHTEST_COLOUR = 200  # of a preview in colour: its glass is bright, and white paint on it has to be seen
OUTLINE = (255, 160, 0)  # orange: seen on grey, far from white and black
SAME = 3  # levels; programs that convert colour profiles change a level or two of what nobody painted
TINT = 12  # levels that a brush's rounding may colour a grey
FEWEST_PX = 4  # of tissue in a mask: nothing that follows can find a section in less
GREY_SHARE = 0.1  # of a hand-edited mask; smoothing an outline leaves a fringe, a photograph is nearly all grey


def preview(image8: Bytes, mask: Mask) -> Bytes:
    """The section with the mask's outline, for a person to paint on: white adds, black removes.

    image8 : (rows, columns) uint8, scaled for eyes, or (rows, columns, 3) in colour. mask : (rows, columns) bool.
    Returns (rows, columns, 3) uint8, RGB; no pixel of it is white (255, 255, 255) or black (0, 0, 0).
    The outline is one pixel wide and lies inside the mask. Raises BrainstackError for a mask of another size.
    """
    if image8.shape[:2] != mask.shape:
        raise BrainstackError(f"The mask is {mask.shape} but the section is {image8.shape[:2]}; make the mask again.")
    brightest = BRIGHTEST if image8.ndim == 2 else BRIGHTEST_COLOUR
    levels = np.rint(DARKEST + image8 * ((brightest - DARKEST) / 255)).astype(np.uint8)
    cross = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], np.uint8)
    inner = cv2.erode(mask.astype(np.uint8), cross) > 0
    shown = np.repeat(levels[..., None], 3, axis=2) if levels.ndim == 2 else levels
    shown[mask & ~inner] = OUTLINE
    return shown


def mask_from_paint(painted: Bytes, shown: Bytes, proposal: Mask, plain: Bytes | None = None) -> Mask:
    """The proposal with what a person painted: white adds, black removes, the rest stays.

    Only what differs from `shown` by more than 3 levels counts. Soft edges of a brush, mixed from the paint and what
    was there, go to the nearest of white, black and what was shown, as long as they hang together with pure paint.
    The outline of another mask, as on a picture that was opened before the mask was made anew, is no paint.

    painted : (rows, columns, 3) or (rows, columns) uint8; a fourth, opaque channel is allowed.
    shown : (rows, columns, 3) uint8, the preview as it was written. proposal : (rows, columns) bool, its mask.
    plain : as `shown`, without any outline; where it is not given, the outline has to be where it is in `shown`.
    Returns (rows, columns) bool. Raises BrainstackError for another size or type and for any other paint.
    """
    painted = _as_rgb(painted, shown)
    shown = _as_it_was(painted, shown, shown if plain is None else plain)
    changed = np.abs(painted.astype(np.int16) - shown).max(axis=2) > SAME
    _refuse(changed & ~_mixed_from_white_and_black(painted, shown), painted)
    pure = changed & (_is_white(painted).all(axis=2) | _is_black(painted).all(axis=2))
    _, labels = cv2.connectedComponents(changed.astype(np.uint8), connectivity=8)
    _refuse(changed & ~np.isin(labels, labels[pure]), painted)
    colours = painted.astype(np.float32)
    to_white, to_black, to_shown = (np.square(colours - goal).sum(axis=2) for goal in (WHITE, BLACK, shown))
    added = changed & (to_white <= np.minimum(to_black, to_shown))
    removed = changed & ~added & (to_black <= to_shown)
    return np.asarray((proposal | added) & ~removed)


def checked_mask(array: NDArray[Any], *, shape: tuple[int, int], name: str) -> Mask:
    """A mask that a person edited, as bool.

    Expected are 0 and 255; 0 and 1, 16 bit (0 and 65535) and equal channels are understood too. A fringe of greys, as
    smoothing or resizing leaves along an outline, is cut at one half.

    array : (rows, columns), or (rows, columns, 3 or 4) with equal colour channels; bool, uint8 or uint16.
    shape : (rows, columns) wanted. name : what a sentence calls the mask.
    Returns (rows, columns) bool, True on tissue. Raises BrainstackError for what cannot be a mask of this section.
    """
    grey = _one_channel(array, name)
    if grey.shape != shape:
        raise BrainstackError(
            f"{name} is {grey.shape[0]} x {grey.shape[1]} pixels (rows x columns) but its section is "
            f"{shape[0]} x {shape[1]}; edit the mask without scaling or cropping it."
        )
    white = 1 if grey.max() == 1 else np.iinfo(grey.dtype).max
    share = grey / white
    if share.max() < 0.5:
        raise BrainstackError(
            f"{name} is all black (its brightest value is {grey.max()} of {white}); paint the tissue white, or mark "
            "the scene as bad."
        )
    greys = np.abs(share - np.rint(share)) > 1 / 16
    if greys.mean() > GREY_SHARE:
        raise BrainstackError(
            f"{name} holds {greys.mean():.0%} grey pixels, for example {grey[greys][0]} of {white}; a mask has 0 for "
            "glass and 255 for tissue: was a picture saved in its place?"
        )
    return np.asarray(share >= 0.5)


def check_tissue(mask: NDArray[Any], name: str) -> None:
    """Raise BrainstackError for a mask with so little tissue that it is a slip. name : as in `checked_mask`."""
    if (count := int(np.count_nonzero(mask))) < FEWEST_PX:
        raise BrainstackError(
            f"{name} has {count or 'no'} pixel{'s' * (count != 1)} of tissue, wanted {FEWEST_PX} at least; paint the "
            "tissue, or mark the scene as bad."
        )


def _as_it_was(painted: Bytes, shown: Bytes, plain: Bytes) -> Bytes:
    """What lay below the paint: `shown`, but for where the picture that was painted on had its outline elsewhere."""
    was = np.where(
        ((shown != plain).any(axis=2) & _mixed_from_white_and_black(painted, plain))[..., None], plain, shown
    )
    outline = np.broadcast_to(np.array(OUTLINE, np.uint8), shown.shape)
    is_outline = np.abs(painted.astype(np.int16) - outline).max(axis=2) <= SAME
    softly_painted = ~_mixed_from_white_and_black(painted, was) & _mixed_from_white_and_black(painted, outline)
    return np.where((is_outline | softly_painted)[..., None], outline, was)


def _is_white(painted: Bytes) -> Mask:
    return painted >= WHITE - SAME


def _is_black(painted: Bytes) -> Mask:
    return painted <= BLACK + SAME


def _as_rgb(painted: Bytes, shown: Bytes) -> Bytes:
    """The painted picture as (rows, columns, 3) uint8."""
    if painted.dtype != np.uint8:
        raise BrainstackError(f"The painted picture is {painted.dtype}, wanted 8 bit; save it with 8 bits a channel.")
    if painted.shape[:2] != shown.shape[:2]:
        raise BrainstackError(
            f"The painted picture is {painted.shape[0]} x {painted.shape[1]} pixels (rows x columns) but the preview "
            f"is {shown.shape[0]} x {shown.shape[1]}; paint without scaling or cropping."
        )
    if painted.ndim == 2:
        grey = np.repeat(painted[..., None], 3, axis=2)
        # Programs turn the outline's orange into different greys: there, only pure paint is told from it.
        outline = np.ptp(shown, axis=2) > 0
        return np.where((outline & ~_is_white(painted) & ~_is_black(painted))[..., None], shown, grey)
    if painted.shape[2] not in (3, 4):
        raise BrainstackError(f"The painted picture has {painted.shape[2]} channels, wanted 3; save it as RGB.")
    transparent = np.asarray((painted[..., 3:] < 255).any(axis=2))
    if transparent.any():
        raise BrainstackError(
            f"The painted picture is transparent in {np.count_nonzero(transparent)} pixels{_first(transparent)}; "
            "use white and black paint, not the eraser."
        )
    return painted[..., :3]


def _mixed_from_white_and_black(painted: Bytes, shown: Bytes) -> Mask:
    """Where a colour is what was shown with white or black over it: its tint is the shown one, or less of it."""
    tint = painted.astype(np.float32) - painted.mean(axis=2, keepdims=True)
    shown_tint = shown.astype(np.float32) - shown.mean(axis=2, keepdims=True)
    strength = (tint * shown_tint).sum(axis=2) / np.maximum(np.square(shown_tint).sum(axis=2), 1)
    rest = tint - np.clip(strength, 0, 1)[..., None] * shown_tint
    return np.asarray(np.abs(rest).max(axis=2) <= TINT)


def _refuse(wrong: Mask, painted: Bytes) -> None:
    """Raise BrainstackError where paint is neither white nor black, naming the commonest colour."""
    if not wrong.any():
        return
    colours, counts = np.unique(painted[wrong], axis=0, return_counts=True)
    colour = tuple(int(value) for value in colours[np.argmax(counts)])
    raise BrainstackError(
        f"The painted picture has other paint than white and black: {np.count_nonzero(wrong)} pixels, most of them "
        f"{colour}{_first(wrong)}; paint with white (255, 255, 255) to add and black (0, 0, 0) to remove, at full "
        "opacity."
    )


def _first(where: Mask) -> str:
    row, column = np.argwhere(where)[0]
    return f", the first at row {row}, column {column}"


def _one_channel(array: NDArray[Any], name: str) -> NDArray[Any]:
    if array.dtype == np.bool_:
        array = array.astype(np.uint8)
    if array.dtype not in (np.uint8, np.uint16):
        raise BrainstackError(f"{name} is {array.dtype}, wanted 8 bit with 0 for glass and 255 for tissue; save it so.")
    if array.ndim == 2:
        return array
    if array.ndim != 3 or array.shape[2] not in (3, 4):
        raise BrainstackError(f"{name} has the shape {array.shape}, wanted rows x columns; save it as a grey picture.")
    coloured = np.ptp(array[..., :3], axis=2) > 0
    if coloured.any():
        raise BrainstackError(
            f"{name} is in colour in {np.count_nonzero(coloured)} pixels{_first(coloured)}; a mask has 0 for glass and "
            "255 for tissue: save it in grey, or paint on the picture in thumbnail_colored."
        )
    transparent = np.asarray((array[..., 3:] < np.iinfo(array.dtype).max).any(axis=2))
    if transparent.any():
        raise BrainstackError(
            f"{name} is transparent in {np.count_nonzero(transparent)} pixels{_first(transparent)}; fill the glass "
            "with black and the tissue with white, do not erase it."
        )
    return array[..., 0]
