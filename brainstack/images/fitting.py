"""Pictures that another program made smaller, brought to the size that brainstack's have."""

from __future__ import annotations

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
    rows, columns = (
        np.minimum((np.arange(n) + 0.5) * factor * own / side, own - 1).astype(np.intp)
        for n, own, side in zip(wanted, found, scan_shape, strict=True)
    )
    return small[np.ix_(rows, columns)]
