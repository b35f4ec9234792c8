from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from volumes import write_volume

from brainstack.errors import BrainstackError
from brainstack.files.volume_cuts import read_cuts

VOXEL_UM = (10.0, 10.0, 20.0)


def written(folder: Path, sections: np.ndarray, levels: int = 1) -> Path:
    write_volume(folder / "C1T", sections, voxel_size_um=VOXEL_UM, chunk_size=(32, 32, 4), levels=levels)
    return folder / "C1T"


def test_the_planes_are_those_through_the_middle(tmp_path: Path) -> None:
    """Each voxel holds its own place, in a volume whose sides are no whole number of chunks."""
    z, y, x = np.meshgrid(np.arange(9), np.arange(50), np.arange(70), indexing="ij")
    sections = (z * 5000 + y * 80 + x).astype("uint16")
    cuts = read_cuts(written(tmp_path, sections), 1000)

    np.testing.assert_array_equal(cuts.xy, sections[4])
    np.testing.assert_array_equal(cuts.xz, sections[:, 25, :])
    np.testing.assert_array_equal(cuts.zy, sections[:, :, 35].T)
    assert cuts.size_um == (700.0, 500.0, 180.0)
    assert cuts.at == (35, 25, 4)


def test_a_smaller_level_is_taken_where_the_first_is_too_wide(tmp_path: Path) -> None:
    sections = np.full((8, 100, 128), 7, "uint16")
    cuts = read_cuts(written(tmp_path, sections, levels=3), 40)
    assert cuts.xy.shape[1] == 32
    assert (cuts.xy == 7).all()
    assert cuts.size_um == (1280.0, 1000.0, 160.0), "of all of the volume"


def test_a_volume_in_colour_keeps_its_samples(tmp_path: Path) -> None:
    sections = np.zeros((4, 40, 60, 3), "uint8")
    sections[..., 0], sections[..., 1] = 200, 100
    cuts = read_cuts(written(tmp_path, sections), 1000)
    assert [one.shape for one in (cuts.xy, cuts.xz, cuts.zy)] == [(40, 60, 3), (4, 60, 3), (40, 4, 3)]
    assert cuts.zy[0, 0].tolist() == [200, 100, 0]


def test_where_there_is_no_chunk_it_is_black(tmp_path: Path) -> None:
    sections = np.zeros((4, 40, 60), "uint16")
    sections[2, :5, :5] = 9
    assert read_cuts(written(tmp_path, sections), 1000).xy.sum() == 9 * 25


def test_what_is_no_volume_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(BrainstackError):
        read_cuts(tmp_path, 100)
