"""Planes with their smaller levels, block by block, against the same by whole planes."""

from __future__ import annotations

import numpy as np
import pytest

from brainstack.images.halving import halve_plane
from brainstack.images.plane_pyramid import PlanePyramid, level_shapes, levels_until


def by_whole_planes(plane: np.ndarray, levels: int) -> list[np.ndarray]:
    found = [plane]
    while len(found) < levels:
        found.append(halve_plane(found[-1]))
    return found


@pytest.mark.parametrize("shape", [(1, 1), (16, 16), (37, 101), (100, 64), (33, 17)])
@pytest.mark.parametrize(("dtype", "background"), [("uint16", (0,)), ("uint8", (240, 235, 233))])
def test_each_block_of_each_level_comes_once_and_is_as_of_the_whole_plane(
    shape: tuple[int, int], dtype: str, background: tuple[int, ...]
) -> None:
    samples = (3,) if len(background) == 3 else ()
    plane = np.random.default_rng(3).integers(0, 200, (*shape, *samples)).astype(dtype)
    plane[: shape[0] // 2] = background if samples else background[0]
    levels = levels_until(shape, 8)
    made = [np.zeros((*size, *samples), dtype) for size in level_shapes(shape, levels)]
    times = [np.zeros(size, int) for size in level_shapes(shape, levels)]

    def render(top: int, left: int, out: np.ndarray) -> bool:
        piece = plane[top : top + out.shape[0], left : left + out.shape[1]]
        if (piece == np.array(background, dtype)).all():
            return False
        out[...] = piece
        return True

    pyramid = PlanePyramid(shape, levels=levels, block_px=16, dtype=np.dtype(dtype), background=background)
    for block in pyramid.blocks(render):
        rows, columns = (min(16, length - at) for length, at in zip(times[block.level].shape, (block.top, block.left),
                                                                    strict=True))  # fmt: skip
        here = np.s_[block.top : block.top + rows, block.left : block.left + columns]
        made[block.level][here] = pyramid.background if block.pixels is None else block.pixels
        times[block.level][here] += 1

    assert max(made[-1].shape[:2]) <= 8
    for found, wanted, count in zip(made, by_whole_planes(plane, levels), times, strict=True):
        np.testing.assert_array_equal(found, wanted)
        assert (count == 1).all()


def test_nothing_is_made_of_a_plane_of_background() -> None:
    pyramid = PlanePyramid((100, 40), levels=4, block_px=16, dtype=np.dtype("uint16"), background=(0,))
    assert [block.pixels for block in pyramid.blocks(lambda top, left, out: False)] == [None] * (21 + 8 + 2 + 1)
