from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from brainstack.files.transforms import SectionTransform, read_transforms, write_transforms
from brainstack.records import Section


def section(number: int) -> Section:
    return Section(f"slide001_S{number + 1}", number, "DK39_slide001", number + 1, number, 20.0 * number)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "alignment" / "transforms.csv"


def test_matrices_come_back_to_the_last_bit(path: Path) -> None:
    numbers = np.random.default_rng(1).normal(0, 1000, (5, 2, 3)) * 10.0 ** np.arange(-3, 3).reshape(2, 3)
    matrices = [np.vstack([two_rows, [0.0, 0.0, 1.0]]) for two_rows in numbers]
    write_transforms(path, [SectionTransform(section(n), matrix, 32, (100, 200)) for n, matrix in enumerate(matrices)])
    found = read_transforms(path)
    assert list(found) == [section(n).key for n in range(5)]
    for one, matrix in zip(found.values(), matrices, strict=True):
        assert (one == matrix).all()


def test_a_row_says_the_section_the_scale_and_the_canvas(path: Path) -> None:
    matrix = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [0.0, 0.0, 1.0]])
    write_transforms(path, [SectionTransform(section(1), matrix, 32, (100, 200))])
    with path.open(newline="") as file:
        assert list(csv.DictReader(file)) == [
            {
                "section": "1", "slide": "DK39_slide001", "scene": "2", "key": "slide001_S2",
                "a11": "1.0", "a12": "2.0", "tx": "3.0", "a21": "4.0", "a22": "5.0", "ty": "6.0",
                "downsample": "32", "canvas_width": "200", "canvas_height": "100",
            }
        ]  # fmt: skip


def test_a_stack_without_sections_is_an_empty_table(path: Path) -> None:
    write_transforms(path, [])
    assert read_transforms(path) == {}
