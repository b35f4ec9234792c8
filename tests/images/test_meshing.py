"""Surfaces of labels against what is known of a sphere and of a box."""

from __future__ import annotations

import numpy as np
import pytest

from brainstack.errors import BrainstackError
from brainstack.images.mesh_distances import distance
from brainstack.images.meshing import block_surfaces, coarser, label_meshes, levels_of_detail, simplified
from brainstack.triangles import Mesh, open_edges, volume_um3

VOXEL_UM = (10.4, 10.4, 20.0)
MIDDLE = (30.2, 28.7, 31.4)


def sphere() -> np.ndarray:
    """Label 7 of (z, y, x); and label 9, a box that ends where the volume does."""
    z, y, x = np.indices((64, 60, 62))
    away = sum((axis - middle) ** 2 for axis, middle in zip((z, y, x), MIDDLE, strict=True))
    labels = np.where(away < 20**2, 7, 0).astype(np.uint32)
    labels[:10, :12, :14] = 9
    return labels


def meshed(labels: np.ndarray, block: int = 512, offset_um: tuple[float, float, float] = (0, 0, 0)) -> dict[int, Mesh]:
    return dict(
        label_meshes(labels.shape, lambda box: labels[box], voxel_um=VOXEL_UM, offset_um=offset_um, block=block)
    )


def test_a_sphere_encloses_as_much_as_its_voxels_and_is_closed() -> None:
    labels = sphere()
    for label, mesh in meshed(labels).items():
        voxels = (labels == label).sum() * np.prod(VOXEL_UM)
        assert volume_um3(mesh) == pytest.approx(voxels, rel=0.01 if label == 7 else 0.02)  # the box's edges are cut
        assert open_edges(mesh) == 0


def test_the_surface_lies_where_the_faces_of_voxels_are() -> None:
    """Half-way between their middles: no half voxel is lost."""
    labels = sphere()
    for label, mesh in meshed(labels, offset_um=(100, 200, 300)).items():
        places = np.argwhere(labels == label)[:, ::-1]
        low, high = places.min(axis=0) * VOXEL_UM, (places.max(axis=0) + 1) * VOXEL_UM
        np.testing.assert_allclose(mesh.vertices.min(axis=0), low + np.array((100, 200, 300)), atol=1e-9)
        np.testing.assert_allclose(mesh.vertices.max(axis=0), high + np.array((100, 200, 300)), atol=1e-9)


def test_what_is_kept_of_a_block_is_small() -> None:
    """All of them are kept until the last is meshed."""
    labels = sphere()
    for _, (vertices, faces) in block_surfaces(labels.shape, lambda box: labels[box], (0, 0, 0), 512):
        assert vertices.nbytes + faces.nbytes < 19 * len(faces)


@pytest.mark.parametrize("block", [16, 25, 61])
def test_blocks_leave_no_seam(block: int) -> None:
    labels = sphere()
    whole, pieces = meshed(labels), meshed(labels, block)
    assert list(pieces) == [7, 9]
    for label in whole:
        assert open_edges(pieces[label]) == 0
        assert len(pieces[label].faces) == len(whole[label].faces)
        assert volume_um3(pieces[label]) == pytest.approx(volume_um3(whole[label]))


def test_regions_without_labels_are_not_meshed() -> None:
    labels = sphere()

    def read(box: tuple[slice, slice, slice]) -> np.ndarray | None:
        return labels[box] if labels[box].any() else None

    found = dict(label_meshes(labels.shape, read, voxel_um=VOXEL_UM, offset_um=(0, 0, 0), block=16))
    assert open_edges(found[7]) == 0
    assert volume_um3(found[7]) == pytest.approx(volume_um3(meshed(labels)[7]))


def test_labels_beyond_32_bits_keep_their_number() -> None:
    labels = sphere().astype(np.uint64) << np.uint64(33)
    assert list(meshed(labels)) == [7 << 33, 9 << 33]


@pytest.mark.parametrize("error_um", [2.0, 10.0, 20.0])
def test_fewer_triangles_stay_within_the_error(error_um: float) -> None:
    full = meshed(sphere())[7]
    fewer = simplified(full, error_um)
    assert len(fewer.faces) < len(full.faces) / 3
    assert open_edges(fewer) == 0
    assert distance(full, fewer, samples=2000).most_um < error_um
    assert volume_um3(fewer) == pytest.approx(volume_um3(full), rel=0.01)


def test_without_an_error_nothing_changes() -> None:
    full = meshed(sphere())[7]
    assert simplified(full, 0) is full


def test_fine_voxels_are_simplified_as_coarse_ones_are() -> None:
    """Nothing is rounded to a lattice of micrometres."""
    full = meshed(sphere())[7]
    small = Mesh(full.vertices / 100, full.faces)
    assert len(simplified(small, 0.1).faces) == pytest.approx(len(simplified(full, 10).faces), rel=0.1)


def test_each_level_of_detail_has_a_quarter_of_the_triangles() -> None:
    full = meshed(sphere())[7]
    levels = levels_of_detail(full, most=3, triangles=100)
    assert [len(level.faces) / len(full.faces) for level in levels] == pytest.approx([1, 1 / 4, 1 / 16], rel=0.05)
    assert len(levels_of_detail(full, most=6, triangles=10**6)) == 1
    assert len(coarser(full, 1).faces) >= 4


def test_a_voxel_alone_has_a_surface() -> None:
    labels = np.zeros((3, 3, 3), np.uint32)
    labels[1, 1, 1] = 4
    mesh = meshed(labels)[4]
    assert open_edges(mesh) == 0
    assert open_edges(simplified(mesh, 100)) == 0


def test_a_surface_as_long_as_no_brain_is_refused() -> None:
    full = meshed(sphere())[7]
    with pytest.raises(BrainstackError, match="look at the voxel size"):
        simplified(Mesh(full.vertices * 1e5, full.faces), 10)
