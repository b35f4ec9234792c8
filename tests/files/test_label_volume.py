"""Label volumes: written plane by plane, the same to every reader, smaller levels by the most frequent label."""

from __future__ import annotations

import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from block_volumes import by_cloud_volume, by_tensorstore

from brainstack.errors import BrainstackError
from brainstack.files import label_volume
from brainstack.files.label_volume import LabelReader, lay_out_labels, write_labels
from brainstack.files.volume_blocks import BlockRecord
from brainstack.files.volume_layout import VolumeLayout


def blocky() -> np.ndarray:
    """Labels in boxes, (z, y, x)."""
    small = np.random.default_rng(0).integers(0, 5, (10, 8, 9))
    return np.repeat(np.repeat(np.repeat(small, 9, 0), 11, 1), 13, 2).astype(np.uint32)


def written(path: Path, voxels: np.ndarray, *, sharded: bool = False, offset: tuple[int, int, int] = (0, 0, 0)) -> Path:
    path.mkdir()
    layout = lay_out_labels(
        voxels.shape, is_wide=voxels.dtype == np.uint64, voxel_um=(10.4, 10.4, 20.0), voxel_offset_xyz=offset,
        largest_plain_chunks=0 if sharded else 10**6, smallest_side_px=40,
    )  # fmt: skip
    assert layout.is_sharded == sharded
    write_labels(path, layout, lambda z: voxels[z])
    return path


@pytest.mark.parametrize("sharded", [False, True])
@pytest.mark.parametrize("offset", [(0, 0, 0), (3, 5, 7)])
def test_every_reader_finds_the_labels(tmp_path: Path, sharded: bool, offset: tuple[int, int, int]) -> None:
    voxels = blocky()
    path = written(tmp_path / "labels", voxels, sharded=sharded, offset=offset)
    np.testing.assert_array_equal(by_cloud_volume(path, 0)[..., 0], voxels)
    with LabelReader(path) as reader:
        levels = len(reader.layout.scales)
        box = (slice(5, 70), slice(20, 80), slice(1, 100))
        np.testing.assert_array_equal(reader.read(box), voxels[box])
        assert reader.offset_um == pytest.approx([n * um for n, um in zip(offset, (10.4, 10.4, 20), strict=True)])
    assert levels == 3
    for level, by_others in enumerate(by_tensorstore(path, levels)):
        np.testing.assert_array_equal(by_others, by_cloud_volume(path, level))
    assert set(path.glob("*")) == {path / "info", *(path / scale.key for scale in reader.layout.scales)}


def test_wide_labels_stay_whole(tmp_path: Path) -> None:
    voxels = blocky().astype(np.uint64) << np.uint64(40)
    path = written(tmp_path / "labels", voxels)
    np.testing.assert_array_equal(by_cloud_volume(path, 0)[..., 0], voxels)


def test_smaller_levels_have_labels_that_are_there(tmp_path: Path) -> None:
    """No mean of two labels: of 2 and 4 there is no 3."""
    voxels = np.full((20, 90, 90), 2, np.uint32)
    voxels[:, :, 33:] = 4
    path = written(tmp_path / "labels", voxels)
    for level in (1, 2):
        assert set(np.unique(by_cloud_volume(path, level))) == {2, 4}


def test_voxels_are_counted(tmp_path: Path) -> None:
    voxels = blocky()
    (tmp_path / "labels").mkdir()
    layout = lay_out_labels(voxels.shape, is_wide=False, voxel_um=(1, 1, 1), largest_plain_chunks=100,
                            smallest_side_px=256)  # fmt: skip
    counts = write_labels(tmp_path / "labels", layout, lambda z: voxels[z])
    assert counts == {label: int((voxels == label).sum()) for label in range(1, 5)}


def test_a_slab_too_large_for_memory_is_kept_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(label_volume, "LARGEST_IN_MEMORY", 1000)
    voxels = blocky()
    path = written(tmp_path / "labels", voxels)
    np.testing.assert_array_equal(by_cloud_volume(path, 0)[..., 0], voxels)


def test_one_slab_is_in_memory_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slabs: list[weakref.ref[np.ndarray]] = []
    write = label_volume._write_slab

    def watched(path: Path, layout: VolumeLayout, slab: int, planes: np.ndarray, *others: Any) -> list[BlockRecord]:
        slabs.append(weakref.ref(planes))
        return write(path, layout, slab, planes, *others)

    def read(z: int) -> np.ndarray:
        assert [one() for one in slabs] == [None] * len(slabs)
        return voxels[z]

    monkeypatch.setattr(label_volume, "_write_slab", watched)
    voxels = blocky()
    (tmp_path / "labels").mkdir()
    layout = lay_out_labels(voxels.shape, is_wide=False, voxel_um=(1, 1, 1), largest_plain_chunks=100,
                            smallest_side_px=256)  # fmt: skip
    # The next slab's own array is there by its first plane; that of the one before is not.
    write_labels(tmp_path / "labels", layout, read)
    assert len(slabs) > 1


def test_an_empty_volume_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BrainstackError, match="no label but 0"):
        written(tmp_path / "labels", np.zeros((5, 20, 20), np.uint32))


def test_planes_of_two_sizes_are_refused(tmp_path: Path) -> None:
    voxels = blocky()
    (tmp_path / "labels").mkdir()
    layout = lay_out_labels(voxels.shape, is_wide=False, voxel_um=(1, 1, 1), largest_plain_chunks=100,
                            smallest_side_px=256)  # fmt: skip
    with pytest.raises(BrainstackError, match="Plane 3 of the labels is 116 x 88 pixels, wanted 117 x 88"):
        write_labels(tmp_path / "labels", layout, lambda z: voxels[z][:, : 117 - (z == 3)])


def test_an_image_is_no_label_volume(tmp_path: Path) -> None:
    path = written(tmp_path / "labels", blocky())
    (path / "info").write_text((path / "info").read_text().replace('"segmentation"', '"image"', 1))
    with pytest.raises(BrainstackError, match="is an image"):
        LabelReader(path)


def test_a_level_that_is_not_there_is_said(tmp_path: Path) -> None:
    path = written(tmp_path / "labels", blocky())
    with pytest.raises(BrainstackError, match="was asked for level 9, and has 0 to 2"):
        LabelReader(path, 9)
