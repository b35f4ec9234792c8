"""Halving: means of what is there, rounded once, ties to even."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest

from brainstack.images.halving import halve_plane, halve_volume, most_frequent

Array = np.ndarray[Any, Any]


def values(shape: tuple[int, ...], dtype: str) -> Array:
    generator = np.random.default_rng(5)
    if dtype == "float32":
        return generator.normal(0, 1000, shape).astype(dtype)
    return generator.integers(0, np.iinfo(dtype).max, shape, endpoint=True, dtype=dtype)


def by_fractions(volume: Array, z_factor: int) -> Array:
    """The same with numbers that are exact, one voxel after another. Python rounds halves to even."""
    out = np.empty([-(-n // by) for n, by in zip(volume.shape, (z_factor, 2, 2), strict=True)], volume.dtype)
    for z, y, x in product(*(range(n) for n in out.shape)):
        box = volume[z * z_factor : (z + 1) * z_factor, 2 * y : 2 * y + 2, 2 * x : 2 * x + 2].ravel().tolist()
        out[z, y, x] = round(Fraction(sum(box), len(box)))
    return out


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32", "uint64", "int16"])
@pytest.mark.parametrize("z_factor", [1, 2])
@pytest.mark.parametrize("shape", [(3, 5, 7), (4, 6, 8), (1, 1, 9), (2, 7, 1), (1, 1, 1)])
def test_every_voxel_is_the_mean_of_those_that_there_are(dtype: str, z_factor: int, shape: tuple[int, ...]) -> None:
    volume = values(shape, dtype)

    np.testing.assert_array_equal(halve_volume(volume, (2, 2, z_factor)), by_fractions(volume, z_factor))


def test_halves_go_to_the_even_number() -> None:
    plane = np.array([[0, 1, 1, 2, 2, 3], [0, 1, 1, 2, 2, 3]], "uint16")

    assert halve_plane(plane).tolist() == [[0, 2, 2]]  # 0.5, 1.5, 2.5


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32", "uint64", "float32"])
def test_white_stays_white(dtype: str) -> None:
    white = np.float32(3e38) if dtype == "float32" else np.iinfo(dtype).max
    volume = np.full((3, 5, 7), white, dtype)

    assert (halve_volume(volume, (2, 2, 2)) == white).all()
    assert (halve_volume(volume, (2, 2, 1)) == white).all()


def test_numbers_with_a_fraction_keep_it() -> None:
    volume = values((4, 6, 8), "float32")

    mean = volume.astype("float64").reshape(2, 2, 3, 2, 4, 2).mean(axis=(1, 3, 5))

    np.testing.assert_allclose(halve_volume(volume, (2, 2, 2)), mean, rtol=1e-6)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("channels", [1, 3])
def test_each_channel_is_halved_for_itself(dtype: str, channels: int) -> None:
    volume = values((3, 9, 7, channels), dtype)

    for factor in ((2, 2, 1), (2, 2, 2)):
        small = halve_volume(volume, factor)
        for channel in range(channels):
            np.testing.assert_array_equal(small[..., channel], halve_volume(volume[..., channel], factor))


def test_a_plane_larger_than_a_strip_is_the_same_as_its_pieces() -> None:
    plane = values((1000, 300), "uint16")

    pieces = [halve_plane(plane[top : top + 10]) for top in range(0, 1000, 10)]

    np.testing.assert_array_equal(halve_plane(plane), np.concatenate(pieces))


def test_a_plane_can_be_put_into_a_part_of_another() -> None:
    plane, canvas = values((9, 7, 3), "uint8"), np.zeros((2, 20, 30, 3), "uint8")

    halve_plane(plane, canvas[1, 4:9, 5:9])

    np.testing.assert_array_equal(canvas[1, 4:9, 5:9], halve_plane(plane))
    assert canvas.sum() == halve_plane(plane).sum()


def test_nothing_gets_brighter_or_darker() -> None:
    """tinybrain loses 0.375 grey levels at a level, OpenCV's own mean of whole numbers gains 0.125."""
    plane = values((2048, 2048), "uint8")
    mean = plane.mean()

    for _ in range(6):
        plane = halve_plane(plane)
        assert plane.mean() == pytest.approx(mean, abs=0.05)


def test_what_is_given_is_not_changed() -> None:
    plane = values((9, 7), "uint16")
    before = plane.copy()

    halve_plane(plane)

    np.testing.assert_array_equal(plane, before)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32", "uint64"])
@pytest.mark.parametrize("z_factor", [1, 2])
def test_the_most_frequent_label_wins(dtype: str, z_factor: int) -> None:
    largest = np.iinfo(dtype).max
    labels = np.random.default_rng(2).choice(np.array([0, 3, 7, largest], dtype), (5, 9, 7))

    small = most_frequent(labels, (2, 2, z_factor))

    assert small.dtype == labels.dtype
    for z, y, x in np.ndindex(*small.shape):
        box = labels[z * z_factor : (z + 1) * z_factor, 2 * y : 2 * y + 2, 2 * x : 2 * x + 2].ravel().tolist()
        votes = {label: box.count(label) for label in box}
        best = [label for label, count in votes.items() if count == max(votes.values())]
        assert small[z, y, x] == min(best, key=lambda label: (label == 0, label))
