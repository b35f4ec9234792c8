"""An octree of a surface: what the format asks for, and nothing lost."""

from __future__ import annotations

import numpy as np
import pytest

from brainstack.images.mesh_fragments import HIGHEST, Octree, octree
from brainstack.images.meshing import label_meshes, levels_of_detail
from brainstack.triangles import Mesh, merged, open_edges, volume_um3


def ball(radius: float = 500.0, count: int = 40) -> Mesh:
    """A sphere of triangles about (1000, 2000, 3000)."""
    rows = [[(np.pi * i / count, 2 * np.pi * j / (2 * count)) for j in range(2 * count)] for i in range(count + 1)]
    angles = np.array(rows).reshape(-1, 2)
    polar, around = angles.T
    at = np.stack([np.sin(polar) * np.cos(around), np.sin(polar) * np.sin(around), np.cos(polar)], axis=1)
    faces = []
    for i in range(count):
        for j in range(2 * count):
            here, beside = i * 2 * count + j, i * 2 * count + (j + 1) % (2 * count)
            faces += [(here, here + 2 * count, beside), (beside, here + 2 * count, beside + 2 * count)]
    return merged(np.round(radius * at, 6) + np.array((1000, 2000, 3000)), np.array(faces))


@pytest.fixture(scope="module")
def levels() -> list[Mesh]:
    return levels_of_detail(ball(), most=4, triangles=200)


@pytest.fixture(scope="module")
def tree(levels: list[Mesh]) -> Octree:
    return octree(levels)


def joined(tree: Octree, level: int) -> Mesh:
    """The pieces of a level, where they belong."""
    corners, faces, count = [], [], 0
    for one in tree.levels[level]:
        inside = one.vertices / HIGHEST + np.array(one.position)
        corners.append(tree.origin_nm.astype(float) + inside * tree.cell_nm.astype(float) * 2**level)
        faces.append(one.faces.astype(np.int64) + count)
        count += len(one.vertices)
    return merged(np.rint(np.concatenate(corners)) / 1000, np.concatenate(faces))


def test_each_level_is_whole_and_closed(tree: Octree, levels: list[Mesh]) -> None:
    assert len(tree.levels) == len(levels) > 2
    for number, mesh in enumerate(levels):
        found = joined(tree, number)
        assert open_edges(found) == 0
        assert volume_um3(found) == pytest.approx(volume_um3(mesh), rel=1e-4)
        np.testing.assert_allclose(found.vertices.min(axis=0), mesh.vertices.min(axis=0), atol=0.1)


def test_the_coarsest_level_is_one_piece(tree: Octree) -> None:
    assert [one.position for one in tree.levels[-1]] == [(0, 0, 0)]


def test_places_are_whole_numbers_of_the_format(tree: Octree) -> None:
    for one in (one for level in tree.levels for one in level):
        assert one.vertices.dtype == np.int32
        assert one.vertices.min(initial=0) >= 0
        assert one.vertices.max(initial=0) <= HIGHEST


def test_no_triangle_crosses_the_middle_of_a_coarse_cell(tree: Octree) -> None:
    """Where the finer cells end: a viewer leaves out the eighths that it has finer."""
    for level in tree.levels[1:]:
        for one in level:
            triangles = one.vertices[one.faces.astype(np.int64)]
            low, high = triangles.min(axis=1), triangles.max(axis=1)
            assert not ((low < HIGHEST // 2) & (high > HIGHEST // 2 + 1)).any()


def test_each_piece_lies_in_a_piece_of_the_coarser_level(tree: Octree) -> None:
    for fine, coarse in zip(tree.levels, tree.levels[1:], strict=False):
        there = {one.position for one in coarse}
        assert {tuple(place // 2 for place in one.position) for one in fine} <= there


def test_edges_grow_from_level_to_level(tree: Octree) -> None:
    assert list(tree.scales_nm) == sorted(tree.scales_nm)
    assert tree.scales_nm[0] > 1000  # micrometres, in nanometres


@pytest.mark.parametrize("start_um", [16_999.3, 16_999.301, 16_999.303, 33_554.437, 70_000.003])
def test_no_piece_lies_before_the_corner(start_um: float) -> None:
    """Where 32 bits skip nanometres: a box is flat where it begins, and where it ends."""
    labels = np.zeros((6, 6, 6), np.uint32)
    labels[1:5, 1:5, 1:5] = 1
    ((_, box),) = label_meshes(labels.shape, lambda part: labels[part], voxel_um=(10.0, 10.0, 20.0),
                               offset_um=(start_um - 10, start_um - 10, start_um - 20))  # fmt: skip
    assert box.vertices.min() == pytest.approx(start_um, abs=1e-6)
    for levels in ([box], [box, box]):
        found = octree(levels)
        assert (found.origin_nm <= box.vertices.min(axis=0) * 1000).all()
        for number, level in enumerate(found.levels):
            places = np.array([one.position for one in level])
            assert places.min() >= 0
            assert places.max() < 2 ** (len(levels) - 1 - number)
