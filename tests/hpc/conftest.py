"""What tests of queues share."""

from __future__ import annotations

from pathlib import Path

import pytest
from fleets import Place
from slurm_asking import Slurm


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture(params=["fake_slurm", pytest.param("slurm", marks=pytest.mark.slurm)])
def either(request: pytest.FixtureRequest) -> Slurm:
    """The fake Slurm and the real one, one after the other."""
    slurm: Slurm = request.getfixturevalue(request.param)
    return slurm
