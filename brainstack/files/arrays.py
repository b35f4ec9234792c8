"""Numbers between stages: arrays in a compressed .npz, whose bytes depend on the numbers alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainstack.files.whole import whole_file


def write_arrays(path: Path, **arrays: NDArray[Any]) -> None:
    with whole_file(path) as part:
        np.savez_compressed(part, **arrays)  # type: ignore[arg-type]


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    with np.load(path) as arrays:
        return dict(arrays)
