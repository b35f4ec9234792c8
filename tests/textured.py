"""Made-up sections that only their grain tells apart: tissue, and a smear of dried medium, as bright and as rough as
tissue, but with a grain twice as coarse."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from brainstack.images.mask_model import MaskModel, Origin, PaintedSection, train
from brainstack.settings import load_settings

MASKS = load_settings().masks
TRAINING = load_settings().train_masks.model_copy(update={"trees": 20, "pixels": 4000})
PIXEL_UM = 20.0
SHAPE = (220, 260)
ORIGIN = Origin("DK39", 1, False, PIXEL_UM)


def section(seed: int) -> tuple[NDArray[np.uint16], NDArray[np.bool_]]:
    """A round section of 2.4 mm with the grain of cells, and a smear of 1.6 mm beside it; and the section's mask."""
    random = np.random.default_rng(seed)
    tissue, smear = np.zeros((2, *SHAPE), np.float32)
    cv2.circle(tissue, (80 + int(random.integers(20)), 100), 60, 1, -1)
    cv2.circle(smear, (205, 120 + int(random.integers(20))), 40, 1, -1)
    cells, crystals = (cv2.GaussianBlur(random.standard_normal(SHAPE), (0, 0), size_px) * size_px for size_px in (1, 2))
    light = 400 + 1500 * (smear * (1 + crystals) + tissue * (1 + cells))
    light = cv2.GaussianBlur(light, (0, 0), 1) + 12 * random.standard_normal(SHAPE)
    return np.clip(light, 1, 65535).astype(np.uint16), tissue > 0


def painted(seed: int) -> PaintedSection:
    return PaintedSection(f"slide{seed:03d}_S1", f"slide{seed:03d}", lambda: section(seed))


def trained(count: int = 4) -> MaskModel:
    return train([painted(seed) for seed in range(count)], ORIGIN, settings=MASKS, training=TRAINING)
