"""Gain: one number for an animal and channel; and where asked for, what evens out its sections."""

from __future__ import annotations

from typing import Any

import numpy as np

from brainstack.approval import in_force
from brainstack.errors import BrainstackError
from brainstack.files.whole import write_json
from brainstack.images.histograms import evening_factors, gain_for, quantile_level
from brainstack.intake import record
from brainstack.plan import Plan
from brainstack.stamps import Step, digest
from tasks.base import ChannelTask
from tasks.histogram import counts_of_channel, counts_of_section


class Gain(ChannelTask):
    """The factor that brings a channel's bright tissue to the target, the same for all its sections."""

    def make(self, plan: Plan, step: Step) -> dict[str, str]:
        name = f"gain_C{step.channel}"

        content = in_force(plan, name, _computed(plan, step))
        factors = _evening(plan, step)

        write_json(plan.folder.small(name), {**content, "sections": factors})
        found = {"channel": step.channel, "gain": content["gain"], "approved": name in plan.approved}
        record(plan.folder, "gain", found)
        return {"": digest(content["gain"]), **{key: digest(factor) for key, factor in factors.items()}}


def _computed(plan: Plan, step: Step) -> dict[str, Any]:
    """The gain, or why there is none, where one is approved and goes on without it."""
    names = {one.number: one.name for one in plan.channels}
    try:
        counts = counts_of_channel(plan, step)
        title = f"Channel {step.channel} ({names[step.channel]})"
        return {"gain": gain_for(counts, plan.settings.gain, name=title)}
    except BrainstackError as error:
        if f"gain_C{step.channel}" not in plan.approved:
            raise
        return {"error": str(error)}


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
