"""Tissue against glass on a thumbnail: the mask that is proposed to a person.

A stained section in bright field takes light away where a fluorescent one sends it out: there, "light" is the light
that was absorbed, of the colour that was absorbed most. So a faint stain, which takes more of some colours, stands out
by its saturation, a strong one by its darkness; what is dark without the stain's colour is dirt.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_fill_holes
from skimage.filters import threshold_otsu

from brainstack.errors import BrainstackError
from brainstack.images.colour import PURE_WHITE, absorbed
from brainstack.settings import MasksSettings

Image = NDArray[np.uint8] | NDArray[np.uint16]
Mask = NDArray[np.bool_]
Plane = NDArray[np.float32]


class NoTissueError(BrainstackError):
    """No tissue was found on a section."""


def propose_mask(image: Image, *, pixel_size_um: float, settings: MasksSettings) -> Mask:
    """The tissue of one section, filled inside its outline.

    A smooth glass level is subtracted; a pixel is tissue where it is above a share of the tissue nearby, so that
    bright and faint parts of a section both end at the middle of their edge. Hairs, dust, rims of bubbles, debris and
    tissue of the neighbouring scene are taken away; holes enclosed by tissue (ventricles) belong to the mask.

    image : (rows, columns) uint8 or uint16, linear in the light; exact zeros in straight-edged fields were not scanned.
    Or (rows, columns, 3) uint8, colour in bright field, where what was not scanned is pure white.
    pixel_size_um : side of a pixel of `image` in micrometres, about 5 to 50.
    Returns (rows, columns) bool, True on tissue. Raises NoTissueError where no tissue is found.
    """
    planes, scanned = at_working_scale(image, pixel_size_um / settings.working_um)
    light = light_above_glass(planes, scanned, settings)
    try:
        first = _tissue_in(light, settings)
    except NoTissueError:
        light = _light_below_clouds(planes, scanned, settings)
        first = _tissue_in(light, settings)
    # What lies far from that tissue is glass, however uneven: a closer look at its level finds the outline. Debris with
    # its glow is none, and would raise the level of the glass beside it.
    nearby_px = settings.nearby_um / settings.working_um
    debris = light.above > np.median(light.above[first])
    glass = scanned & ~_grown(first, nearby_px) & ~_grown(debris, nearby_px)
    if not glass.any():
        return at_scale_of(image, first)
    closer = _tissue_in(light_above_glass(planes, scanned, settings, surely_glass=glass), settings)
    # It is to find what was missed; where it loses a tenth of the tissue, light from beside has misled it.
    is_better = np.count_nonzero(first & closer) > 0.9 * np.count_nonzero(first)
    return at_scale_of(image, closer if is_better else first)


def _light_below_clouds(planes: tuple[Plane, ...], scanned: Mask, settings: MasksSettings) -> Light:
    """The light above the glass where clouds in the medium, brighter than the tissue, hide which fields are even."""
    sigma_px = settings.cloud_um / settings.working_um
    flat = sum(np.where(scanned, plane - _blurred_inside(plane, scanned, sigma_px), 0) for plane in planes)
    smooth = _blurred_inside(np.asarray(flat, np.float32), scanned, settings.smoothing_um / settings.working_um)
    return light_above_glass(planes, scanned, settings, surely_glass=_surely_glass(smooth, scanned, settings))


def _tissue_in(light: Light, settings: MasksSettings) -> Mask:
    """(rows, columns) bool at the working scale. Raises NoTissueError where there is none."""
    bright = looks_like_tissue(light, settings)
    debris = _sparks(light, bright, settings) | _off_colour(light, bright)
    return shaped(bright, debris, light, settings)


# --- scale ------------------------------------------------------------------------------------------------------------


def at_working_scale(image: Image, scale: float) -> tuple[tuple[Plane, ...], Mask]:
    """The light of the image with `scale` times as many pixels a side, a plane for each of its colours, and where it
    was scanned: (rows, columns) float32, bool."""
    rows, columns = image.shape[:2]
    size = (max(1, round(columns * scale)), max(1, round(rows * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    outside_px = not_scanned(image)
    plane = np.asarray(cv2.resize(image.astype(np.float32), size, interpolation=how), np.float32)
    # A pixel that is partly outside the scan is darker than it should be, and scanners write a brighter last line.
    outside = cv2.resize(outside_px.astype(np.float32), size, interpolation=how) > 0
    scanned = ~_grown(outside, 1) if outside.any() else ~outside
    return (plane,) if plane.ndim == 2 else tuple(np.moveaxis(absorbed(plane), -1, 0)), scanned


def at_scale_of(image: Image, mask: Mask) -> Mask:
    rows, columns = image.shape[:2]
    share = cv2.resize(mask.astype(np.float32), (columns, rows), interpolation=cv2.INTER_LINEAR)
    return np.asarray(share > 0.5)


def not_scanned(image: Image) -> Mask:
    """Fields of exact zeros, in colour of pure white, with straight edges: a scene's box holds more than its tiles.

    Glass that a scanner clipped has ragged edges, and is glass. Returns (rows, columns) bool.
    """
    empty = image == 0 if image.ndim == 2 else (image == PURE_WHITE).all(axis=2)
    zero = np.asarray(cv2.morphologyEx(empty.astype(np.uint8), cv2.MORPH_OPEN, np.ones((5, 5), np.uint8)))
    steps = [np.diff(zero, axis=1) != 0, np.diff(zero, axis=0) != 0]
    run_px = 15  # longer than what a round edge runs straight, shorter than a scanner's tile on any thumbnail
    lines = [np.ones((run_px, 1), np.uint8), np.ones((1, run_px), np.uint8)]
    straight = sum(
        int(cv2.morphologyEx(step.astype(np.uint8), cv2.MORPH_OPEN, line).sum())
        for step, line in zip(steps, lines, strict=True)
    )
    edge = sum(int(step.sum()) for step in steps)
    return zero.astype(bool) if edge and straight > edge / 2 else np.zeros_like(zero, bool)


# --- light ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Light:
    """`above`: (rows, columns) float32, smoothed image minus glass, 0 where not `scanned`; the brightest of `colours`,
    of which grey has one. `noise`: sigma of glass."""

    above: Plane
    colours: tuple[Plane, ...]
    scanned: Mask
    noise: float


def light_above_glass(
    planes: tuple[Plane, ...], scanned: Mask, settings: MasksSettings, *, surely_glass: Mask | None = None
) -> Light:
    """planes : one, or one a colour; the glass has a colour of its own, and then the brightest above it counts.
    surely_glass : (rows, columns) bool, where that is known; the even fields at the scan's edge where it is not."""
    smooth = [_blurred_inside(plane, scanned, settings.smoothing_um / settings.working_um) for plane in planes]
    if surely_glass is None:
        surely_glass = _surely_glass(np.asarray(sum(smooth)), scanned, settings)
    glass = [_spread(colour, surely_glass, settings) for colour in smooth]
    colours = tuple(np.where(scanned, one - below, 0).astype(np.float32)
                    for one, below in zip(smooth, glass, strict=True))  # fmt: skip
    above = np.asarray(np.maximum.reduce(colours))
    noise = 1.4826 * float(np.median(np.abs(above[surely_glass])))
    return Light(above=above, colours=colours, scanned=scanned, noise=noise)


def _surely_glass(smooth: Plane, scanned: Mask, settings: MasksSettings) -> Mask:
    """The even fields that reach the edge of the scan (rows, columns) bool: glass, and smears upon it.

    However uneven the light of the glass is, it changes slowly, and tissue ends in a step. Otsu's threshold of the
    logarithm of the slope tells slow from fast.
    """
    slope = np.log(np.maximum(_slope(smooth, settings.slope_um / settings.working_um), 1e-3))
    inner = _shrunk(scanned, 3)  # the last pixels of a scan are blurred with what was not scanned
    if not inner.any():
        return scanned
    # Where nothing but noise is seen, four times its lower slopes hold nearly all of it.
    limit = max(threshold_otsu(slope[inner]), np.quantile(slope[inner], 0.1) + np.log(4))
    count, labels = cv2.connectedComponents((inner & (slope <= limit)).astype(np.uint8), connectivity=4)
    at_edge = np.isin(np.arange(count), labels[inner & ~_shrunk(inner, 2)])
    at_edge[0] = False
    glass = at_edge[labels]
    return glass if glass.any() else inner


def _slope(smooth: Plane, sigma_px: float) -> Plane:
    """How steeply the light changes: counts a pixel, (rows, columns) float32."""
    blurred = cv2.GaussianBlur(smooth, (0, 0), sigma_px, borderType=cv2.BORDER_REPLICATE)
    down, right = (cv2.Sobel(blurred, cv2.CV_32F, dx, 1 - dx, scale=1 / 8) for dx in (0, 1))
    return np.asarray(cv2.magnitude(down, right), np.float32)


def _spread(smooth: Plane, inside: Mask, settings: MasksSettings) -> Plane:
    """The light of the pixels `inside`, spread over all others: wide means, then narrower ones."""
    surface = np.full_like(smooth, np.median(smooth[inside]))
    for distance_um in (4000, 1000, 250):  # from half a section to the glass right beside the outline
        sigma_px = distance_um / settings.working_um
        weight = _blurred(inside.astype(np.float32), sigma_px)
        total = _blurred(np.where(inside, smooth, 0).astype(np.float32), sigma_px)
        surface = (total + 0.01 * surface) / (weight + 0.01)
    return surface


def looks_like_tissue(light: Light, settings: MasksSettings) -> Mask:
    """Where the light is above `edge_share` of the tissue nearby, and above the noise of the glass."""
    radius_px = settings.nearby_um / settings.working_um
    floor = max(settings.noise_factor * light.noise, 1.0)  # glass without noise: one count is the least there is
    bright = light.scanned & (light.above > floor)
    for _ in range(3):  # the first round's tissue has the glow around it, which lowers its level
        if not bright.any():
            break
        level = float(np.median(light.above[bright]))
        capped = np.minimum(light.above, 3 * level)  # debris shines a hundred times brighter
        nearby = _blurred_inside(capped, bright, radius_px)
        lowest = max(floor, settings.faint_share * level)
        bright = light.scanned & (light.above > np.maximum(lowest, settings.edge_share * nearby))
    return bright


def _sparks(light: Light, bright: Mask, settings: MasksSettings) -> Mask:
    """Small debris with the nearest of its glow: many times brighter than the tissue, smaller than a piece of it."""
    if not bright.any():
        return bright
    cores = light.above > settings.debris_factor * np.median(light.above[bright])
    _, labels, stats, _ = cv2.connectedComponentsWithStats(cores.astype(np.uint8), connectivity=8)
    small = stats[:, cv2.CC_STAT_AREA] * settings.working_um**2 < settings.piece_um2
    return _grown(cores & small[labels], settings.hair_um / 2 / settings.working_um)


def _off_colour(light: Light, bright: Mask) -> Mask:
    """What is dark in bright field but has not a third of the stain's colour: dust, hairs, rims of bubbles and ink have
    none, and old glue has another.

    A stain without a colour of its own, and grey images, have no such debris.
    """
    if len(light.colours) == 1 or not bright.any():
        return np.zeros_like(bright)
    colours = np.stack(light.colours)
    hue = colours - colours.mean(axis=0)
    # Uneven lamps and the steps between fields are grey: the stain's colour is that of the most colourful.
    vivid = np.linalg.norm(hue, axis=0)
    vivid_px = bright & (vivid >= np.quantile(vivid[bright], 0.9) / 2)
    stain = np.median(hue[:, vivid_px] / light.above[vivid_px], axis=1)
    like_stain = np.tensordot(stain, hue, 1)
    strength = float(stain @ stain)
    if strength < 0.1**2:
        return np.zeros_like(bright)
    # Faint tissue, whose colour is lost in noise, is given the benefit of the doubt.
    glass = light.scanned & ~_grown(bright, 3)
    doubt = 2 * 1.4826 * float(np.median(np.abs(like_stain[glass]))) if glass.any() else 0.0
    return np.asarray(bright & (like_stain + doubt < strength / 3 * light.above))


# --- shapes -----------------------------------------------------------------------------------------------------------


def shaped(bright: Mask, debris: Mask, light: Light, settings: MasksSettings) -> Mask:
    """The mask of a section from what looks like tissue: filled, without hairs, and of its own pieces only.

    bright, debris : (rows, columns) bool at the working scale. Returns the same. Raises NoTissueError where none is
    left.
    """
    return _kept_pieces(_filled(bright, debris, settings), bright, light, settings=settings)


def _without_thin(mask: Mask, settings: MasksSettings) -> Mask:
    """The mask without hairs, rims and specks; corners that an opening rounds off are given back."""
    radius_px = settings.hair_um / 2 / settings.working_um
    return _grown(_opened(mask, radius_px), radius_px / 2) & mask


def _filled(bright: Mask, sparks: Mask, settings: MasksSettings) -> Mask:
    """Thick tissue with what it encloses.

    A hole is filled where most of its rim is thick tissue: a ventricle behind a thin wall is, a bubble on glass, all
    thin rim, is not. A spark in tissue or on its edge stays: taking it away would bite into the outline.
    """
    tissue = bright & ~sparks
    thick = _closed(_without_thin(tissue, settings), settings.gap_um / 2 / settings.working_um)
    walls = thick | tissue
    holes = _surrounded(np.asarray(binary_fill_holes(walls) & ~walls), _grown(thick, 1), share=0.5)
    debris_on_tissue = _surrounded(sparks, thick, share=1 / 3)
    whole = _without_thin(thick | holes | debris_on_tissue | (_grown(holes, 2) & tissue), settings)
    return np.asarray(binary_fill_holes(whole), np.bool_)


def _surrounded(regions: Mask, tissue: Mask, *, share: float) -> Mask:
    """Those connected regions that have more than `share` of their rim in tissue; the rim is one pixel wide."""
    count, labels = cv2.connectedComponents(regions.astype(np.uint8), connectivity=4)
    beside = cv2.dilate(labels.astype(np.float32), np.ones((3, 3), np.uint8)).astype(np.intp)
    rim = (beside > 0) & ~regions
    rim_px = np.bincount(beside[rim], minlength=count)
    tissue_px = np.bincount(beside[rim & tissue], minlength=count)
    inside = tissue_px > share * rim_px
    inside[0] = False
    return np.asarray(inside[labels])


def _kept_pieces(mask: Mask, bright: Mask, light: Light, *, settings: MasksSettings) -> Mask:
    """The pieces that are tissue of this section. Raises BrainstackError where there is none."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    pixels = stats[:, cv2.CC_STAT_AREA]
    level = np.bincount(labels.ravel(), light.above.ravel(), count) / pixels
    cut = np.isin(np.arange(count), labels[~_shrunk(light.scanned, 2)])
    # The rims of bubbles may be as thick as two hairs, with glass inside.
    solid = _opened(_closed(bright, settings.gap_um / 2 / settings.working_um), settings.hair_um / settings.working_um)
    area_um2 = np.where(np.isin(np.arange(count), labels[solid]), pixels, 0) * settings.working_um**2
    area_um2[0] = 0
    area_um2[np.bincount(labels.ravel(), bright.ravel(), count) <= pixels / 2] = 0  # rims around glass
    # Glue and clouds end softly; so may a worn piece of tissue, but inside the scan, and as bright as the rest of it.
    blunt = _widths_um(labels, count, light, settings) > settings.step_um
    area_um2[blunt & cut] = 0
    if (area_um2[~blunt] >= settings.piece_um2).any():
        area_um2[blunt & (level < level[np.argmax(np.where(blunt, 0, area_um2))] / 2)] = 0
    largest = int(np.argmax(area_um2))
    if area_um2[largest] < settings.piece_um2:
        raise NoTissueError(
            f"No tissue was found: the largest object as sharp as tissue has {area_um2[largest]:.0f} um2, and a piece "
            f"of tissue has at least {settings.piece_um2:.0f} um2; paint a mask, or mark the scene as bad."
        )
    share = np.where(cut, settings.cut_piece_share, settings.piece_share)
    keep = area_um2 >= np.maximum(settings.piece_um2, share * area_um2[largest])
    keep &= level <= settings.debris_factor * level[largest]
    return np.asarray(keep[labels])


def _widths_um(labels: NDArray[np.int32], count: int, light: Light, settings: MasksSettings) -> NDArray[np.float64]:
    """Of each piece, over how many micrometres a quarter of its outline or more rises from glass to tissue: (count,).

    That is the difference in light between both sides of the outline, divided by its steepest slope there.
    """
    down, right = (cv2.Sobel(light.above, cv2.CV_32F, dx, 1 - dx, scale=1 / 8) for dx in (0, 1))
    steepest = cv2.dilate(cv2.magnitude(down, right), np.ones((5, 5), np.uint8))
    side_px = settings.hair_um / settings.working_um
    pieces, glass = labels > 0, light.scanned & (labels == 0)
    step = _blurred_inside(light.above, pieces, side_px) - _blurred_inside(light.above, glass, side_px)
    width_um = settings.working_um * np.maximum(step, 0) / np.maximum(steepest, 1e-3)
    # Where the scan cuts a piece, that is no outline.
    outline = pieces & ~_shrunk(pieces, 1) & _shrunk(light.scanned, 4)
    widths = np.zeros(count)
    for piece in range(1, count):
        of_piece = width_um[outline & (labels == piece)]
        widths[piece] = np.quantile(of_piece, 0.25) if of_piece.size else 0
    return widths


def _disk(radius_px: float) -> NDArray[np.uint8]:
    reach = int(np.ceil(radius_px))
    row, column = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    return np.asarray(row**2 + column**2 <= (radius_px + 0.3) ** 2, np.uint8)


def _morphed(mask: Mask, how: int, kernel: NDArray[np.uint8], *, outside: int) -> Mask:
    """OpenCV's morphology with the mask continued by `outside`, or by its own edge where that is -1."""
    margin = max(kernel.shape)
    border = cv2.BORDER_REPLICATE if outside < 0 else cv2.BORDER_CONSTANT
    wide = cv2.copyMakeBorder(mask.astype(np.uint8), margin, margin, margin, margin, border, value=max(outside, 0))
    done = cv2.morphologyEx(wide, how, kernel)
    return np.asarray(done[margin:-margin, margin:-margin] > 0)


def _opened(mask: Mask, radius_px: float) -> Mask:
    return _morphed(mask, cv2.MORPH_OPEN, _disk(radius_px), outside=-1)


def _closed(mask: Mask, radius_px: float) -> Mask:
    return _morphed(mask, cv2.MORPH_CLOSE, _disk(radius_px), outside=0)


def _grown(mask: Mask, radius_px: float) -> Mask:
    return _morphed(mask, cv2.MORPH_DILATE, _disk(radius_px), outside=0)


def _shrunk(mask: Mask, radius_px: float) -> Mask:
    return _morphed(mask, cv2.MORPH_ERODE, _disk(radius_px), outside=0)


def _blurred_inside(plane: Plane, inside: Mask, sigma_px: float) -> Plane:
    """A Gaussian mean over the pixels `inside` only, (rows, columns) float32."""
    weight = _blurred(inside.astype(np.float32), sigma_px)
    total = _blurred(np.where(inside, plane, 0).astype(np.float32), sigma_px)
    return np.asarray(total / np.maximum(weight, 1e-6), np.float32)


def _blurred(plane: Plane, sigma_px: float) -> Plane:
    """A Gaussian mean with zeros around the plane; large sigmas at a smaller scale."""
    step = max(1, int(sigma_px / 4))
    rows, columns = plane.shape
    size = (-(-columns // step), -(-rows // step))
    small = cv2.resize(plane, size, interpolation=cv2.INTER_AREA) if step > 1 else plane
    blurred = cv2.GaussianBlur(small, (0, 0), sigma_px / step, borderType=cv2.BORDER_CONSTANT)
    whole = cv2.resize(blurred, (columns, rows), interpolation=cv2.INTER_LINEAR) if step > 1 else blurred
    return np.asarray(whole, np.float32)
