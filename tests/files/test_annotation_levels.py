"""The spatial index: what is seen from afar, and what from near."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest
from layers import SIZE_UM, made_up, points, two_places

from brainstack.files.annotation_levels import MOST_LEVELS, cells_of, finer, levels_of
from brainstack.point_layer import KINDS, PointLayer

Cells = set[tuple[int, ...]]


def levels(layer: PointLayer, most: int = 50) -> list[dict[int, Cells]]:
    """Of each level: annotation -> its cells."""
    found = []
    for level in levels_of(layer, SIZE_UM, most_in_cell=most):
        here: dict[int, Cells] = {}
        for cell, start, end in zip(level.cells.tolist(), level.starts[:-1], level.starts[1:], strict=True):
            for row in level.rows[start:end].tolist():
                here.setdefault(row, set()).add(tuple(cell))
        found.append(here)
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_each_annotation_is_in_one_level_and_no_cell_has_too_many(kind: str) -> None:
    layer = made_up(kind, 2000)  # type: ignore[arg-type]
    found = levels(layer)
    assert 2 < len(found) < MOST_LEVELS
    assert sorted(row for level in found for row in level) == list(range(2000))
    for level in found:
        assert max(Counter(cell for cells in level.values() for cell in cells).values()) <= 50


@pytest.mark.parametrize("kind", KINDS)
def test_an_annotation_is_in_the_cells_that_it_touches_and_in_no_others(kind: str) -> None:
    layer, grid = made_up(kind, 40, size_um=200), (8, 4, 4)  # type: ignore[arg-type]
    found: dict[int, Cells] = {}
    for row, cell in zip(*cells_of(layer, np.arange(40), grid, SIZE_UM), strict=True):
        assert tuple(cell.tolist()) not in found.setdefault(int(row), set()), "twice in one cell"
        found[int(row)].add(tuple(cell.tolist()))
    for row in range(40):
        wanted = cells_with_a_point_of(layer, row, grid)
        assert wanted <= found[row]
        if kind != "ellipsoid":  # that may touch a cell with a tip that the points of it miss
            assert len(found[row]) <= len(wanted) + (0 if kind == "axis_aligned_bounding_box" else 2)


def cells_with_a_point_of(layer: PointLayer, row: int, grid: tuple[int, int, int]) -> Cells:
    """By trying a great many points of the annotation."""
    places = layer.places_um[layer.starts[row] : layer.starts[row + 1]]
    times = np.linspace(0, 1, 400)[:, None]
    if layer.kind in ("line", "polyline"):
        tried = np.concatenate([one + times * (other - one) for one, other in itertools.pairwise(places)])
    elif layer.kind == "axis_aligned_bounding_box":
        corners = [np.linspace(*places[:, axis], 5) for axis in range(3)]
        tried = np.stack(np.meshgrid(*corners), axis=-1).reshape(-1, 3)
    elif layer.kind == "ellipsoid":
        within = np.random.default_rng(0).uniform(-1, 1, (20000, 3))
        tried = places[0] + within[(within**2).sum(axis=1) <= 1] * places[1]
    else:
        tried = places
    cells = np.clip(np.floor(tried / (np.array(SIZE_UM) / grid)), 0, np.array(grid) - 1).astype(int)
    return set(map(tuple, cells.tolist()))


def test_a_slanted_line_is_not_in_all_cells_of_its_box() -> None:
    line = two_places("line", (1, 1, 1), (1499, 700, 300))
    rows, _ = cells_of(line, np.arange(1), (8, 8, 8), SIZE_UM)
    assert len(rows) == 1 + 7 + 5 + 2  # a cell more for each wall that it goes through


def test_a_cell_is_halved_where_that_makes_it_most_like_a_cube() -> None:
    assert finer((1, 1, 1), (8000.0, 4000.0, 4000.0)) == (2, 1, 1)
    assert finer((2, 1, 1), (8000.0, 4000.0, 4000.0)) == (4, 2, 2)
    assert finer((1, 1, 1), (12000.0, 8000.0, 400.0)) == (2, 2, 1)
    assert finer((8, 8, 8), (8.0, 8.0, 8.0)) == (8, 8, 8)  # a micrometre is fine enough


def test_every_level_is_spread_as_all_points_are() -> None:
    """Half of the points lie in an eighth of the volume: in each level that is so, as far as chance allows."""
    random = np.random.default_rng(3)
    dense, all_over = random.uniform(0, 0.5, (5000, 3)), random.uniform(0, 1, (5000, 3))
    layer = points(*map(tuple, np.concatenate([dense, all_over]) * SIZE_UM))
    for level in levels(layer, most=1000)[:-1]:
        share = np.mean([row < 5000 for row in level])
        assert share == pytest.approx(0.5, abs=4 * 0.5 / len(level) ** 0.5)


def test_points_in_one_place_come_to_an_end() -> None:
    found = levels(points(*[(700.0, 500.0, 300.0)] * 3000), most=100)
    assert len(found) == MOST_LEVELS
    assert [len(level) for level in found] == [*[100] * (MOST_LEVELS - 1), 3000 - 100 * (MOST_LEVELS - 1)]


def test_what_is_as_large_as_the_volume_is_not_written_to_ever_more_cells() -> None:
    whole = two_places("axis_aligned_bounding_box", *[(0, 0, 0), SIZE_UM] * 400)
    found = levels(whole, most=100)
    assert len(found) == 4
    assert max(len(cells) for level in found for cells in level.values()) <= 64


def test_the_far_corner_is_in_the_last_cell() -> None:
    _, cells = cells_of(points((0, 0, 0), SIZE_UM), np.arange(2), (8, 4, 4), SIZE_UM)
    assert cells.tolist() == [[0, 0, 0], [7, 3, 3]]


def test_the_same_layer_gives_the_same_levels() -> None:
    assert levels(made_up("point", 1000)) == levels(made_up("point", 1000))
