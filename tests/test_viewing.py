from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from by_hand import plan_of, settings_with, slide
from volumes import write_volume

from brainstack.errors import BrainstackError
from brainstack.files.histogram_files import write_counts
from brainstack.files.whole import write_json
from brainstack.plan import Plan
from brainstack.progress import Progress
from brainstack.records import Channel
from brainstack.stamps import Step
from brainstack.viewer import RGB_SHADER
from brainstack.viewing import HEADROOM, MOST_BLACK, state_of


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return plan_of(tmp_path, [slide(1)])


def make_volume(plan: Plan, channel: int, dtype: type = np.uint16) -> None:
    empty = np.zeros((2, 40, 60), dtype)
    write_volume(plan.folder.volume(channel), empty, voxel_size_um=(10.0, 10.0, 20.0), chunk_size=(32, 32, 2))


def test_without_a_volume_it_says_how_to_make_one(plan: Plan) -> None:
    with pytest.raises(BrainstackError, match=r"no volume yet.*luigi --module tasks Animal --animal DK39"):
        state_of(plan)


def test_each_channel_that_has_a_volume_is_a_layer(plan: Plan) -> None:
    make_volume(plan, 2)
    assert [layer["name"] for layer in state_of(plan)["layers"]] == ["C2 GFP"]
    make_volume(plan, 1)
    state = state_of(plan)
    assert [layer["name"] for layer in state["layers"]] == ["C1 DAPI", "C2 GFP"]
    assert [layer["source"] for layer in state["layers"]] == ["precomputed://C1T", "precomputed://C2T"]
    assert state["title"] == "DK39"


@pytest.mark.parametrize(
    ("scanned", "dtype", "highest"), [("Gray8", np.uint8, 255), ("Gray16", np.uint16, 65535)], ids=["8 bit", "16 bit"]
)
def test_white_is_a_little_above_where_the_gain_brings_bright_tissue(
    tmp_path: Path, scanned: str, dtype: type, highest: int
) -> None:
    plan = plan_of(tmp_path, [dataclasses.replace(slide(1), pixel_type=scanned)])
    make_volume(plan, 1, dtype)
    (layer,) = state_of(plan)["layers"]
    black, white = layer["shaderControls"]["normalized"]["range"]
    assert black == 0
    assert white == round(HEADROOM * plan.settings.gain.target * highest)


def measured(plan: Plan, channel: int, levels: list[int], *, gain: float = 2.0) -> None:
    """Leave a histogram with ten pixels at each of these grey values, and a gain."""
    counts = np.zeros(65536, np.int64)
    counts[levels] = 10
    table = plan.folder.histogram(channel, plan.folder.prep_id).with_suffix(".csv")
    starts = np.arange(0, 65536, 100)
    write_counts(table, np.add.reduceat(counts, starts), starts, 65535)
    write_json(plan.folder.small(f"gain_C{channel}"), {"gain": gain, "sections": {}})


def ranges(plan: Plan) -> list[list[int]]:
    return [layer["shaderControls"]["normalized"]["range"] for layer in state_of(plan)["layers"]]


def test_black_is_where_the_counterstain_begins_and_where_labels_only_glow(plan: Plan) -> None:
    for channel in (1, 2):
        make_volume(plan, channel)
        measured(plan, channel, [1000, 2000, 3000, 4000, 5000])
    white = round(HEADROOM * plan.settings.gain.target * 65535)
    assert ranges(plan) == [[2000, white], [6000, white]]  # twice the darkest, twice the middle


def test_black_stays_below_white_however_bright_the_haze(plan: Plan) -> None:
    make_volume(plan, 2)
    measured(plan, 2, [60000])
    ((black, white),) = ranges(plan)
    assert black == round(MOST_BLACK * white)


def test_black_is_0_where_the_histogram_says_nothing_of_the_volume(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, [slide(1)])
    make_volume(plan, 1)
    assert ranges(plan)[0][0] == 0, "there is none"
    measured(plan, 1, [1000, 2000])
    taken_away = dataclasses.replace(plan, settings=settings_with(clean={"background_um": 1000.0}))
    assert ranges(taken_away)[0][0] == 0, "the background was taken away"
    write_json(plan.folder.small("gain_C1"), {"error": "none was found"})
    assert ranges(plan)[0][0] == 0, "there is no gain"


def test_all_other_layers_are_on_top_of_the_channels(plan: Plan) -> None:
    make_volume(plan, 1)
    make_volume(plan, 2)
    points = plan.folder.neuroglancer_data / "cells"
    write_json(points / "info", {"@type": "neuroglancer_annotations_v1", "annotation_type": "point"})
    full = plan.folder.volume(1, full=True)
    write_volume(full, np.zeros((2, 80, 120), np.uint16), voxel_size_um=(5.0, 5.0, 20.0), chunk_size=(32, 32, 2))
    assert [layer["name"] for layer in state_of(plan)["layers"]] == ["C1 DAPI", "C2 GFP", "cells"], "and C1 is no other"


def test_white_is_white_where_16_bit_became_8(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, [dataclasses.replace(slide(1), pixel_type="Gray16")])
    make_volume(plan, 1, np.uint8)
    assert state_of(plan)["layers"][0]["shaderControls"]["normalized"]["range"] == [0, 255]


def test_a_volume_at_the_scan_s_resolution_is_shown_while_it_is_as_it_should_be(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_volume(plan, 1)
    full = plan.folder.volume(1, full=True)
    write_volume(full, np.zeros((2, 80, 120), np.uint16), voxel_size_um=(5.0, 5.0, 20.0), chunk_size=(32, 32, 2))
    assert state_of(plan)["layers"][0]["source"] == "precomputed://C1T"
    monkeypatch.setattr(Progress, "is_done", lambda self, step: step == Step("FullDownsampling", 1))
    assert state_of(plan)["layers"][0]["source"] == "precomputed://C1"


def test_an_animal_in_colour_is_shown_in_its_colours_on_its_glass(tmp_path: Path) -> None:
    scan = dataclasses.replace(slide(1), pixel_type="Bgr24", channels=(Channel(1, "RGB"),))
    plan = plan_of(tmp_path, [scan])
    empty = np.zeros((2, 40, 60, 3), np.uint8)
    write_volume(plan.folder.volume(1), empty, voxel_size_um=(10.0, 10.0, 20.0), chunk_size=(32, 32, 2))
    write_json(plan.folder.small("white_point_C1"), {"white": [243, 238, 9]})
    state = state_of(plan)
    (layer,) = state["layers"]
    assert layer["shader"] == RGB_SHADER
    assert "shaderControls" not in layer
    assert state["crossSectionBackgroundColor"] == "#f3ee09"


def test_the_axes_have_the_volumes_voxel_size(plan: Plan) -> None:
    make_volume(plan, 1)
    dimensions = state_of(plan)["dimensions"]
    assert {axis: round(size * 1e6, 6) for axis, (size, _) in dimensions.items()} == {"x": 10, "y": 10, "z": 20}
