"""PairRetry: pairs that contradict the others, tried again."""

from __future__ import annotations

import dataclasses
import json

import numpy as np

from brainstack.alignment_results import read_registered
from brainstack.files.whole import write_json
from brainstack.images.registration import Registered, register_pair
from brainstack.plan import Plan
from brainstack.stamps import Step, digest
from tasks.elastix import PairTask, read_pair_images


class PairRetry(PairTask):
    """Registers a pair that contradicts the others again, from where these say that it lies, and from more rotations;
    others stay as they were registered."""

    def make(self, plan: Plan, step: Step) -> dict[str, str]:
        found = read_registered(plan, step.item)
        request = json.loads(plan.folder.small("pair_check").read_text())["requests"].get(step.item)

        if request is not None:
            found = _again(plan, step.item, mirrored=request["mirrored"], starts=request["starts"])

        write_json(plan.folder.pair_in_force(step.item), dataclasses.asdict(found))
        return {"": digest(dataclasses.asdict(found))}


def _again(plan: Plan, pair: str, *, mirrored: bool, starts: list[list[list[float]]]) -> Registered:
    images = read_pair_images(plan, pair)
    settings = images.pop("settings")
    twice = {"ring_steps": 2 * settings.ring_steps, "candidates": 2 * settings.candidates}
    return register_pair(
        **images,
        settings=settings.model_copy(update=twice),
        mirrors="yes" if mirrored else "no",
        starts=[np.array(start) for start in starts],
        by_elastix=plan.is_fine(pair),
    )
