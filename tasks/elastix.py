"""Elastix: how each section lies on those before it."""

from __future__ import annotations

import dataclasses
from typing import Any

from brainstack.alignment_results import read_cleaned_mask
from brainstack.files.tiff import read_tiff
from brainstack.files.whole import write_json
from brainstack.images.colour import inverted_luminance
from brainstack.images.registration import measure_pair, register_pair
from brainstack.plan import Plan, section_named
from brainstack.stack_placing import pair_by_hand
from brainstack.stamps import Step, digest
from tasks.base import SectionTask
from tasks.white_point import read_background


class PairTask(SectionTask):
    """A stage for each pair of sections near each other.

    --section is the pair, 'slide001_S1..slide001_S2', or its second section: then it is the pair with the one before.
    """

    def _key(self, item: str) -> str:
        if ".." in item:
            return item
        key = section_named(self.plan, item).key
        pairs = [step.item for step in self.plan.steps(self.task_family)]
        return next((pair for pair in reversed(pairs) if pair.endswith(f"..{key}")), item)


class Elastix(PairTask):
    """A rigid transform for each pair of sections up to `[elastix] reach` apart, or the one that a person gave.

    Sections in colour are compared by how much darker than the glass they are.
    """

    def make(self, plan: Plan, step: Step) -> dict[str, str]:
        images = read_pair_images(plan, step.item)

        by_hand = pair_by_hand(plan, step.item)
        is_fine = plan.is_fine(step.item)
        if by_hand is None:
            found = register_pair(**images, mirrors="try" if is_fine else "no", by_elastix=is_fine)
        else:
            found = measure_pair(**images, by_hand=by_hand)

        write_json(plan.folder.pair(step.item), dataclasses.asdict(found))
        return {"": digest(dataclasses.asdict(found))}


def read_pair_images(plan: Plan, pair: str) -> dict[str, Any]:
    """What `register_pair` takes of a pair: both cleaned thumbnails with their masks, and how to compare them."""
    keys, channel = pair.split(".."), plan.settings.elastix.channel
    fixed, moving = (read_tiff(plan.folder.keyed("thumbnail_cleaned", key, channel)) for key in keys)
    if plan.is_colour:
        white = read_background(plan, channel)
        fixed, moving = (inverted_luminance(one, white) for one in (fixed, moving))
    fixed_mask, moving_mask = (read_cleaned_mask(plan, key) for key in keys)
    return {
        "fixed": fixed,
        "moving": moving,
        "fixed_mask": fixed_mask,
        "moving_mask": moving_mask,
        "pixel_size_um": plan.pixel_size_um,
        "settings": plan.settings.elastix,
    }
