"""Runs of a small made-up animal: the real command, in a data root of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from lab import Lab, copy_of


@pytest.fixture
def new_lab(scanned: Lab, tmp_path: Path) -> Lab:
    """The animal before any run, to do anything with."""
    return copy_of(scanned, tmp_path)


@pytest.fixture
def lab(finished: Lab, tmp_path: Path) -> Lab:
    """The animal after a run, to do anything with."""
    return copy_of(finished, tmp_path)
