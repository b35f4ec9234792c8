from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from brainstack.files.histogram_files import Mark, write_counts, write_histogram


def read_rgb(path: Path) -> np.ndarray:
    return cv2.cvtColor(cv2.imread(str(path), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def test_a_histogram_is_a_picture_with_bars_where_counts_are(tmp_path: Path) -> None:
    counts = np.zeros(100, np.int64)
    counts[50:] = 1000
    write_histogram(tmp_path / "a.png", counts, np.arange(101), "DK39 channel 1", tallest=2000)
    picture = read_rgb(tmp_path / "a.png").astype(int)
    assert picture.shape == (480, 800, 3)
    bars = picture[..., 2] - picture[..., 0] > 50
    assert bars[:, :420].mean() < 0.01
    assert bars[:, 440:].mean() > 0.5


def test_a_histogram_of_colours_has_a_line_of_each(tmp_path: Path) -> None:
    counts = np.zeros((3, 90), np.int64)
    for colour in range(3):
        counts[colour, 30 * colour : 30 * colour + 30] = 1000
    write_histogram(tmp_path / "a.png", counts, np.arange(91), "DK39 channel 1", tallest=2000)
    picture = read_rgb(tmp_path / "a.png").astype(int)
    for colour in range(3):
        others = [one for one in range(3) if one != colour]
        stands_out = picture[..., colour] - picture[..., others].max(axis=2) > 50
        lines = np.flatnonzero(stands_out.any(axis=0))
        assert 70 + 230 * colour < lines.min() < lines.max() < 80 + 240 * (colour + 1)


def test_a_histogram_of_nothing_can_be_drawn(tmp_path: Path) -> None:
    write_histogram(tmp_path / "a.png", np.zeros(4, np.int64), np.arange(5), "nothing", tallest=10)
    assert read_rgb(tmp_path / "a.png").size


def test_the_same_histogram_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        write_histogram(tmp_path / name, np.arange(5), np.arange(6), "title", tallest=10)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_a_mark_is_a_line_at_its_grey_value(tmp_path: Path) -> None:
    """The axes begin at 72 of 800 pixels and are 704 wide: a quarter of them is at 248."""
    marks = [Mark(25, "here", "#ff0000"), Mark(1000, "beyond", "#00ff00")]
    write_histogram(tmp_path / "a.png", np.zeros(100, np.int64), np.arange(101), "title", tallest=10, marks=marks)
    picture = read_rgb(tmp_path / "a.png").astype(int)
    red = picture[..., 0] - picture[..., 1] > 150
    assert np.flatnonzero(red.sum(axis=0) > 300).mean() == pytest.approx(248, abs=2)
    green = picture[..., 1] - picture[..., 0] > 150
    assert green.any()  # its words
    assert green.sum(axis=0).max() < 50  # and no line


def test_the_words_of_marks_cover_no_bar(tmp_path: Path) -> None:
    """Bars up to the top, and four marks at their left: all of the axes but the lines is bars."""
    marks = [Mark(place, "words " * 6, "#ff0000") for place in range(4)]
    write_histogram(tmp_path / "a.png", np.full(100, 1000), np.arange(101), "title", tallest=1000, marks=marks)
    picture = read_rgb(tmp_path / "a.png").astype(int)[90:420, 110:770]
    assert (picture[..., 2] - picture[..., 0] > 30).mean() > 0.98


def test_the_numbers_of_a_histogram_are_rows_of_bins(tmp_path: Path) -> None:
    write_counts(tmp_path / "a.csv", np.array([5, 0, 2, 1]), np.array([0, 10, 20, 255]), 255)
    assert (tmp_path / "a.csv").read_text() == "from,to,pixels\n0,9,5\n10,19,0\n20,254,2\n255,255,1\n"


def test_the_numbers_of_colours_have_a_column_each(tmp_path: Path) -> None:
    write_counts(tmp_path / "a.csv", np.array([[1, 2], [3, 4], [5, 6]]), np.array([0, 1]), 255)
    assert (tmp_path / "a.csv").read_text() == "from,to,red,green,blue\n0,0,1,3,5\n1,255,2,4,6\n"
