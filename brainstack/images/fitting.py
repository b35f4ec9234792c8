"""Pictures that another program made smaller, brought to the size that brainstack's have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def fit_rounding(small: NDArray[Any], *, scan_shape: tuple[int, int], factor: int) -> NDArray[Any]:
    """A smaller copy of a scan whose sides were rounded another way, in the size ceil(side / factor).

    Each pixel is the one that lies at its place on the scan. A picture that is not smaller by `factor`, whatever the
    rounding, is returned as it is.

    small : (rows, columns, ...). scan_shape : (rows, columns) of the scan.
    """
    wanted = [-(-side // factor) for side in scan_shape]
    found = small.shape[:2]
    if list(found) == wanted or any(abs(n - side / factor) >= 1 for n, side in zip(found, scan_shape, strict=True)):
        return small
    return _nearest(small, wanted, [factor * own / side for own, side in zip(found, scan_shape, strict=True)])


def fit_factor(small: NDArray[Any], *, scan_shape: tuple[int, int], factor: int) -> NDArray[Any]:
    """A copy of a scan that was made smaller by another whole factor, at the size that `factor` gives.

    Each pixel is the one that lies at its place on the scan. A picture that no factor gives is returned as it is.

    small : (rows, columns, ...), ceil(side / its factor). scan_shape : (rows, columns) of the scan.
    """
    found = list(small.shape[:2])
    guess = round(scan_shape[0] / max(found[0], 1))
    for own in range(max(1, guess - 1), guess + 2):
        if own != factor and found == [-(-side // own) for side in scan_shape]:
            return _nearest(small, [-(-side // factor) for side in scan_shape], [factor / own] * 2)
    return small


def _nearest(small: NDArray[Any], wanted: Sequence[int], steps: Sequence[float]) -> NDArray[Any]:
    """The pixels of `small` below the centres of `wanted` rows and columns. steps : pixels of it that each is wide."""
    rows, columns = (
        np.minimum((np.arange(n) + 0.5) * step, own - 1).astype(np.intp)
        for n, own, step in zip(wanted, small.shape[:2], steps, strict=True)
    )
    return small[np.ix_(rows, columns)]
