from __future__ import annotations

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest

from brainstack.files.pictures import write_png


def read_rgb(path: Path) -> np.ndarray:
    return cv2.cvtColor(cv2.imread(str(path), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def test_a_grey_picture_is_read_as_it_was_written(tmp_path: Path) -> None:
    picture = np.arange(200, dtype=np.uint8).reshape(10, 20)
    write_png(tmp_path / "new" / "a.png", picture)
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "new" / "a.png"), cv2.IMREAD_UNCHANGED), picture)


def test_red_stays_red(tmp_path: Path) -> None:
    write_png(tmp_path / "a.png", np.full((4, 4, 3), (255, 10, 20), np.uint8))
    assert read_rgb(tmp_path / "a.png")[0, 0].tolist() == [255, 10, 20]


@contextmanager
def small_files() -> Iterator[None]:
    """As on a disk that is nearly full: no file may have more than 4096 bytes, not even what pytest prints to."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_picture_that_does_not_fit_on_the_disk_is_an_error_and_no_file(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="too large"), small_files():
        write_png(tmp_path / "a.png", np.random.default_rng(1).integers(0, 255, (200, 200)).astype(np.uint8))
    assert list(tmp_path.iterdir()) == []
