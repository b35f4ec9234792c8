"""The middle line of a rod."""

from __future__ import annotations

import numpy as np

from brainstack.images.skeletons import skeletons


def test_the_skeleton_of_a_rod_is_its_middle_line() -> None:
    labels = np.zeros((9, 9, 40), np.uint32)
    labels[2:7, 2:7, 3:37] = 6
    labels[8, 8, 1] = 2
    found = dict(skeletons(labels))
    assert list(found) == [2, 6]
    np.testing.assert_array_equal(found[2].vertices, [(8, 8, 1)])
    line = found[6]
    assert np.abs(line.vertices[:, :2] - 4).max() <= 1
    assert np.ptp(line.vertices[:, 2]) > 20
    assert np.abs(line.vertices[line.edges[:, 0]] - line.vertices[line.edges[:, 1]]).max() <= 1
    assert len(line.edges) >= len(line.vertices) - 1
