"""The grain of a section: cells and the gaps between them make tissue rough where glass, glue and haze are smooth.

Light alone cannot tell a smear of glue from tissue, nor haze from a faint part of it; grain can, however bright either
is. It says little of where exactly tissue ends, as it is a mean over some distance: that the light says better.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_fill_holes

from brainstack.images.colour import absorbed
from brainstack.images.mask_light import Light
from brainstack.images.planes import (
    Image,
    Mask,
    Plane,
    blurred_inside,
    divided,
    grown,
    not_scanned,
    opened,
    shrunk,
    within,
)
from brainstack.settings import MasksSettings

CAP = 3.5
"""Grain counts as at most this many times that of the glass: edges of fields, hairs and dust are few pixels, but have
hundreds of times its grain."""
CLEARLY = 1.2
"""How far beyond the least of tissue the grain of a section's core must be for the grain to be listened to."""
FINE, COARSER = 1.1, 2.1
"""The grain of glass under fine pixels, and how it grows where pixels are coarser: a mean over fewer of them varies
more, and a hair or the edge of a field, three pixels wide, is a larger part of it."""
GLASS_SHARE = 0.1
"""At least this share of a scan is glass: it has the least grain."""


@dataclass(frozen=True)
class Grain:
    """All planes are (rows, columns) at the working scale.

    strength : float32, in multiples of the glass's. least : that of tissue. scanned : bool. rough : bool, as rough as
    tissue, or enclosed by what is. core : bool, what is so over a wide field, without what lies along the scan's edge;
    empty where the section is hardly rougher than glass.
    """

    strength: Plane
    least: float
    scanned: Mask
    rough: Mask
    core: Mask


def grain_of(image: Image, scanned: Mask, *, pixel_size_um: float, settings: MasksSettings) -> Grain:
    """The grain of a section, brought from the image's own scale to the working scale.

    image, pixel_size_um : as for `propose_mask`. scanned : (rows, columns) bool at the working scale.
    """
    px = settings.working_um
    strength = _strength(image, scanned, pixel_size_um, settings)
    field = blurred_inside(strength, scanned, settings.grain_spread_um / px)
    least = min(settings.grain_factor, FINE + COARSER * pixel_size_um / settings.grain_spread_um)
    whole, wide = _rough(field, least, scanned, settings)
    core = wide & ~along_edge(wide, scanned, settings)
    # Tissue hardly rougher than that is rough in patches only: they say nothing of where it ends.
    is_clear = core.any() and float(np.median(strength[core])) > CLEARLY * least
    return Grain(strength, least, scanned, whole, core if is_clear else np.zeros_like(core))


def _rough(field: Plane, least: float, scanned: Mask, settings: MasksSettings) -> tuple[Mask, Mask]:
    """What is as grainy as tissue with what it encloses, and of that what is so over a wide field."""
    px = settings.working_um
    rough = scanned & (field > least)
    whole = np.asarray(binary_fill_holes(rough))
    ventricles = opened(whole & ~rough, settings.hair_um / px)  # or glass inside the rim of a bubble
    return whole, opened(whole & ~ventricles, settings.core_um / 2 / px)


def _strength(image: Image, scanned: Mask, pixel_size_um: float, settings: MasksSettings) -> Plane:
    """Of each pixel at the working scale, in multiples of the glass's; 1 where there is none to compare with."""
    taken = ~not_scanned(image)
    if not taken.any():
        return np.ones(scanned.shape, np.float32)
    # Photons vary by the root of their number: in roots, bright glass is as even as dark glass.
    plane = np.sqrt(image.astype(np.float32)) if image.ndim == 2 else absorbed(image.astype(np.float32)).mean(axis=-1)
    sigma_px = max(1.0, settings.grain_um / pixel_size_um)
    inner = shrunk(taken, 2 * sigma_px + 1)
    if not inner.any():
        return np.ones(scanned.shape, np.float32)
    fine = np.abs(plane - blurred_inside(np.asarray(plane, np.float32), taken, sigma_px))
    spread_px = settings.grain_spread_um / pixel_size_um
    without_dust = np.minimum(fine, 8 * np.median(fine[inner]))
    glass = np.quantile(blurred_inside(without_dust, inner, 2 * spread_px)[inner], GLASS_SHARE)
    mean = blurred_inside(np.minimum(fine, CAP * glass), inner, spread_px)
    size = (scanned.shape[1], scanned.shape[0])
    small = cv2.resize(mean, size, interpolation=cv2.INTER_AREA if size[0] < image.shape[1] else cv2.INTER_LINEAR)
    lowest = np.quantile(small[scanned], GLASS_SHARE) if scanned.any() else 0.0
    return np.asarray(small / lowest if lowest > 0 else np.ones_like(small), np.float32)


def along_edge(mask: Mask, scanned: Mask, settings: MasksSettings) -> Mask:
    """The pieces of a mask that lie flat along the edge of the scan: tissue of the neighbouring section."""
    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    return np.asarray(_is_flat(labels, count, scanned, settings)[labels])


def _is_flat(labels: NDArray[np.int32], count: int, scanned: Mask, settings: MasksSettings) -> Mask:
    """Which pieces reach into the scan by less than a share of their length along its edge: (count,) bool."""
    rim_px = 3
    rim = (labels > 0) & ~shrunk(scanned, rim_px)
    length = np.bincount(labels[rim], minlength=count) / rim_px
    flat = np.bincount(labels.ravel(), minlength=count) < settings.flat_share * length**2
    flat[0] = False
    return np.asarray(flat)


def without_smooth(mask: Mask, grain: Grain, settings: MasksSettings) -> Mask:
    """A mask without those of its lobes that are smooth in their middle, or lie flat along the edge of the scan.

    Lobes are what narrow bridges join: a smear that touches the section, a bubble, the neighbouring section.
    """
    radius_px = settings.hair_um / settings.working_um
    cores = opened(mask, radius_px)
    lobes = divided(mask, cores) if cv2.connectedComponents(cores.astype(np.uint8))[0] > 2 else mask
    count, labels = cv2.connectedComponents(lobes.astype(np.uint8), connectivity=4)
    area = np.maximum(np.bincount(labels.ravel(), minlength=count), 1)
    middle = _middles(lobes, labels, count) & grain.scanned
    pixels = np.maximum(np.bincount(labels[middle], minlength=count), 1)
    strength = np.bincount(labels[middle], grain.strength[middle], count) / pixels
    flat = _is_flat(labels, count, grain.scanned, settings)
    flat &= np.bincount(labels[grain.core], minlength=count) < area / 2  # the section itself may be cut
    smooth = flat | (strength < grain.least)
    smooth[0] = False
    gone = np.asarray(smooth[labels])
    return np.asarray((lobes & ~gone) | (mask & ~lobes & ~grown(gone, 1.5)))


def _middles(lobes: Mask, labels: NDArray[np.int32], count: int) -> Mask:
    """Of each lobe the pixels that are at least half as far from its outline as any of them: (rows, columns) bool."""
    depth = cv2.distanceTransform(lobes.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
    deepest = np.zeros(count)
    np.maximum.at(deepest, labels.ravel(), depth.ravel())
    return np.asarray(lobes & (depth >= deepest[labels] / 2))


def without_smooth_fields(mask: Mask, grain: Grain, settings: MasksSettings) -> Mask:
    """A mask without wide fields that are smooth, whatever they hang on."""
    radius_px = 2 * settings.grain_spread_um / settings.working_um
    smooth = opened(mask & ~grain.rough, radius_px)
    return np.asarray(mask & ~(grown(smooth, radius_px) & ~grain.rough))


def missed(mask: Mask, grain: Grain, light: Light, settings: MasksSettings) -> Mask:
    """What has grain over a wide field, and some light, but is not in the mask: (rows, columns) bool, with its rim."""
    px = settings.working_um
    reach_px = 2 * settings.grain_spread_um / px
    level = float(np.median(light.above[grain.core]))
    lit = light.above > max(settings.edge_share * level, settings.noise_factor * light.noise)
    inner = opened(within(grain.core, grain.scanned, reach_px) & ~mask & lit, reach_px)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(inner.astype(np.uint8), connectivity=8)
    large = stats[:, cv2.CC_STAT_AREA] * px**2 >= settings.piece_um2 / 2
    large[0] = False
    return np.asarray(
        grown(np.asarray(large[labels]), 1.5 * reach_px) & within(grain.core, grain.scanned, reach_px * 2 / 3) & lit
    )
