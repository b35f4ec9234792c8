"""PairCheck: which pairs contradict the others."""

from __future__ import annotations

import math
from typing import Any

from brainstack.alignment_results import radius_um, read_canvas, read_registered
from brainstack.errors import BrainstackError
from brainstack.files.whole import write_json
from brainstack.images.pair_check import Checked, Measured, check_pairs
from brainstack.images.registration import Registered
from brainstack.places_by_hand import states_by_hand
from brainstack.plan import Plan
from brainstack.stamps import Step, digest
from tasks.base import AnimalTask

AS_REGISTERED = "as registered"
"""The value of a pair that nothing contradicts: it is not made again when others are."""


class PairCheck(AnimalTask):
    """Finds sections that are mirrored, and pairs whose loops over three sections do not close."""

    def make(self, plan: Plan, step: Step) -> dict[str, str]:
        pairs = {one.step.item: read_registered(plan, one.step.item) for one in plan.inputs(step) if one.step.item}
        check_engine({pair: found for pair, found in pairs.items() if plan.is_fine(pair)})
        used = {pair: found for pair, found in pairs.items() if pair not in plan.left_out}
        shape = read_canvas(plan)

        checked = check_pairs(
            len(plan.chain),
            [measured(plan, pair, found, shape) for pair, found in used.items()],
            radius_um=radius_um(used.values()),
            pixel_size_um=plan.pixel_size_um,
            shape=shape,
            settings=plan.settings.pair_check,
            states=states_by_hand(plan),
        )

        content = _content(plan, checked)
        write_json(plan.folder.small("pair_check"), content)
        requests = {pair: digest(content["requests"].get(pair, AS_REGISTERED)) for pair in pairs}
        return {"": digest(content), "mirrored": digest(content["mirrored"]), **requests}


def check_engine(pairs: dict[str, Registered]) -> None:
    """Raise BrainstackError where elastix gave up on every pair that it was to refine: its parameters are wrong.

    pairs : those that it was to refine, or a person gave.
    """
    errors = [found.engine_error for found in pairs.values() if not (found.by_hand or found.is_same)]
    if errors and all(errors):
        raise BrainstackError(f"elastix gave up on all {len(errors)} pairs; put config/rigid.toml right: {errors[0]}")


def measured(plan: Plan, pair: str, found: Registered, shape: tuple[int, int]) -> Measured:
    """A pair for the check. shape : (rows, columns) of the cleaned canvas."""
    fixed, moving = (plan.place_in_chain[key] for key in pair.split(".."))
    matrix = found.matrix(plan.pixel_size_um, shape)
    return Measured(fixed, moving, matrix, found.likeness, found.likeness_other, found.by_hand)


def _content(plan: Plan, checked: Checked) -> dict[str, Any]:
    def named(places: tuple[int, int]) -> str:
        return "..".join(plan.chain[place] for place in places)

    return {
        "mirrored": sorted(plan.chain[place] for place in checked.mirrored),
        "requests": {
            named(places): {"mirrored": one.mirrored, "starts": [start.tolist() for start in one.starts]}
            for places, one in sorted(checked.requests.items())
        },
        "open_um": {  # a pair that is in no loop has none
            named(places): round(value, 1) for places, value in sorted(checked.open_um.items()) if math.isfinite(value)
        },
    }
