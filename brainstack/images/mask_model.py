"""Masks as people paint them: a forest of decision trees that learnt from their sections which pixels are tissue.

What it says of single pixels goes through the same rules of shape as the proposal without a model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from brainstack.errors import BrainstackError
from brainstack.images.mask_features import VERSION, Features, blurred, close_to, features
from brainstack.images.mask_shapes import NoTissueError, shaped
from brainstack.images.masks import propose_mask
from brainstack.images.planes import Image, Mask, at_scale_of, dice
from brainstack.images.trees import Tree, booster_of, grown_trees
from brainstack.settings import MasksSettings, TrainMasksSettings

FEATURE_SETTINGS = (
    *("working_um", "smoothing_um", "slope_um", "noise_factor", "edge_share", "faint_share", "nearby_um"),
    *("grain_um", "grain_spread_um", "grain_factor", "core_um", "hair_um"),
)
"""Those of [masks] that the features depend on: a model is of use with the same only."""
LEAST_SECTIONS = 3
OUTLINE_UM = 300.0
"""Half of the pixels to learn from are nearer to the outline than this: there it is decided."""

WHEN_SURE = {"pred_early_stop": True, "pred_early_stop_freq": 10, "pred_early_stop_margin": 8.0}
"""Every ten trees, pixels that are 50 to 1 either way are asked no more: a third of the time, and no pixel of the
made-up brain changes sides."""
SURE = 0.2
"""How near to glass (0) or to tissue (1) a pixel and those around it must be for those between them to be the same."""


@dataclass(frozen=True)
class PaintedSection:
    """A section whose mask a person made. read : gives its thumbnail, as `propose_mask` takes it, and its mask,
    (rows, columns) bool; asked for twice, so that no more than one need be in memory."""

    key: str
    slide: str
    read: Callable[[], tuple[Image, Mask]]


@dataclass(frozen=True)
class Origin:
    """Where the sections of a model come from. channel : counted from 1. pixel_size_um : of a thumbnail."""

    animal: str
    channel: int
    is_colour: bool
    pixel_size_um: float


@dataclass(frozen=True)
class Lesson:
    """A section that a model learnt from. tissue_px, glass_px : how many pixels of either were taken.

    dice : overlap with the person's mask of what the model proposes when the section's slide is left out of training.
    classical_dice : of the proposal without a model. None where that was not measured.
    """

    key: str
    slide: str
    tissue_px: int
    glass_px: int
    dice: float | None = None
    classical_dice: float | None = None


@dataclass(frozen=True)
class MaskModel:
    """A forest, and all that is known of it. settings, sigmas_um : what its features were made with. version : of the
    features."""

    origin: Origin
    settings: Mapping[str, float]
    sigmas_um: tuple[float, ...]
    features: tuple[str, ...]
    lessons: tuple[Lesson, ...]
    trees: tuple[Tree, ...]
    version: int = VERSION

    @cached_property
    def booster(self) -> Any:
        """LightGBM's own form of the trees."""
        return booster_of(self.trees, len(self.features))


# Proposing


def propose_mask_by_model(image: Image, model: MaskModel, *, pixel_size_um: float, settings: MasksSettings) -> Mask:
    """The tissue of one section as the model's people would paint it, filled inside its outline.

    image, pixel_size_um : as in `propose_mask`. Returns (rows, columns) bool, True on tissue. Raises NoTissueError
    where no tissue is found, and BrainstackError where the model is for other images or settings.
    """
    check_fits(model, image, settings)
    found = features(image, pixel_size_um=pixel_size_um, settings=settings, sigmas_um=model.sigmas_um)
    likely = blurred(predict(model, found), settings.smoothing_um / settings.working_um)
    tissue = np.asarray((likely > 0.5) & found.light.scanned)
    return at_scale_of(image, shaped(tissue, np.zeros_like(tissue), found.light, settings))


def predict(model: MaskModel, found: Features) -> NDArray[np.float32]:
    """How likely each pixel is tissue: (rows, columns) float32, from 0 to 1; 0 where nothing was scanned.

    Of four pixels one is asked first, and the others only where it and those around it are not of one mind.
    """
    scanned = found.light.scanned
    first = _asked(model, found.values[::2, ::2], scanned[::2, ::2])
    around = np.ones((3, 3), np.uint8)
    sure = np.asarray((cv2.dilate(first, around) < SURE) | (cv2.erode(first, around) > 1 - SURE))
    is_sure = _twice(sure, scanned.shape)
    others = _asked(model, found.values, scanned & ~is_sure)
    return np.asarray(np.where(is_sure, _twice(first, scanned.shape), others), np.float32)


def _twice(small: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """Each pixel as four: (rows, columns) of a plane that every second row and column was taken of."""
    return np.asarray(small.repeat(2, axis=0).repeat(2, axis=1)[: shape[0], : shape[1]])


def _asked(model: MaskModel, values: NDArray[np.float32], where: Mask) -> NDArray[np.float32]:
    """How likely the pixels of a place are tissue, 0 elsewhere: (rows, columns) float32."""
    likely = np.zeros(where.shape, np.float32)
    if where.any():
        likely[where] = model.booster.predict(values[where], num_threads=1, **WHEN_SURE)
    return likely


def check_fits(model: MaskModel, image: Image, settings: MasksSettings) -> None:
    """Raise BrainstackError where a model cannot judge an image: other features, colour on grey, other settings."""
    again = f"train it again: `luigi --module tasks TrainMasks --animal {model.origin.animal}`"
    if model.version != VERSION:
        raise BrainstackError(
            f"The mask model of {model.origin.animal} was trained by another brainstack, which looked at pixels in "
            f"another way (version {model.version}; this one wants version {VERSION}); {again}."
        )
    if model.origin.is_colour != (image.ndim == 3):
        kinds = ("colour", "grey") if model.origin.is_colour else ("grey", "colour")
        raise BrainstackError(
            f"The mask model of {model.origin.animal} was trained on sections in {kinds[0]}, and this one is in "
            f'{kinds[1]}; set [masks] model to one that was trained in {kinds[1]}, or to "".'
        )
    for name, now in feature_settings(settings).items():
        if model.settings.get(name) != now:
            raise BrainstackError(
                f"The mask model of {model.origin.animal} was trained with [masks] {name} = "
                f"{model.settings.get(name)}, now it is {now}; set it back, or {again}."
            )


def feature_settings(settings: MasksSettings) -> dict[str, float]:
    """The settings of [masks] that features depend on, by name."""
    return {name: getattr(settings, name) for name in FEATURE_SETTINGS}


# Training


def train(
    sections: Sequence[PaintedSection], origin: Origin, *, settings: MasksSettings, training: TrainMasksSettings
) -> MaskModel:
    """A model of what people painted, with its Dice on each section when it had not seen the section's slide.

    The same sections give the same model. Raises BrainstackError for fewer than three sections.
    """
    if len(sections) < LEAST_SECTIONS:
        raise BrainstackError(
            f"{origin.animal} has {len(sections)} sections with a mask that a person made, wanted at least "
            f"{LEAST_SECTIONS}; paint more of them in preps/masks/thumbnail_colored."
        )
    samples = [_sampled(one, origin, settings, training) for one in sections]
    model = _model_of(samples, origin, settings, training)
    tested: dict[str, Lesson] = {}
    for left_out in _folds([one.slide for one in sections], training.folds):
        others = _model_of([samples[place] for place in range(len(sections)) if place not in left_out],
                           origin, settings, training)  # fmt: skip
        for place in left_out:
            tested[sections[place].key] = _tested(samples[place].lesson, sections[place], others, settings)
    return replace(model, lessons=tuple(tested[one.key] for one in sections))


@dataclass(frozen=True)
class _Sample:
    """Pixels of a section. values : (pixels, features) float32. is_tissue : (pixels,) bool."""

    values: NDArray[np.float32]
    is_tissue: Mask
    names: tuple[str, ...]
    lesson: Lesson


def _sampled(section: PaintedSection, origin: Origin, settings: MasksSettings, training: TrainMasksSettings) -> _Sample:
    image, mask = section.read()
    um, sigmas_um = origin.pixel_size_um, training.sigmas_um
    found = features(image, pixel_size_um=um, settings=settings, sigmas_um=sigmas_um)
    small = at_shape(mask, found.light.scanned.shape)
    near = close_to(small, OUTLINE_UM / settings.working_um)
    random = np.random.default_rng(0)
    chosen = []
    for place in (near, ~near):
        there = np.flatnonzero(place & found.light.scanned)
        chosen.append(random.choice(there, min(len(there), training.pixels // 2), replace=False))
    pixels = np.sort(np.concatenate(chosen))
    is_tissue = small.ravel()[pixels]
    values = found.values.reshape(-1, len(found.names))[pixels]
    counts = int(np.count_nonzero(is_tissue)), int(np.count_nonzero(~is_tissue))
    return _Sample(values, is_tissue, found.names, Lesson(section.key, section.slide, *counts))


def at_shape(mask: Mask, shape: tuple[int, ...]) -> Mask:
    """A mask with other (rows, columns): bool."""
    return at_scale_of(np.empty(shape, np.uint8), mask)


def _model_of(
    samples: Sequence[_Sample], origin: Origin, settings: MasksSettings, training: TrainMasksSettings
) -> MaskModel:
    values, is_tissue = (
        np.concatenate(parts) for parts in zip(*((s.values, s.is_tissue) for s in samples), strict=True)
    )
    return MaskModel(
        origin=origin,
        settings=feature_settings(settings),
        sigmas_um=training.sigmas_um,
        features=samples[0].names,
        lessons=tuple(one.lesson for one in samples),
        trees=grown_trees(values, is_tissue, trees=training.trees, leaves=training.leaves),
    )


def _folds(slides: Sequence[str], folds: int) -> list[list[int]]:
    """Places of the sections that are left out together: whole slides, whose sections are alike; where all are of one
    slide, single sections."""
    groups = list(slides) if len(set(slides)) > 1 else [str(place) for place in range(len(slides))]
    names = list(dict.fromkeys(groups))
    count = min(folds, len(names))
    return [[place for place, name in enumerate(groups) if names.index(name) % count == fold] for fold in range(count)]


def _tested(lesson: Lesson, section: PaintedSection, model: MaskModel, settings: MasksSettings) -> Lesson:
    image, mask = section.read()
    um = model.origin.pixel_size_um
    ways: tuple[Callable[[], Mask], ...] = (
        lambda: propose_mask_by_model(image, model, pixel_size_um=um, settings=settings),
        lambda: propose_mask(image, pixel_size_um=um, settings=settings),
    )
    by_model, classical = (_dice_of(way, mask) for way in ways)
    return replace(lesson, dice=by_model, classical_dice=classical)


def _dice_of(way: Callable[[], Mask], mask: Mask) -> float:
    """Overlap of a proposal with a person's mask, rounded to four digits; 0 where there is none."""
    try:
        found = way()
    except NoTissueError:
        return 0.0
    return round(dice(found, mask), 4)
