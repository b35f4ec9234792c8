from __future__ import annotations

import csv
import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest

from brainstack.errors import BrainstackError
from brainstack.files.alignment_metrics import COLUMNS, read_alignment_metrics, write_alignment_metrics
from brainstack.records import PairTransform, SectionAlignment

NUMBERS = {"slide001_S1": 4, "slide001_S2": 5}
SECTION = SectionAlignment(
    "slide001_S1", 0.1, 1 / 3, -20.0, True, 0.9, 0.25, 0.98, 3.5, "doubtful", 'said "mirrored", so, look;\nat it', True
)
UNKNOWN = SectionAlignment("slide001_S2", 0.0, 0.0, 0.0, False, None, None, None, None, "failed", "nothing fits")
PAIR = PairTransform("slide001_S1", "slide001_S2", -3.1, 1e-7, 12345.678, 0.8, True, 0.1, 0.97, 4.25, "good")
FAILED = PairTransform("slide001_S1", "slide001_S2", 0.0, 0.0, 0.0, 0.8, verdict="failed", reason="off by 900 um")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "alignment" / "metrics.csv"


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_what_was_written_comes_back(path: Path) -> None:
    pairs = [PAIR, dataclasses.replace(PAIR, metric_before=None, overlap=None, residual_um=None, verdict="")]
    write_alignment_metrics(path, [SECTION, UNKNOWN], pairs, NUMBERS)
    sections_back, pairs_back = read_alignment_metrics(path)
    for one, back in zip((SECTION, UNKNOWN, *pairs), (*sections_back, *pairs_back), strict=True):
        assert back.rotation_rad == pytest.approx(one.rotation_rad, abs=1e-15)  # by way of degrees
        assert dataclasses.replace(back, rotation_rad=one.rotation_rad) == one


def test_a_row_is_for_people_with_numbers_and_degrees(path: Path) -> None:
    write_alignment_metrics(path, [dataclasses.replace(SECTION, rotation_rad=math.pi)], [PAIR], NUMBERS)
    section, pair = rows_of(path)
    assert tuple(section) == COLUMNS
    named = ("kind", "number", "section", "fixed")
    assert [section[name] for name in named] == ["section", "4", "slide001_S1", ""]
    assert [pair[name] for name in named] == ["pair", "5", "slide001_S2", "slide001_S1"]
    assert (section["rotation_deg"], section["shift_x_um"]) == ("180.0", "0.3333333333333333")
    assert (section["mirrored"], section["by_hand"], pair["by_hand"]) == ("1", "1", "")


def test_of_a_pair_the_reason_is_written_and_comes_back(path: Path) -> None:
    write_alignment_metrics(path, [], [FAILED], NUMBERS)
    assert rows_of(path)[0]["reason"] == "off by 900 um"
    assert read_alignment_metrics(path) == ([], [FAILED])


def test_what_could_not_be_measured_is_empty(path: Path) -> None:
    write_alignment_metrics(path, [UNKNOWN], [], NUMBERS)
    (row,) = rows_of(path)
    assert [row[name] for name in ("metric", "metric_before", "overlap", "residual_um")] == [""] * 4


def test_numbers_of_numpy_are_numbers(path: Path) -> None:
    write_alignment_metrics(path, [dataclasses.replace(SECTION, metric=np.float64(0.5))], [], NUMBERS)
    assert rows_of(path)[0]["metric"] == "0.5"


def test_the_same_is_written_with_the_same_bytes_and_whole(path: Path) -> None:
    write_alignment_metrics(path, [SECTION, UNKNOWN], [PAIR], NUMBERS)
    before = path.read_bytes()
    write_alignment_metrics(path, [SECTION, UNKNOWN], [PAIR], NUMBERS)
    assert path.read_bytes() == before
    assert b"\r" not in before
    assert [one.name for one in path.parent.iterdir()] == ["metrics.csv"]


def test_without_sections_there_is_a_head(path: Path) -> None:
    write_alignment_metrics(path, [], [], {})
    assert path.read_text().splitlines() == [",".join(COLUMNS)]
    assert read_alignment_metrics(path) == ([], [])


def test_what_was_not_written_yet_is_empty(path: Path) -> None:
    assert read_alignment_metrics(path) == ([], [])


@pytest.mark.parametrize("text", ["", "kind;number;section\nsection;1;slide001_S1\n", "kind,section\n"])
def test_another_table_is_refused_in_a_sentence(path: Path, text: str) -> None:
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(BrainstackError, match=r"metrics\.csv is not the table of the alignment; delete it"):
        read_alignment_metrics(path)
