"""Another try at a mask that does not fit the stack: many masks of the same section, of which the neighbours choose."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from brainstack.images.mask_grain import Grain, grain_of
from brainstack.images.mask_light import light_above_glass
from brainstack.images.mask_outliers import Expectation, shape_of
from brainstack.images.mask_shapes import NoTissueError
from brainstack.images.masks import propose_mask
from brainstack.images.planes import Image, Mask, Plane, at_working_scale, divided, grown, not_scanned
from brainstack.settings import MasksSettings

CLEARLY = 0.5
"""A mask is taken in place of the one before when it is at most this share as far from what is expected."""

GLOW_UM = 150.0
"""How far the glow of glue reaches, in micrometres."""

UNMISTAKABLE = 40.0
"""What is this many times the noise of what is around it is bright enough to be tissue without any grain. Real slides
have 55 to 150; the densest layers within tissue have up to 14 times its own variation, in colour 37."""

MOST_PIECES = 4
"""Of a mask with more, only the largest are put together in all ways: 15."""


def better_mask(
    image: Image, found: Mask, expected: Expectation, *, pixel_size_um: float, settings: MasksSettings
) -> Mask | None:
    """The mask of a section that is nearest to what its neighbours make expected, of those that its image speaks for;
    None where none fits them, or is clearly nearer than `found`.

    image : as for `propose_mask`. found : (rows, columns) bool, what that found by itself; may be empty.
    pixel_size_um : side of a pixel of both in micrometres. Returns (rows, columns) bool.
    """
    limit = CLEARLY * expected.distance(shape_of(found, pixel_size_um))
    seen = Seen(image, pixel_size_um, settings)
    for masks in candidate_masks(image, found, pixel_size_um=pixel_size_um, settings=settings):
        nearest, best = limit, None
        for mask in masks:
            shape = shape_of(mask, pixel_size_um)
            if expected.fits(shape) and expected.distance(shape) < nearest and seen.speaks_for(mask):
                nearest, best = expected.distance(shape), mask
        if best is not None:
            return best
    return None


class Seen:
    """What the image of a section says to a mask, whatever its neighbours make expected: enough settings find a mask of
    any size in noise, and in a scan that tissue fills."""

    def __init__(self, image: Image, pixel_size_um: float, settings: MasksSettings) -> None:
        self._settings = settings
        self._planes, self._scanned = at_working_scale(image, pixel_size_um / settings.working_um)
        self._image, self._pixel_size_um = image, pixel_size_um

    @cached_property
    def _grain(self) -> Grain:
        return grain_of(self._image, self._scanned, pixel_size_um=self._pixel_size_um, settings=self._settings)

    def speaks_for(self, mask: Mask) -> bool:
        """True where a mask, (rows, columns) bool as the image, is brighter than what is around it by as many times the
        noise as tissue, and as many times rougher, or so bright that it need not be.

        Rightly outlined sections are 1.97 to 5.3 times rougher than what is within a millimetre around them (made-up
        and real slides), pieces within tissue mostly 1.3 to 1.9, and noise 0.95.
        """
        settings, px = self._settings, self._settings.working_um
        size = (self._scanned.shape[1], self._scanned.shape[0])
        small = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0.5
        inside = np.asarray(small & self._scanned)
        outside = self._scanned & ~grown(inside, 150 / px)
        around = outside & grown(inside, 1000 / px)
        if not inside.any() or not around.any():
            return False
        light = light_above_glass(self._planes, self._scanned, settings, surely_glass=outside)
        brightness = float(np.median(light.above[inside]))
        if brightness <= settings.noise_factor * light.noise:
            return False
        return brightness > UNMISTAKABLE * light.noise or bool(
            np.median(self._grain.strength[inside]) > self._grain.least * np.median(self._grain.strength[around])
        )


def candidate_masks(
    image: Image, found: Mask, *, pixel_size_um: float, settings: MasksSettings
) -> Iterator[Iterator[Mask]]:
    """Groups of masks that a section may have, (rows, columns) bool each; a later group has stranger ones, and is for
    sections of which no earlier mask will do.

    Parts of `found`, and what other thresholds find; what is found where light that is far too bright (glue, a smear)
    is taken down; where it is taken away; where all that was found is taken away.
    """
    others = list(other_settings(settings))
    yield itertools.chain(
        parts_of(found, pixel_size_um, settings), _proposals((image,), others, pixel_size_um, settings)
    )
    # Each costs as much as the first search of a section: on changed pictures few settings are tried.
    yield _proposals(_taken_down(image), others[:1], pixel_size_um, settings)
    yield _proposals(_without_bright(image, pixel_size_um), others[:1], pixel_size_um, settings)
    if found.any():
        yield _proposals((_with_glass(image, found, pixel_size_um),), others[:3], pixel_size_um, settings)


def _proposals(
    pictures: Iterable[Image], several: Sequence[MasksSettings], pixel_size_um: float, settings: MasksSettings
) -> Iterator[Mask]:
    """What is found on each of the pictures with each of the settings, and its parts."""
    for picture, other in itertools.product(pictures, several):
        try:
            mask = propose_mask(picture, pixel_size_um=pixel_size_um, settings=other)
        except NoTissueError:
            continue
        yield from parts_of(mask, pixel_size_um, settings)


def other_settings(settings: MasksSettings) -> Iterator[MasksSettings]:
    """The settings themselves, and others with which sections that they fail on may be found."""
    share, debris = settings.edge_share, settings.debris_factor
    changes: tuple[dict[str, Any], ...] = (
        {},
        {"edge_share": share * 0.6},
        {"edge_share": min(share * 2, 0.9)},
        {"noise_factor": settings.noise_factor / 2, "faint_share": settings.faint_share / 2},
        {"noise_factor": settings.noise_factor * 3},
        {"faint_share": min(settings.faint_share * 3, 0.9)},
        {"debris_factor": debris / 2},
        {"debris_factor": debris * 10},
        {"gap_um": settings.gap_um / 2, "hair_um": settings.hair_um * 2},
        {"piece_um2": settings.piece_um2 / 4, "hair_um": settings.hair_um / 2},
    )
    for change in changes:
        yield settings.model_copy(update=change)


def parts_of(mask: Mask, pixel_size_um: float, settings: MasksSettings) -> Iterator[Mask]:
    """The mask, its pieces put together in all ways, and the same once bridges between them are cut.

    mask : (rows, columns) bool. A bridge is what joins two lobes and is narrower than a tenth of a section's width.
    """
    yield from _put_together(mask)
    step_px, depth = settings.hair_um / pixel_size_um, _distances(mask)
    for width_px in (2 * step_px, 4 * step_px, 8 * step_px):
        cores = _near(depth > width_px / 2, width_px / 2)
        if cv2.connectedComponents(cores.astype(np.uint8), connectivity=8)[0] > 2:  # the glass, and two lobes
            yield from _put_together(divided(mask, cores))


def _near(mask: Mask, reach_px: float) -> Mask:
    """The mask and what is within that of it. By distances: kernels of a hundred pixels take seconds."""
    return np.asarray(_distances(~mask) <= reach_px) if mask.any() else mask


def _distances(mask: Mask) -> Plane:
    """Of each pixel in the mask, how far it is from the nearest that is not: (rows, columns) float32."""
    return np.asarray(cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5), np.float32)


def _put_together(mask: Mask) -> Iterator[Mask]:
    """The mask, then fewer and fewer of its largest pieces."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    if count < 2:
        return
    yield mask
    largest = 1 + np.argsort(-stats[1:, cv2.CC_STAT_AREA], kind="stable")[:MOST_PIECES]
    for chosen in range(2 ** len(largest) - 1, 0, -1):
        kept = np.zeros(count, bool)
        kept[[one for place, one in enumerate(largest) if chosen >> place & 1]] = True
        if np.count_nonzero(kept) < count - 1:
            yield np.asarray(kept[labels])


def _taken_down(image: Image) -> Iterator[Image]:
    """The image with its brightest light taken down to what fewer and fewer of its pixels are below; in colour there is
    no light beyond the glass's."""
    for cap in _quantiles(image, (0.98, 0.93, 0.85, 0.75)):
        yield np.minimum(image, np.asarray(cap, image.dtype))


def _without_bright(image: Image, pixel_size_um: float) -> Iterator[Image]:
    """The image with glass where it is brightest."""
    for cap in _quantiles(image, (0.98, 0.93, 0.85, 0.75)):
        yield _with_glass(image, np.asarray(image > cap), pixel_size_um)


def _quantiles(image: Image, shares: Sequence[float]) -> list[float]:
    scanned = image[~not_scanned(image)]
    return [float(np.quantile(scanned, share)) for share in shares] if image.ndim == 2 and scanned.size else []


def _with_glass(image: Image, where: Mask, pixel_size_um: float) -> Image:
    """The image with glass in the place of something, and of its glow around it."""
    away = _near(where, GLOW_UM / pixel_size_um)
    rest = ~away & ~not_scanned(image)
    if not rest.any():
        return image
    # A quarter of what is left is glass at least, and glass is darker than tissue, or in colour brighter.
    glass = np.quantile(image[rest], 0.25 if image.ndim == 2 else 0.75, axis=0).astype(image.dtype)
    without: NDArray[Any] = image.copy()
    without[away] = glass
    return without
