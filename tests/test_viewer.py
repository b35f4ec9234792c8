"""What the client is told to show."""

from __future__ import annotations

from typing import Any

import pytest

from brainstack.viewer import (
    ImageVolume,
    animal_state,
    annotation_layer,
    other_image_layer,
    segmentation_layer,
    shell_layer,
    with_data_at,
)


def state_of(*volumes: ImageVolume, **changes: Any) -> dict[str, Any]:
    return animal_state(
        volumes, **({"size_xyz": (300, 200, 20), "voxel_size_um": (10.4, 10.4, 20.0), "title": "DK39"} | changes)
    )


def test_axes_are_in_metres_and_the_middle_is_shown() -> None:
    state = state_of(ImageVolume("C1 DAPI", "C1T"))

    assert state["dimensions"] == {
        "x": [pytest.approx(10.4e-6), "m"],
        "y": [pytest.approx(10.4e-6), "m"],
        "z": [pytest.approx(20e-6), "m"],
    }
    assert state["position"] == [150.5, 100.5, 10.5]


def test_one_channel_is_grey_and_several_have_their_colours() -> None:
    one = state_of(ImageVolume("C1 DAPI", "C1T", contrast=(100, 4000)))
    two = state_of(ImageVolume("C1 DAPI", "C1T"), ImageVolume("C2 GFP", "C2T"))

    assert one["layers"][0]["shaderControls"] == {"normalized": {"range": [100, 4000]}, "color": "#ffffff"}
    assert [layer["shaderControls"]["color"] for layer in two["layers"]] == ["#6699ff", "#ff0000"]
    assert [layer["name"] for layer in two["layers"]] == ["C1 DAPI", "C2 GFP"]


def test_sources_are_completed_and_others_stay() -> None:
    more = [segmentation_layer("atlas", "shell", segments=[3]), annotation_layer("cells", "gs://elsewhere/cells")]
    state = state_of(ImageVolume("C1", "C1T"), more_layers=more)

    completed = with_data_at(state, "http://127.0.0.1:8000/data")

    assert [layer["source"] for layer in completed["layers"]] == [
        "precomputed://http://127.0.0.1:8000/data/C1T",
        "precomputed://http://127.0.0.1:8000/data/shell",
        "precomputed://gs://elsewhere/cells",
    ]
    assert state["layers"][0]["source"] == "precomputed://C1T"


def test_the_shell_is_looked_through_and_covers_no_section() -> None:
    layer = shell_layer("shell", "shell")

    assert layer["segments"] == ["1"]
    assert 0 < layer["objectAlpha"] < 0.5
    assert (layer["selectedAlpha"], layer["notSelectedAlpha"]) == (0, 0)


def test_labels_have_the_colours_they_are_given() -> None:
    layer = segmentation_layer("nuclei", "nuclei", segments=[2, 7], colors={7: "#0cff95"})

    assert layer["segments"] == ["2", "7"]
    assert layer["segmentColors"] == {"7": "#0cff95"}
    assert "segmentColors" not in segmentation_layer("nuclei", "nuclei")


def test_an_image_that_is_no_channel_is_there_to_be_switched_on() -> None:
    assert other_image_layer("atlas", "atlas")["visible"] is False
