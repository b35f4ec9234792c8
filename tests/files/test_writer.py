from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from brainstack.files.writer import call_writer, writer


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    call_writer("")


def test_a_process_is_called_by_its_machine_and_its_number() -> None:
    assert writer() == f"{os.uname().nodename}-{os.getpid()}"


def test_a_job_is_called_as_the_queue_knows_it() -> None:
    call_writer("20261127-Tifs.3")

    assert writer() == "20261127-Tifs.3"
