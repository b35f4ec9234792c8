"""Elastix: how each section lies on the one before it."""

from __future__ import annotations

import dataclasses
from typing import Any

from brainstack.files.tiff import read_tiff
from brainstack.files.whole import write_json
from brainstack.images.colour import inverted_luminance
from brainstack.images.registration import measure_pair, register_pair
from brainstack.intake import record
from brainstack.plan import Plan, section_named
from brainstack.records import PairTransform
from brainstack.stamps import Step, digest
from tasks.base import SectionTask
from tasks.clean import read_cleaned_mask
from tasks.white_point import read_background


class Elastix(SectionTask):
    """A rigid transform for each pair of neighbours, or the one that a person gave.

    Sections in colour are compared by how much darker than the glass they are.
    --section is the pair, 'slide001_S1..slide001_S2', or its second section.
    """

    def _key(self, item: str) -> str:
        if ".." in item:
            return item
        key = section_named(self.plan, item).key
        pairs = [step.item for step in self.plan.steps(self.task_family)]
        return next((pair for pair in pairs if pair.endswith(f"..{key}")), item)

    def make(self, plan: Plan, step: Step) -> dict[str, str]:
        keys = step.item.split("..")
        channel = plan.settings.elastix.channel
        fixed, moving = (read_tiff(plan.folder.keyed("thumbnail_cleaned", key, channel)) for key in keys)
        if plan.is_colour:
            white = read_background(plan, channel)
            fixed, moving = (inverted_luminance(one, white) for one in (fixed, moving))
        fixed_mask, moving_mask = (read_cleaned_mask(plan, key) for key in keys)

        both: dict[str, Any] = {"fixed_mask": fixed_mask, "moving_mask": moving_mask}
        both |= {"pixel_size_um": plan.pixel_size_um, "settings": plan.settings.elastix}
        by_hand = plan.by_hand.get(step.item)
        if by_hand is None:
            found = register_pair(fixed, moving, **both)
        else:
            found = measure_pair(fixed, moving, **both, by_hand=by_hand)
        pair = PairTransform(*keys, found.rotation_rad, found.shift_x_um, found.shift_y_um, found.metric)

        write_json(plan.folder.pair(*keys), dataclasses.asdict(pair))
        record(plan.folder, "pair", dataclasses.asdict(pair))
        return {"": digest([pair.rotation_rad, pair.shift_x_um, pair.shift_y_um])}
