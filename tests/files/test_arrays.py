from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from brainstack.files.arrays import read_arrays, write_arrays


@pytest.mark.parametrize("dtype", [np.int64, np.float64, np.uint8, bool])
def test_arrays_are_read_as_they_were_written(tmp_path: Path, dtype: type) -> None:
    written = {"counts": np.arange(6).reshape(2, 3).astype(dtype), "empty": np.zeros(0, dtype)}
    write_arrays(tmp_path / "new" / "a.npz", **written)
    found = read_arrays(tmp_path / "new" / "a.npz")
    assert list(found) == ["counts", "empty"]
    for name, array in written.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)


def test_the_same_numbers_give_the_same_bytes_at_another_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_arrays(tmp_path / "a.npz", counts=np.arange(100))
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 86_400)
    write_arrays(tmp_path / "b.npz", counts=np.arange(100))
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_nothing_is_left_beside_the_file(tmp_path: Path) -> None:
    write_arrays(tmp_path / "a.npz", counts=np.arange(3))
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]
