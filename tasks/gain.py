"""Gain: one number for an animal and channel; and where asked for, what evens out its sections."""

from __future__ import annotations

from typing import Any

import numpy as np

from brainstack.approval import in_force
from brainstack.errors import BrainstackError
from brainstack.files.whole import write_json
from brainstack.images.histograms import MeasuredGain, evening_factors, gain_for, quantile_level
from brainstack.intake import record
from brainstack.plan import Plan
from brainstack.stamps import Step, digest
from tasks.base import ChannelTask
from tasks.histogram import counts_of_section


class Gain(ChannelTask):
    """The factor that brings a channel's bright tissue to the target, the same for all its sections."""

    def make(self, plan: Plan, step: Step) -> dict[str, str]:
        name = f"gain_C{step.channel}"

        computed, measured = _computed(plan, step)
        content = in_force(plan, name, computed)
        factors = _evening(plan, step)

        write_json(plan.folder.small(name), {**content, "sections": factors})
        found = {"channel": step.channel, "gain": content["gain"], "approved": name in plan.approved}
        record(plan.folder, "gain", found)
        by_value = {"": digest(content["gain"]), **{key: digest(factor) for key, factor in factors.items()}}
        return by_value | _told(plan, step, measured)

    def details(self, values: dict[str, str]) -> dict[str, str]:
        return {name: values[name] for name in TOLD if name in values}


TOLD = ("gain", "level", "left_out", "is_saturated")
"""What the stamp and the log have of how the gain was measured."""


def _computed(plan: Plan, step: Step) -> tuple[dict[str, Any], MeasuredGain | None]:
    """The gain, or why there is none, where one is approved and goes on without it; and how it was measured."""
    names = {one.number: one.name for one in plan.channels}
    try:
        title = f"Channel {step.channel} ({names[step.channel]})"
        sections = (counts_of_section(plan, one.step) for one in plan.inputs(step))
        measured = gain_for(sections, plan.settings.gain, name=title)
        return {"gain": measured.gain}, measured
    except BrainstackError as error:
        if f"gain_C{step.channel}" not in plan.approved:
            record(plan.folder, "gain", {"channel": step.channel})  # none is in force any more
            raise
        return {"error": str(error)}, None


def _told(plan: Plan, step: Step, measured: MeasuredGain | None) -> dict[str, str]:
    """left_out : the keys of the sections that had no say, as they are saturated."""
    if measured is None:
        return {}
    keys = [one.step.item for one, is_out in zip(plan.inputs(step), measured.left_out, strict=True) if is_out]
    return {
        "gain": f"{measured.gain:.6g}",
        "level": f"{measured.level:.6g}",
        "left_out": " ".join(keys),
        "is_saturated": str(int(measured.is_saturated)),
    }


def _evening(plan: Plan, step: Step) -> dict[str, float]:
    """Section key -> what its gain is multiplied by; nothing where [gain] even_um is 0."""
    settings = plan.settings.gain
    if not settings.even_um:
        return {}
    steps = [one.step for one in plan.inputs(step)]
    counts = [counts_of_section(plan, one) for one in steps]
    levels = [quantile_level(one, settings.even_quantile) if one.any() else 0 for one in counts]
    depths_um = [plan.section[one.item].z_um for one in steps]
    factors = evening_factors(np.array(levels, float), np.array(depths_um, float), settings)
    return {one.item: float(factor) for one, factor in zip(steps, factors, strict=True)}
