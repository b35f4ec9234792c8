"""The light of a section above its glass, and where it is bright enough for tissue.

A stained section in bright field takes light away where a fluorescent one sends it out: there, "light" is the light
that was absorbed, of the colour that was absorbed most. So a faint stain, which takes more of some colours, stands out
by its saturation, a strong one by its darkness; what is dark without the stain's colour is dirt.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from skimage.filters import threshold_otsu

from brainstack.images.planes import Mask, Plane, blurred, blurred_inside, grown, shrunk
from brainstack.settings import MasksSettings


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
    smooth = [blurred_inside(plane, scanned, settings.smoothing_um / settings.working_um) for plane in planes]
    if surely_glass is None:
        surely_glass = _surely_glass(np.asarray(sum(smooth)), scanned, settings)
    glass = [_spread(colour, surely_glass, settings) for colour in smooth]
    colours = tuple(np.where(scanned, one - below, 0).astype(np.float32)
                    for one, below in zip(smooth, glass, strict=True))  # fmt: skip
    above = np.asarray(np.maximum.reduce(colours))
    noise = 1.4826 * float(np.median(np.abs(above[surely_glass])))
    return Light(above=above, colours=colours, scanned=scanned, noise=noise)


def light_below_clouds(planes: tuple[Plane, ...], scanned: Mask, settings: MasksSettings) -> Light:
    """The light above the glass where clouds in the medium, brighter than the tissue, hide which fields are even."""
    sigma_px = settings.cloud_um / settings.working_um
    flat = sum(np.where(scanned, plane - blurred_inside(plane, scanned, sigma_px), 0) for plane in planes)
    smooth = blurred_inside(np.asarray(flat, np.float32), scanned, settings.smoothing_um / settings.working_um)
    return light_above_glass(planes, scanned, settings, surely_glass=_surely_glass(smooth, scanned, settings))


def _surely_glass(smooth: Plane, scanned: Mask, settings: MasksSettings) -> Mask:
    """The even fields that reach the edge of the scan (rows, columns) bool: glass, and smears upon it.

    However uneven the light of the glass is, it changes slowly, and tissue ends in a step. Otsu's threshold of the
    logarithm of the slope tells slow from fast.
    """
    slope = np.log(np.maximum(_slope(smooth, settings.slope_um / settings.working_um), 1e-3))
    inner = shrunk(scanned, 3)  # the last pixels of a scan are blurred with what was not scanned
    if not inner.any():
        return scanned
    # Where nothing but noise is seen, four times its lower slopes hold nearly all of it.
    limit = max(threshold_otsu(slope[inner]), np.quantile(slope[inner], 0.1) + np.log(4))
    count, labels = cv2.connectedComponents((inner & (slope <= limit)).astype(np.uint8), connectivity=4)
    at_edge = np.isin(np.arange(count), labels[inner & ~shrunk(inner, 2)])
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
        weight = blurred(inside.astype(np.float32), sigma_px)
        total = blurred(np.where(inside, smooth, 0).astype(np.float32), sigma_px)
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
        nearby = blurred_inside(capped, bright, radius_px)
        lowest = max(floor, settings.faint_share * level)
        bright = light.scanned & (light.above > np.maximum(lowest, settings.edge_share * nearby))
    return bright


def sparks(light: Light, bright: Mask, settings: MasksSettings) -> Mask:
    """Small debris with the nearest of its glow: many times brighter than the tissue, smaller than a piece of it."""
    if not bright.any():
        return bright
    cores = light.above > settings.debris_factor * np.median(light.above[bright])
    _, labels, stats, _ = cv2.connectedComponentsWithStats(cores.astype(np.uint8), connectivity=8)
    small = stats[:, cv2.CC_STAT_AREA] * settings.working_um**2 < settings.piece_um2
    return grown(cores & small[labels], settings.hair_um / 2 / settings.working_um)


def off_colour(light: Light, bright: Mask) -> Mask:
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
    glass = light.scanned & ~grown(bright, 3)
    doubt = 2 * 1.4826 * float(np.median(np.abs(like_stain[glass]))) if glass.any() else 0.0
    return np.asarray(bright & (like_stain + doubt < strength / 3 * light.above))
