"""TrainMasks: a model that proposes masks as people paint them."""

from __future__ import annotations

import functools
import logging

import numpy as np
from numpy.typing import NDArray

from brainstack.edits import planned_mask
from brainstack.errors import BrainstackError
from brainstack.files.tiff import read_tiff
from brainstack.images.mask_model import LEAST_SECTIONS, MaskModel, Origin, PaintedSection, train
from brainstack.mask_models import write_model
from brainstack.plan import Plan
from brainstack.run_log import line_of
from brainstack.stages import painted
from brainstack.stamps import Step
from tasks.base import AnimalTask

log = logging.getLogger("brainstack")


class TrainMasks(AnimalTask):
    """Learns from the masks that people painted which pixels are tissue, for `[masks] model` to propose like them."""

    def check(self) -> None:
        count = len(painted(self.plan))
        if count < LEAST_SECTIONS:
            where = self.plan.folder.numbered("thumbnail_colored", 0).parent
            raise BrainstackError(
                f"{self.animal} has {count} sections whose mask a person painted, wanted at least {LEAST_SECTIONS} "
                f"(20 make a good model); paint more of them in {where}."
            )

    def make(self, plan: Plan, step: Step) -> None:
        sections = [
            PaintedSection(key, plan.section[key].slide, functools.partial(_read, plan, key)) for key in painted(plan)
        ]
        origin = Origin(plan.folder.prep_id, plan.settings.masks.channel, plan.is_colour, plan.pixel_size_um)

        model = train(sections, origin, settings=plan.settings.masks, training=plan.settings.train_masks)

        write_model(plan.folder.mask_model, model)
        log.info("%s", line_of(plan, step, summary(model)))


def _read(plan: Plan, key: str) -> tuple[NDArray[np.uint8] | NDArray[np.uint16], NDArray[np.bool_]]:
    """A section's thumbnail, and the mask that a person made of it."""
    thumbnail = read_tiff(plan.folder.tif_thumbnail(plan.section[key].tif_name(plan.settings.masks.channel)))
    return thumbnail, planned_mask(plan, key) > 0


def summary(model: MaskModel) -> str:
    """How near the model comes to the people's masks, beside the proposal without it."""
    known = [one for one in model.lessons if one.dice is not None and one.classical_dice is not None]
    ways = (("by the model", [one.dice for one in known]), ("without it", [one.classical_dice for one in known]))
    words = [f"{name} {np.median(values):.3f}, lowest {min(values):.3f}" for name, values in ways]  # type: ignore[type-var]
    return f"median Dice on {len(known)} sections, each judged by what the other slides taught: {'; '.join(words)}"
