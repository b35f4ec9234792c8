"""Where a label volume lies, in whole voxels."""

from __future__ import annotations

import pytest

from tasks.neuroglancer_mesh import whole_offset


def test_a_corner_goes_to_the_nearest_voxel_and_half_a_voxel_to_the_next() -> None:
    """The same way each time: 0.5 and 1.5 voxels are neither both 1 nor 0 and 2. A file's 32 bits may say less."""
    found, off_um = whole_offset((10.0, 10.0, 20.0), (5.0, 15.0, -10.0))
    assert found == (1, 2, 0)
    assert off_um == pytest.approx(10)
    assert whole_offset((10.0, 10.0, 20.0), (4.9999, 14.9, 49.0))[0] == (1, 1, 2)
    assert whole_offset((10.0, 10.0, 20.0), (30.0, -20.0, 0.0)) == ((3, -2, 0), 0)
