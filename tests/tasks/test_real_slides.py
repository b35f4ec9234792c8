"""Four slides of a real mouse brain, through the whole pipeline."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from lab import Lab

from brainstack.files.tiff import read_tiff
from brainstack.files.transforms import read_transforms
from brainstack.files.volume_info import read_volume_info
from brainstack.images.planes import dice


@pytest.mark.real_data
@pytest.mark.slow
def test_a_real_brain_becomes_an_aligned_volume(real_data: Callable[[str], Path], tmp_path: Path) -> None:
    """20 coronal sections from the olfactory bulb to the midbrain, two channels, 20 um a pixel: far apart, so that
    neighbours differ; aligned, their outlines have to lie on each other all the same."""
    lab = Lab(tmp_path / "data")
    added = lab.brainstack("animal", "add", "DEMO", "--czi", str(real_data("slides_abba")), "--orientation", "coronal")
    assert added.returncode == 0, added.stderr
    assert "thumbnails 20 um a pixel (1/1)" in added.stdout
    run = lab.luigi()
    assert run.returncode == 0, run.stderr
    assert not any((real_data("slides_abba")).glob(".part-*"))

    keys = list(read_transforms(lab.folder.transforms))
    assert len(keys) == 20
    areas_mm2 = [np.count_nonzero(read_tiff(lab.folder.keyed("thumbnail_masked", key))) * 0.0004 for key in keys]
    assert min(areas_mm2) > 10  # the olfactory bulbs
    assert max(areas_mm2) < 80  # a whole coronal section
    cleaned, aligned = overlaps(lab, keys, "thumbnail_cleaned"), overlaps(lab, keys, "thumbnail_aligned")
    assert np.median(aligned) > 0.93
    assert np.median(aligned) >= np.median(cleaned)
    for channel in (1, 2):
        info = read_volume_info(lab.folder.volume(channel))
        assert info.size_xyz[2] == 20
        assert info.voxel_size_um == (20, 20, 20)
        assert info.levels > 1


def overlaps(lab: Lab, keys: list[str], kind: str) -> list[float]:
    """Dice of each section's tissue with its neighbour's."""
    tissue = [read_tiff(lab.folder.keyed(kind, key, 1)) > 0 for key in keys]
    return [dice(one, other) for one, other in pairwise(tissue)]
