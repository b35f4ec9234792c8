"""Tissue against glass on a thumbnail: the mask that is proposed to a person.

Two things tell tissue from glass: its light, which says where it ends, and its grain, which says what is none.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import binary_fill_holes

from brainstack.images.mask_grain import Grain, grain_of, missed, without_smooth, without_smooth_fields
from brainstack.images.mask_light import (
    Light,
    light_above_glass,
    light_below_clouds,
    looks_like_tissue,
    off_colour,
    sparks,
)
from brainstack.images.mask_shapes import NoTissueError, filled, kept_pieces
from brainstack.images.planes import Image, Mask, Plane, at_scale_of, at_working_scale, dice, grown, within
from brainstack.settings import MasksSettings

AGREE = 0.95
"""Share of the grain's core that the light finds as well where both are right."""
WIDER = 1.25
"""A mask this many times as large as the core that it holds has something else in it."""
BETTER, WRONG = 0.03, 0.75
"""Overlap (Dice) with the core: by how much another mask must be nearer to be taken, and below which none is right."""
MOSTLY = 0.6
"""Where less than this share of what is bright is rough, its outline is that of haze or a smear."""


def propose_mask(image: Image, *, pixel_size_um: float, settings: MasksSettings) -> Mask:
    """The tissue of one section, filled inside its outline.

    A smooth glass level is subtracted; a pixel is tissue where it is above a share of the tissue nearby, so that
    bright and faint parts of a section both end at the middle of their edge. Hairs, dust, rims of bubbles, debris,
    smears and tissue of the neighbouring scene are taken away; holes that tissue encloses (ventricles) belong to it.

    image : (rows, columns) uint8 or uint16, linear in the light; exact zeros in straight-edged fields were not scanned.
    Or (rows, columns, 3) uint8, colour in bright field, where what was not scanned is pure white.
    pixel_size_um : side of a pixel of `image` in micrometres, about 5 to 50.
    Returns (rows, columns) bool, True on tissue. Raises NoTissueError where no tissue is found.
    """
    planes, scanned = at_working_scale(image, pixel_size_um / settings.working_um)
    grain = grain_of(image, scanned, pixel_size_um=pixel_size_um, settings=settings)
    section = _Section(planes, scanned, grain, settings)
    # In colour the stain's hue tells more than the grain, which steps between fields blur.
    return at_scale_of(image, section.by_light_and_grain() if section.trusts_grain else section.by_light())


class _Section:
    """One section at the working scale, whose tissue is looked for from several guesses of its glass."""

    def __init__(self, planes: tuple[Plane, ...], scanned: Mask, grain: Grain, settings: MasksSettings) -> None:
        self.planes, self.scanned, self.grain, self.settings = planes, scanned, grain, settings
        self.has_core = np.count_nonzero(grain.core) * settings.working_um**2 >= settings.piece_um2
        self.trusts_grain = self.has_core and len(planes) == 1

    def by_light(self) -> Mask:
        """(rows, columns) bool. Raises NoTissueError where there is none."""
        settings = self.settings
        light = light_above_glass(self.planes, self.scanned, settings)
        try:
            first = self._tissue_in(light)
        except NoTissueError:
            light = light_below_clouds(self.planes, self.scanned, settings)
            first = self._tissue_in(light)
        # What lies far from that tissue is glass, however uneven: a closer look at its level finds the outline. Debris
        # with its glow is none, and would raise the level of the glass beside it.
        nearby_px = settings.nearby_um / settings.working_um
        debris = light.above > np.median(light.above[first])
        closer = self._tissue_above(self.scanned & ~grown(first, nearby_px) & ~grown(debris, nearby_px))
        # It is to find what was missed; where it loses a tenth of the tissue, light from beside has misled it.
        if closer is not None and np.count_nonzero(first & closer) > 0.9 * np.count_nonzero(first):
            return closer
        return first

    def by_light_and_grain(self) -> Mask:
        """The same, where the grain tells what is glass when the light alone was misled."""
        core, px = self.grain.core, self.settings.working_um
        try:
            found = self.by_light()
        except NoTissueError:
            found = np.zeros_like(core)
        both = np.count_nonzero(found & core)
        if both < AGREE * np.count_nonzero(core) or np.count_nonzero(found) > WIDER * both:
            reach_px = self.settings.grain_spread_um / px
            again = self._tissue_above(self.scanned & ~grown(self.grain.rough, reach_px))
            if again is not None and dice(again, core) > dice(found, core) + BETTER:
                found = again
            trimmed = within(core, self.scanned, reach_px)
            if dice(found, trimmed) < WRONG:
                found = trimmed
        return found

    def _grain_tells(self, mask: Mask) -> bool:
        """Whether what is smooth in a mask is none of its tissue. Tissue that is smooth itself has its core elsewhere,
        and in colour a small one, where the edges of fields cross."""
        core, both = int(np.count_nonzero(self.grain.core)), int(np.count_nonzero(mask & self.grain.core))
        is_large = self.trusts_grain or 5 * both > np.count_nonzero(mask)
        return bool(self.has_core and is_large and 2 * both > core)

    def _tissue_above(self, glass: Mask) -> Mask | None:
        """The tissue, where that much is surely glass; None where there is no tissue, or no glass."""
        if not glass.any():
            return None
        light = light_above_glass(self.planes, self.scanned, self.settings, surely_glass=glass)
        try:
            return self._tissue_in(light)
        except NoTissueError:
            return None

    def _tissue_in(self, light: Light) -> Mask:
        """(rows, columns) bool. Raises NoTissueError where there is none."""
        grain, settings = self.grain, self.settings
        bright = looks_like_tissue(light, settings)
        debris = sparks(light, bright, settings) | off_colour(light, bright)
        mask = filled(bright, debris, settings)
        if self._grain_tells(mask):
            mask = without_smooth(mask, grain, settings)
        if self.trusts_grain:
            rough = without_smooth_fields(mask, grain, settings)
            if np.count_nonzero(rough) < MOSTLY * np.count_nonzero(mask):
                raise NoTissueError("The light of this section is mostly that of smears or haze; paint a mask.")
            mask = rough
            more = missed(mask, grain, light, settings)
            mask, bright = np.asarray(binary_fill_holes(mask | more)), bright | more
        return kept_pieces(mask, bright, light, settings=settings)
