"""Meshes on the disk, against the format and against what cloud-volume reads."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from neuroglancer_schemas import check_by_schema

from brainstack.errors import BrainstackError
from brainstack.files.label_volume import lay_out_labels, write_labels
from brainstack.files.meshes import (
    MeshWriter,
    read_mesh,
    read_mesh_labels,
    read_plain_mesh,
    write_plain_info,
    write_plain_mesh,
)
from brainstack.images.mesh_fragments import QUANTIZATION_BITS, octree
from brainstack.images.meshing import label_meshes, levels_of_detail
from brainstack.triangles import Mesh, open_edges, volume_um3

VOXEL_UM = (10.4, 10.4, 20.0)
OFFSET = (3, 5, 1)
LABELS = (4, 2**40 + 1)


@pytest.fixture(scope="module")
def voxels() -> np.ndarray:
    z, y, x = np.indices((50, 60, 70))
    labels = np.zeros(x.shape, np.uint64)
    labels[(x - 25) ** 2 + (y - 30) ** 2 + (z - 25) ** 2 < 18**2] = LABELS[0]
    labels[(x - 55) ** 2 + (y - 30) ** 2 + (z - 25) ** 2 < 9**2] = LABELS[1]
    return labels


@pytest.fixture(scope="module")
def meshes(voxels: np.ndarray) -> dict[int, Mesh]:
    offset_um = tuple(n * um for n, um in zip(OFFSET, VOXEL_UM, strict=True))
    return dict(label_meshes(voxels.shape, lambda box: voxels[box], voxel_um=VOXEL_UM, offset_um=offset_um))


@pytest.fixture(scope="module")
def layer(tmp_path_factory: pytest.TempPathFactory, voxels: np.ndarray, meshes: dict[int, Mesh]) -> Path:
    path = tmp_path_factory.mktemp("labels") / "layer"
    path.mkdir()
    layout = lay_out_labels(
        voxels.shape, is_wide=True, voxel_um=VOXEL_UM, voxel_offset_xyz=OFFSET, largest_plain_chunks=1000,
        smallest_side_px=256, others={"mesh": "mesh"},
    )  # fmt: skip
    write_labels(path, layout, lambda z: voxels[z])
    with MeshWriter(path / "mesh", quantization_bits=QUANTIZATION_BITS) as writer:
        for label, mesh in meshes.items():
            writer.put(label, octree(levels_of_detail(mesh, most=3, triangles=500)))
            write_plain_mesh(path / "mesh_plain", label, mesh)
    write_plain_info(path / "mesh_plain")
    return path


def test_the_infos_are_valid(layer: Path) -> None:
    check_by_schema(json.loads((layer / "info").read_text()), "volume")
    check_by_schema(json.loads((layer / "mesh" / "info").read_text()), "multiresolution_mesh")
    check_by_schema(json.loads((layer / "mesh_plain" / "info").read_text()), "legacy_mesh_info")
    manifest = json.loads((layer / "mesh_plain" / f"{LABELS[0]}:0").read_text())
    check_by_schema(manifest, "legacy_mesh_manifest")


def test_what_was_written_is_read_again(layer: Path, meshes: dict[int, Mesh]) -> None:
    assert read_mesh_labels(layer / "mesh") == list(LABELS)
    for label, mesh in meshes.items():
        found = read_mesh(layer / "mesh", label)
        assert open_edges(found) == 0
        assert volume_um3(found) == pytest.approx(volume_um3(mesh), rel=1e-4)
        plain = read_plain_mesh(layer / "mesh_plain", label)
        np.testing.assert_allclose(plain.vertices, mesh.vertices, atol=0.01)
        np.testing.assert_array_equal(plain.faces, mesh.faces)


def test_cloud_volume_reads_every_level(layer: Path) -> None:
    from cloudvolume import CloudVolume

    volume = CloudVolume(layer.as_uri(), progress=False)
    for level in range(3):
        ours = read_mesh(layer / "mesh", LABELS[0], level)
        theirs = volume.mesh.get(LABELS[0], lod=level)[LABELS[0]]
        theirs = Mesh(theirs.vertices.astype(np.float64) / 1000, theirs.faces.astype(np.int64))
        assert volume_um3(theirs) == pytest.approx(volume_um3(ours), rel=1e-3)
        np.testing.assert_allclose(theirs.vertices.min(axis=0), ours.vertices.min(axis=0), atol=0.1)


def test_cloud_volume_reads_the_plain_form(layer: Path, meshes: dict[int, Mesh]) -> None:
    from cloudvolume import CloudVolume

    volume = CloudVolume(layer.as_uri(), progress=False, mesh_dir="mesh_plain")
    found = volume.mesh.get(LABELS[1])
    np.testing.assert_allclose(found.vertices / 1000, meshes[LABELS[1]].vertices, atol=0.01)


def test_meshes_lie_where_the_voxels_do(layer: Path) -> None:
    """As another program sees both: to a quarter of a voxel."""
    from cloudvolume import CloudVolume

    volume = CloudVolume(layer.as_uri(), progress=False, fill_missing=True)
    voxels = np.asarray(volume[:, :, :])[..., 0]
    for label in LABELS:
        places = np.argwhere(voxels == label) + volume.voxel_offset
        vertices = volume.mesh.get(label)[label].vertices / volume.resolution
        np.testing.assert_allclose(vertices.min(axis=0), places.min(axis=0), atol=0.25)
        np.testing.assert_allclose(vertices.max(axis=0), places.max(axis=0) + 1, atol=0.25)


def test_a_label_without_a_mesh_is_said(layer: Path, tmp_path: Path) -> None:
    with pytest.raises(BrainstackError, match="Label 5 has no mesh"):
        read_mesh(layer / "mesh", 5)
    with pytest.raises(BrainstackError, match="There are no meshes in"):
        read_mesh_labels(tmp_path)


def test_a_writer_that_fails_leaves_nothing(tmp_path: Path, meshes: dict[int, Mesh]) -> None:
    folder = tmp_path / "mesh"

    def interrupted() -> None:
        with MeshWriter(folder, quantization_bits=QUANTIZATION_BITS) as writer:
            writer.put(1, octree([meshes[LABELS[0]]]))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        interrupted()
    assert list(folder.iterdir()) == []
