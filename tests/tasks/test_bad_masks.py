"""Sections that are no good, several at once: each gets a sentence, and nothing empty goes on as if it were good."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from lab import Lab, copy_of

from brainstack.database import open_database
from brainstack.demo import read_truth
from brainstack.demo.truth import SectionTruth
from brainstack.files.tiff import read_tiff

pytestmark = pytest.mark.slow

HIGHEST = 65535
EMPTY, SATURATED_2, BLACK_2, ALL_SATURATED = 1, 2, 4, 5
"""Numbers of sections: of glass only; in channel 2 with saturated tissue, or without light; saturated throughout."""
WHITE, SOFT, COLOURED, SMALLER = 0, 6, 3, 7
"""Numbers of sections whose masks people made: all white, with soft edges, in colour, of another size."""


@dataclass(frozen=True)
class Ran:
    lab: Lab
    run: subprocess.CompletedProcess[str]

    @property
    def said(self) -> str:
        return " ".join((self.run.stderr + self.run.stdout).split())

    def line(self, *words: str) -> str:
        """The one line of the run's words that has all of these."""
        lines = [one for one in self.run.stderr.splitlines() if all(word in one for word in words)]
        assert len(lines) == 1, (words, self.run.stderr)
        return lines[0]


@pytest.fixture(scope="module")
def spoiled(scanned: Lab, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Cleaned after the scans were spoiled. Channel 3 is black in all sections."""
    lab = copy_of(scanned, tmp_path_factory.mktemp("spoiled"))
    assert lab.luigi("Tifs").returncode == 0
    truth = read_truth(lab.folder.root)
    for number, section in enumerate(truth.sections):
        for channel in (1, 2, 3):
            path = lab.folder.tif_thumbnail(f"{section.slide}_S{section.scene}_C{channel}.tif")
            tifffile.imwrite(path, spoil(tifffile.imread(path), number, channel, truth.mask(section.key)))
    return Ran(lab, lab.luigi("Clean"))


def spoil(image: np.ndarray, number: int, channel: int, tissue: np.ndarray) -> np.ndarray:
    if channel == 3:
        return np.zeros_like(image)
    if number == ALL_SATURATED:
        return np.full_like(image, HIGHEST)
    if number == EMPTY:
        return np.random.default_rng(1).normal(300, 5, image.shape).astype(np.uint16)
    if channel == 2 and number == SATURATED_2:
        return np.where(tissue, HIGHEST, image)
    if channel == 2 and number == BLACK_2:
        return np.zeros_like(image)
    return image


@pytest.fixture(scope="module")
def edited(spoiled: Ran, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Cleaned again after people saved masks."""
    lab = copy_of(spoiled.lab, tmp_path_factory.mktemp("edited"))
    for number in (WHITE, SOFT, COLOURED, SMALLER):
        path = mask_path(lab, number)
        mask = tifffile.imread(path)
        path.unlink()
        tifffile.imwrite(path, by_a_person(mask, number))
    return Ran(lab, lab.luigi("Clean"))


def by_a_person(mask: np.ndarray, number: int) -> np.ndarray:
    if number == WHITE:
        return np.full_like(mask, 255)
    if number == SOFT:
        return cv2.GaussianBlur(mask, (0, 0), 2.0)
    if number == COLOURED:
        return np.dstack([mask, 255 - mask, mask])
    return mask[:-4, :-6]


def mask_path(lab: Lab, number: int) -> Path:
    return lab.folder.root / f"preps/masks/thumbnail_masked/{number:03d}.tif"


def section(ran: Ran, number: int) -> SectionTruth:
    return read_truth(ran.lab.folder.root).sections[number]


def is_cleaned(ran: Ran, number: int, channel: int) -> bool:
    return ran.lab.folder.keyed("thumbnail_cleaned", section(ran, number).key, channel).exists()


# The scans


def test_the_run_fails_and_says_so_without_a_traceback(spoiled: Ran) -> None:
    assert spoiled.run.returncode == 30
    assert "Traceback" not in spoiled.said
    assert "fault of brainstack" not in spoiled.said


@pytest.mark.parametrize("number", [EMPTY, ALL_SATURATED])
def test_a_scene_without_tissue_or_with_nothing_but_light_has_no_mask_and_no_picture(spoiled: Ran, number: int) -> None:
    one = section(spoiled, number)
    assert f"scene {one.scene} of {one.slide}" in spoiled.line("failed", f"Masks {one.key}", "No tissue was found")
    assert not is_cleaned(spoiled, number, 1)


def test_a_black_channel_has_no_gain_and_no_picture_and_the_others_go_on(spoiled: Ran) -> None:
    assert "Channel 3 (Cy5) is black" in spoiled.line("failed", "Gain channel 3")
    good = [number for number in range(8) if number not in (EMPTY, ALL_SATURATED)]
    assert all(is_cleaned(spoiled, number, channel) for number in good for channel in (1, 2))
    assert not any(is_cleaned(spoiled, number, 3) for number in range(8))
    with open_database(spoiled.lab.url) as database:
        assert [one.channel for one in database.gains("DEMO")] == [1, 2]


def test_a_section_that_is_black_in_one_channel_is_named(spoiled: Ran) -> None:
    key = section(spoiled, BLACK_2).key
    assert f"{BLACK_2} ({key})" in spoiled.line("channel 2: 1 section has no light at all")


def test_saturated_tissue_is_named_with_its_share_and_kept_in_the_log(spoiled: Ran) -> None:
    key = section(spoiled, SATURATED_2).key
    assert f"{SATURATED_2} ({key}) 9" in spoiled.line("channel 2: 1 section has saturated tissue throughout")
    assert f"{SATURATED_2} ({key}) 9" in spoiled.line("channel 2: ", "more than 0.1% of the tissue saturated")
    with open_database(spoiled.lab.url) as database:
        (entry,) = database.log_of("DEMO", stage="Histogram", channel=2, item=key)
    assert float(entry.details["saturated"]) > 0.9


def test_a_scan_that_is_saturated_all_over_is_not_to_be_painted(spoiled: Ran) -> None:
    line = spoiled.line("failed", f"Masks {section(spoiled, ALL_SATURATED).key}", "100.0% of it is saturated (65535)")
    assert "scan the slide again with less light" in line
    assert "paint" not in line


def test_a_saturated_section_does_not_make_the_others_dark(spoiled: Ran, finished: Lab) -> None:
    """Good sections differ by a fifth; with all pixels together the gain would fall to 0.46."""
    key = section(spoiled, SATURATED_2).key
    assert f"{SATURATED_2} ({key})" in spoiled.line("channel 2: its gain is measured without 1 section, saturated")
    with open_database(spoiled.lab.url) as spoiled_database, open_database(finished.url) as database:
        (found,) = [one.gain for one in spoiled_database.gains("DEMO") if one.channel == 2]
        (good,) = [one.gain for one in database.gains("DEMO") if one.channel == 2]
    assert 0.8 < found / good < 1.25


def test_the_status_says_the_same(spoiled: Ran) -> None:
    status = spoiled.lab.brainstack("status", "DEMO", "--all").stdout
    for words in ("no light at all", "saturated tissue throughout", "Channel 3 (Cy5) is black", "No tissue was found"):
        assert words in status


# Masks that people made


def test_a_mask_in_colour_or_of_another_size_is_refused_and_the_one_before_stays(edited: Ran, spoiled: Ran) -> None:
    for number, words in ((COLOURED, "is in colour"), (SMALLER, "edit the mask without scaling or cropping it")):
        one = section(edited, number)
        assert words in edited.line("failed", f"Masks {one.key}", f"{number:03d}.tif")
        before, now = (ran.lab.folder.keyed("thumbnail_masked", one.key) for ran in (spoiled, edited))
        np.testing.assert_array_equal(read_tiff(now), read_tiff(before))


def test_soft_edges_are_cut_at_one_half(edited: Ran, spoiled: Ran) -> None:
    key = section(edited, SOFT).key
    before, now = (read_tiff(ran.lab.folder.keyed("thumbnail_masked", key)) for ran in (spoiled, edited))
    assert set(np.unique(now)) == {0, 255}
    np.testing.assert_array_equal(now > 0, cv2.GaussianBlur(before, (0, 0), 2.0) >= 128)


def test_a_mask_that_is_all_white_is_used_and_doubted(edited: Ran) -> None:
    """A person may know why; but glass around the tissue is what every scan has."""
    key = section(edited, WHITE).key
    assert f"{WHITE} ({key}) 100.0%" in edited.line("nothing but tissue")
    assert (read_tiff(edited.lab.folder.keyed("thumbnail_masked", key)) == 255).all()
