from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from brainstack.database import create_or_upgrade, open_database
from brainstack.records import Animal, Channel, Histology, ScanRun, Scene, SlideScan


@pytest.fixture
def empty(tmp_path: Path) -> str:
    """The URL of a database with tables and nothing in them."""
    url = f"sqlite:///{tmp_path / 'brainstack.sqlite'}"
    create_or_upgrade(url)
    return url


@pytest.fixture
def url(empty: str) -> str:
    """The URL of a database with the animal DK39, no slides yet."""
    with open_database(empty) as database:
        database.add_animal(Animal("DK39"), Histology("DK39"), ScanRun("DK39", "/scans/DK39"))
    return empty


@pytest.fixture
def scan_of() -> Callable[..., SlideScan]:
    """A slide scan with so many scenes (100 x 50, 101 x 51, ... pixels) and channels."""

    def scan(file_name: str, *, scenes: int = 2, channels: int = 2) -> SlideScan:
        return SlideScan(
            file_name,
            "Gray16",
            (0.325, 0.325),
            tuple(Channel(number + 1, f"stain {number + 1}") for number in range(channels)),
            tuple(Scene(number + 1, number, 7, -3, 100 + number, 50 + number) for number in range(scenes)),
            objective="20X",
        )

    return scan
