"""Gain, histograms and what may be switched on in cleaning, in whole runs."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from lab import Counted, Lab

from brainstack.database import open_database
from brainstack.demo import read_truth
from brainstack.files.arrays import read_arrays
from brainstack.files.tiff import read_tiff
from brainstack.records import ChannelGain
from brainstack.stages import IMAGES

pytestmark = pytest.mark.slow

SECTIONS = 8


def gains(lab: Lab) -> list[ChannelGain]:
    with open_database(lab.url) as database:
        return database.gains("DEMO")


def middle_levels(lab: Lab, channel: int) -> np.ndarray:
    """The middle grey value of each section's cleaned tissue."""
    keys = [one.key for one in read_truth(lab.folder.root).sections]
    images = (read_tiff(lab.folder.keyed("thumbnail_cleaned", key, channel)) for key in keys)
    return np.array([np.median(image[image > 0]) for image in images])


def rows(path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_gain_in_force_is_in_the_database_and_so_is_its_approval(lab: Lab) -> None:
    found = [json.loads(lab.folder.small(f"gain_C{channel}").read_text())["gain"] for channel in (1, 2, 3)]
    assert gains(lab) == [ChannelGain(channel, gain) for channel, gain in zip((1, 2, 3), found, strict=True)]
    assert lab.brainstack("approve", "DEMO", "gain").returncode == 0
    counted = Counted(lab)
    assert lab.luigi("Gain").returncode == 0
    assert counted.by_stage() == {"Gain": 3}
    assert [(one.gain, one.approved) for one in gains(lab)] == [(gain, True) for gain in found]


def test_sections_of_a_channel_share_their_bins_and_no_pixel_is_lost(finished: Lab) -> None:
    folder = finished.folder.root / "histogram/CH2"
    together = rows(folder / "DEMO.csv")
    total = np.zeros(len(together), int)
    for number, section in enumerate(read_truth(finished.folder.root).sections):
        found = rows(folder / f"{number:03d}.csv")
        assert [(one["from"], one["to"]) for one in found] == [(one["from"], one["to"]) for one in together]
        counts = read_arrays(finished.folder.keyed("histogram", section.key, 2, ".npz"))["counts"]
        pixels = np.array([int(one["pixels"]) for one in found])
        assert pixels.sum() == counts.sum()
        total += pixels
    assert total.tolist() == [int(one["pixels"]) for one in together]
    assert [together[-1][name] for name in ("from", "to")] == ["65535", "65535"]


@pytest.mark.parametrize("image", IMAGES)
def test_a_histogram_of_any_image_of_a_section_counts_all_of_its_pixels(lab: Lab, image: str) -> None:
    run = lab.luigi("SingleHistogram", "--section", "3", "--channel", "2", "--image", image)
    assert run.returncode == 0, run.stderr
    key = read_truth(lab.folder.root).sections[3].key
    picture = lab.folder.histogram(2, f"{key}_{image}")
    numbers = rows(picture.with_suffix(".csv"))
    pixels = read_tiff(lab.folder.root / f"preps/CH2/{image}/003.tif")
    assert picture.stat().st_size > 5000
    assert sum(int(one["pixels"]) for one in numbers) == pixels.size
    assert numbers[-1]["to"] == str(np.iinfo(pixels.dtype).max)


def test_evening_out_makes_sections_alike_and_the_gain_stays(lab: Lab) -> None:
    before, gain = middle_levels(lab, 1), gains(lab)
    with lab.folder.settings.open("a") as file:
        file.write("\n[gain]\neven_um = 500.0\n")
    run = lab.luigi("Clean")
    assert run.returncode == 0, run.stderr
    after = middle_levels(lab, 1)
    assert gains(lab) == gain
    assert np.std(after) / np.mean(after) < np.std(before) / np.mean(before) / 3


def test_taking_the_background_away_cleans_again_and_keeps_the_brightness(lab: Lab) -> None:
    before = middle_levels(lab, 1)
    with lab.folder.settings.open("a") as file:
        file.write("\n[clean]\nbackground_um = 1000.0\n")
    counted = Counted(lab)
    run = lab.luigi("Clean")
    assert run.returncode == 0, run.stderr
    assert counted.by_stage() == {"Clean": 3 * SECTIONS}
    after = middle_levels(lab, 1)
    assert not np.array_equal(after, before)
    np.testing.assert_allclose(after, before, rtol=0.1)
