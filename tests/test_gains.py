from __future__ import annotations

from pathlib import Path

import pytest
from by_hand import plan_of, settings_with, slide

from brainstack.errors import BrainstackError
from brainstack.files.whole import write_json
from brainstack.gains import channel_gain, section_gain
from brainstack.plan import Plan
from brainstack.stages import Input
from brainstack.stamps import Step
from tasks.histogram import _marks


def plan_with(root: Path, even_um: float) -> Plan:
    """Two sections and a copy of the first; the gain of channel 2 is 4, and evening out halves that of the first."""
    settings = settings_with(tifs={"thumbnail_factor": 1}, gain={"even_um": even_um})
    plan = plan_of(root, (slide(1, replicates={1: 1}),), settings=settings)
    write_json(plan.folder.small("gain_C2"), {"gain": 4.0, "sections": {"slide001_S1": 0.5} if even_um else {}})
    return plan


def test_without_evening_out_all_sections_have_the_channel_s_gain(tmp_path: Path) -> None:
    plan = plan_with(tmp_path, 0.0)
    assert channel_gain(plan, 2) == section_gain(plan, 2, "slide001_S1") == section_gain(plan, 2, "slide001_S2") == 4


def test_evened_out_a_section_has_its_own_gain_and_its_copy_the_same(tmp_path: Path) -> None:
    plan = plan_with(tmp_path, 500.0)
    assert channel_gain(plan, 2) == 4
    assert section_gain(plan, 2, "slide001_S1") == section_gain(plan, 2, "slide001_S1_copy1") == 2
    with pytest.raises(BrainstackError, match="brightness of slide001_S2 is not known"):
        section_gain(plan, 2, "slide001_S2")


def test_the_lines_of_a_section_s_histogram_are_those_of_its_own_gain(tmp_path: Path) -> None:
    """Half the gain: what is saturated by it, and what is white, was twice as bright in the scan."""
    plan = plan_with(tmp_path, 500.0)
    channel = _marks(plan, 2, channel_gain(plan, 2), highest=65535)
    section = _marks(plan, 2, section_gain(plan, 2, "slide001_S1"), highest=65535)
    assert [one.level for one in section] == [2 * one.level for one in channel]
    assert section[-1].level == 65535 / 2
    assert section[0].label.startswith("gain 2;")


@pytest.mark.parametrize(("even_um", "reads"), [(0.0, False), (500.0, True)])
def test_the_picture_reads_its_section_s_gain_where_sections_are_evened_out(
    tmp_path: Path, even_um: float, reads: bool
) -> None:
    plan = plan_with(tmp_path, even_um)
    own = Input(Step("Gain", 2), part="slide001_S1")
    for key in ("slide001_S1", "slide001_S1_copy1"):
        assert (own in plan.inputs(Step("HistogramPicture", 2, key))) == reads
