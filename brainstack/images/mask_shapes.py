"""Which shapes are tissue of a section: filled, without hairs and rims, and of its own pieces only."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_fill_holes

from brainstack.errors import BrainstackError
from brainstack.images.mask_light import Light
from brainstack.images.planes import Mask, blurred_inside, closed, grown, opened, shrunk, surrounded
from brainstack.settings import MasksSettings


class NoTissueError(BrainstackError):
    """No tissue was found on a section."""


def shaped(bright: Mask, debris: Mask, light: Light, settings: MasksSettings) -> Mask:
    """The mask of a section from what looks like tissue: filled, without hairs, and of its own pieces only.

    bright, debris : (rows, columns) bool at the working scale. Returns the same. Raises NoTissueError where none is
    left.
    """
    return kept_pieces(filled(bright, debris, settings), bright, light, settings=settings)


def _without_thin(mask: Mask, settings: MasksSettings) -> Mask:
    """The mask without hairs, rims and specks; corners that an opening rounds off are given back."""
    radius_px = settings.hair_um / 2 / settings.working_um
    return grown(opened(mask, radius_px), radius_px / 2) & mask


def filled(bright: Mask, sparks: Mask, settings: MasksSettings) -> Mask:
    """Thick tissue with what it encloses.

    A hole is filled where most of its rim is thick tissue: a ventricle behind a thin wall is, a bubble on glass, all
    thin rim, is not. A spark in tissue or on its edge stays: taking it away would bite into the outline.
    """
    tissue = bright & ~sparks
    thick = closed(_without_thin(tissue, settings), settings.gap_um / 2 / settings.working_um)
    walls = thick | tissue
    holes = surrounded(np.asarray(binary_fill_holes(walls) & ~walls), grown(thick, 1), share=0.5)
    debris_on_tissue = surrounded(sparks, thick, share=1 / 3)
    whole = _without_thin(thick | holes | debris_on_tissue | (grown(holes, 2) & tissue), settings)
    return np.asarray(binary_fill_holes(whole), np.bool_)


def kept_pieces(mask: Mask, bright: Mask, light: Light, *, settings: MasksSettings) -> Mask:
    """The pieces that are tissue of this section. Raises BrainstackError where there is none."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    pixels = stats[:, cv2.CC_STAT_AREA]
    level = np.bincount(labels.ravel(), light.above.ravel(), count) / pixels
    cut = np.isin(np.arange(count), labels[~shrunk(light.scanned, 2)])
    # The rims of bubbles may be as thick as two hairs, with glass inside.
    solid = opened(closed(bright, settings.gap_um / 2 / settings.working_um), settings.hair_um / settings.working_um)
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
            f"of tissue has at least {settings.piece_um2:.0f} um2; where tissue fills the whole scan there is no glass "
            "to tell it from: paint a mask; where there is none, mark the scene as bad."
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
    step = blurred_inside(light.above, pieces, side_px) - blurred_inside(light.above, glass, side_px)
    width_um = settings.working_um * np.maximum(step, 0) / np.maximum(steepest, 1e-3)
    # Where the scan cuts a piece, that is no outline.
    outline = pieces & ~shrunk(pieces, 1) & shrunk(light.scanned, 4)
    widths = np.zeros(count)
    for piece in range(1, count):
        of_piece = width_um[outline & (labels == piece)]
        widths[piece] = np.quantile(of_piece, 0.25) if of_piece.size else 0
    return widths
