"""One axis for the histograms of all channels, whichever of them could be made."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from by_hand import plan_of, slide

from brainstack.files.arrays import write_arrays
from brainstack.files.whole import write_json
from brainstack.plan import Plan
from brainstack.stamps import Step
from tasks import ChannelHistogram


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    """Two sections in two channels, counted: the first up to 1000, the second, ten times as bright, up to 10000."""
    plan = plan_of(tmp_path, (slide(1),))
    for channel, brightest in ((1, 1000), (2, 10_000)):
        counts = np.zeros(65536, np.int64)
        counts[1:brightest] = 5
        for key in plan.section:
            write_arrays(plan.folder.keyed("histogram", key, channel, ".npz"), counts=counts)
        write_json(plan.folder.small(f"gain_C{channel}"), {"gain": 65535 / brightest, "sections": {}})
    return plan


def axis_of(plan: Plan, channel: int) -> dict[str, int]:
    ChannelHistogram(animal="DK39").make(plan, Step("ChannelHistogram", channel))
    content = json.loads(plan.folder.small(f"channel_histogram_C{channel}").read_text())
    return dict(content["axis"])


def test_all_channels_share_an_axis_that_holds_the_brightest(plan: Plan) -> None:
    assert axis_of(plan, 1) == axis_of(plan, 2)
    assert axis_of(plan, 1)["end"] > 10_000


def test_a_channel_has_its_own_sections_only(plan: Plan) -> None:
    axis_of(plan, 1)
    table = plan.folder.histogram(1, plan.folder.prep_id).with_suffix(".csv").read_text().splitlines()
    assert sum(int(line.split(",")[2]) for line in table[1:]) == 2 * 5 * 999


def test_a_channel_whose_gain_or_counting_failed_leaves_the_others_theirs(plan: Plan) -> None:
    plan.folder.small("gain_C2").unlink()
    assert axis_of(plan.without([Step("Gain", 2)]), 1)["end"] == 10_000  # its sections were counted
    counted = [Step("Histogram", 2, key) for key in plan.section]
    assert axis_of(plan.without([Step("Gain", 2), *counted]), 1)["end"] < 2_000
