"""FullMasks: masks at the size of the scan, for those who ask for them."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from lab import Counted, Lab

from brainstack.demo import read_truth
from brainstack.files.tiff import read_tiff

pytestmark = pytest.mark.slow

SECTIONS = 8


def test_full_masks_are_made_when_asked_for_and_again_only_where_a_mask_changed(lab: Lab) -> None:
    folder = lab.folder.root / "preps/masks/full_masked"
    factor = read_scan(lab, 3).shape[0] / read_mask(lab, 3).shape[0]
    assert not folder.exists()

    run = lab.luigi("FullMasks", "--section", "3")
    assert run.returncode == 0, run.stderr
    assert [path.name for path in folder.iterdir()] == ["003.tif"]
    assert (folder / "003.tif").is_symlink()
    with tifffile.TiffFile(folder / "003.tif") as file, tifffile.TiffFile(scan_path(lab, 3)) as scan:
        page, like = file.pages.first, scan.pages.first
        assert (page.shape, page.dtype, file.is_bigtiff, page.is_tiled) == (like.shape, np.uint8, True, True)
        assert page.tags["XResolution"].value == like.tags["XResolution"].value
        assert page.compression != 1
        mask = page.asarray()
    assert set(np.unique(mask)) == {0, 255}
    small = read_mask(lab, 3) > 0
    assert np.mean(mask > 0) == pytest.approx(small.mean(), rel=0.02)
    rows, columns = (np.round((np.argwhere(small).mean(axis=0) + 0.5) * factor)).astype(int)
    assert mask[rows, columns] == 255

    counted = Counted(lab)
    assert lab.luigi("FullMasks").returncode == 0
    assert counted.by_stage() == {"FullMasks": SECTIONS - 1}
    assert len(list(folder.iterdir())) == SECTIONS

    path = lab.folder.root / "preps/masks/thumbnail_masked/003.tif"
    painted = read_tiff(path).copy()
    painted[: painted.shape[0] // 2] = 0
    path.unlink()
    tifffile.imwrite(path, painted)
    counted = Counted(lab)
    run = lab.luigi("FullMasks")
    assert run.returncode == 0, run.stderr
    assert counted.by_stage()["FullMasks"] == 1
    tidied = lab.brainstack("tidy", "DEMO")
    assert "no longer needed: 0 files" in tidied.stdout


def scan_path(lab: Lab, number: int):
    return lab.folder.root / f"preps/CH1/full/{number:03d}.tif"


def read_scan(lab: Lab, number: int) -> np.ndarray:
    return read_tiff(scan_path(lab, number))


def read_mask(lab: Lab, number: int) -> np.ndarray:
    assert read_truth(lab.folder.root).sections[number].key
    return read_tiff(lab.folder.root / f"preps/masks/thumbnail_masked/{number:03d}.tif")
