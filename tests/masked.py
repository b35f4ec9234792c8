"""Sections with masks, as MaskProposal and Masks leave them, without a run."""

from __future__ import annotations

import numpy as np

from brainstack.files.tiff import read_tiff, write_tiff
from brainstack.images.paint import preview
from brainstack.plan import Plan
from brainstack.stamps import Stamp, Stamps, Step, digest

SHAPE = (40, 60)
"""Of each mask, as tests/by_hand.py scans scenes."""


def proposal_of(place: int) -> np.ndarray:
    """A mask that is a little different for every section."""
    mask = np.zeros(SHAPE, np.uint8)
    mask[10:30, 10 : 40 + place] = 255
    return mask


def make_mask(plan: Plan, key: str, place: int) -> np.ndarray:
    """Leave behind what the stages would. Returns the mask in force."""
    folder, grey = plan.folder, np.random.default_rng(place).integers(0, 256, SHAPE).astype(np.uint8)
    proposal = proposal_of(place)
    mask = read_tiff(folder.edit(key)) if folder.edit(key).exists() else proposal
    colored = preview(grey, mask > 0)
    write_tiff(folder.keyed("normalized", key, 1), grey, 10)
    write_tiff(folder.keyed("proposal", key), proposal, 10)
    write_tiff(folder.keyed("thumbnail_colored", key), colored, 10)
    write_tiff(folder.keyed("thumbnail_masked", key), mask, 10)
    stamps = Stamps(folder.stamps)
    stamps.write(Step("MaskProposal", 0, key), Stamp("a", {"": digest(proposal), "file": digest(colored)}))
    stamps.write(Step("Masks", 0, key), Stamp("a", {"": digest(mask), "file": digest(mask)}))
    return mask
