"""Luigi makes tasks in processes that it forks off; what the process that drives the run has started must not hold them
up."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import pytest

from tasks.worker import SectionWorker


@pytest.fixture
def threads() -> Iterator[None]:
    before = cv2.getNumThreads()
    yield
    cv2.setNumThreads(before)


def test_opencv_has_no_threads_in_the_process_that_drives_a_run(threads: None) -> None:
    cv2.setNumThreads(2)
    SectionWorker()
    assert cv2.getNumThreads() == 1, "a child that is forked beside them may wait for them for ever"
