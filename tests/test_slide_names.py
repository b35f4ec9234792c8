"""Names of slide scans as labs and scanners give them."""

from __future__ import annotations

import re

import pytest
from by_hand import settings_with

from brainstack.errors import BrainstackError
from brainstack.settings import load_settings
from brainstack.slide_names import slide_number, slide_rescan

FIRST_PATTERN = r"slide[_-]?(?P<number>\d+)([_-]?[Rr]escan[_-]?(?P<rescan>\d*))?"
"""The pattern of 0.1.0: what it read must be read in the same way."""

NAMES = {
    # the lab's, with its own number in front, and the scanner's date and run behind or in front
    "DK39_ID_0002_slide058.czi": (58, 1),
    "DK39_ID_0002_slide058_2020_01_23__0012.czi": (58, 1),
    "DK52_slide001_2021_07_02__0012.czi": (1, 1),
    "2021_07_02__0012_DK52_slide001.czi": (1, 1),
    "DK41_slide060_2020_10_09_8610.czi": (60, 1),
    "DK39_slide058_2.czi": (58, 1),
    "MD589-slide-7.czi": (7, 1),
    "DK39_slide_100a.czi": (100, 1),
    # scanned again
    "DK39_slide058_rescan.czi": (58, 2),
    "DK39_slide058_rescan2.czi": (58, 2),
    "DK39_slide058_Rescan_3.czi": (58, 3),
    "DK39_slide058-rescan-2_2020_10_09_8610.czi": (58, 2),
    "DK39_slide058_rescan_2021_07_02__0012.czi": (58, 2),
    "slide058rescan10_b.czi": (58, 10),
    "rescan2_slide058.czi": (58, 1),
    "DK39_slide058_2021_07_03__0001_rescan.czi": (58, 2),
    "DK39_slide058_2021_07_03__0001_rescan3.czi": (58, 3),
    "DK39_slide058_re-scan.czi": (58, 2),
    "DK39_slide058_rescan0.czi": (58, 2),
    # letters and blanks as people type them
    "DK39 slide 58 rescan 2.czi": (58, 2),
    "DK39 Slide 058.czi": (58, 1),
    "DK39_SLIDE_058_RESCAN.czi": (58, 2),
    "Slide58 Rescan-3.czi": (58, 3),
    "SLIDE - 12.czi": (12, 1),
    # the tray of the scanner is called a slide too: the lab's small letters count
    "Slide-3_DK39_slide058.czi": (58, 1),
    "slide 1 of 3_slide058.czi": (58, 1),
}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_says_the_slide_and_its_rescan(name: str) -> None:
    assert (slide_number(name, load_settings()), slide_rescan(name, load_settings())) == NAMES[name]


@pytest.mark.parametrize("name", NAMES)
def test_what_the_first_pattern_read_is_the_same_slide(name: str) -> None:
    found = re.search(FIRST_PATTERN, name)
    assert found is None or int(found["number"]) == slide_number(name, load_settings())


@pytest.mark.parametrize("name", ["DK39_058.czi", "slides058.czi", "DK39_ID_0002.czi", "slideshow.czi", "Slide.czi"])
def test_a_name_without_a_number_is_refused_with_what_is_wanted(name: str) -> None:
    with pytest.raises(
        BrainstackError, match=rf"{name}: no slide number .* such as DK39_slide058.czi .*rename the file"
    ):
        slide_number(name, load_settings())


@pytest.mark.parametrize(
    ("pattern", "name", "said"),
    [
        (r"^(?P<number>\d+)(?P<rescan>)?\.czi$", "017.czi", (17, 2)),
        (r"^(?P<number>\d+)", "017_brain4.czi", (17, 1)),
        (r"_(?P<number>\d+)(r(?P<rescan>\d))?\.czi$", "mouse4_17r3.czi", (17, 3)),
        (r"_(?P<number>\d+)(r(?P<rescan>\d))?\.czi$", "mouse4_17.czi", (17, 1)),
        (r"Objekttraeger (?P<number>\d+)", "4711 Objekttraeger 9.czi", (9, 1)),
    ],
)
def test_another_lab_has_a_pattern_of_its_own(pattern: str, name: str, said: tuple[int, int]) -> None:
    settings = settings_with(slides={"name_pattern": pattern})
    assert (slide_number(name, settings), slide_rescan(name, settings)) == said
