"""Runs of a small made-up animal: the real command, in a data root of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from lab import SIZE, Lab, copy_of


@pytest.fixture(scope="session")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """An animal that was added, and nothing more. Not to be changed: copy it."""
    lab = Lab(tmp_path_factory.mktemp("scanned"))
    made = lab.brainstack("demo", *SIZE)
    assert made.returncode == 0, made.stderr
    return lab


@pytest.fixture(scope="session")
def finished(scanned: Lab, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """The same animal after an undisturbed run. Not to be changed: copy it."""
    lab = copy_of(scanned, tmp_path_factory.mktemp("finished"))
    run = lab.luigi()
    assert run.returncode == 0, run.stderr
    return lab


@pytest.fixture
def new_lab(scanned: Lab, tmp_path: Path) -> Lab:
    """The animal before any run, to do anything with."""
    return copy_of(scanned, tmp_path)


@pytest.fixture
def lab(finished: Lab, tmp_path: Path) -> Lab:
    """The animal after a run, to do anything with."""
    return copy_of(finished, tmp_path)
