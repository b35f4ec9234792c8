"""What `brainstack labels add` tells of a volume."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from known_animal import database_with_dk39

from brainstack import label_commands
from brainstack.animal_folder import AnimalFolder
from brainstack.environment import database_url
from brainstack.files.label_files import itk
from brainstack.label_commands import source_of


@pytest.fixture
def folder(data_root: Path) -> AnimalFolder:
    database_with_dk39(database_url())
    return AnimalFolder(data_root / "DK39")


@pytest.mark.usefixtures("folder")
def test_it_says_where_a_volume_lies_and_who_says_so(tmp_path: Path) -> None:
    path = tmp_path / "labels.nrrd"
    image = itk().GetImageFromArray(np.ones((2, 3, 4), np.uint8))
    image.SetSpacing((0.01, 0.01, 0.02))
    itk().WriteImage(image, str(path))
    told = label_commands.add("DK39", source_of("atlas", volume=path))[0]
    assert "its corner at 0 x 0 x 0 um, as the file does not say it; --offset-um X Y Z does" in told
    image.SetOrigin((1.005, 2.005, 0.03))
    itk().WriteImage(image, str(path))
    told = label_commands.add("DK39", source_of("atlas", volume=path))[0]
    assert "its corner at 1000 x 2000 x 20 um, half a voxel before the file's origin" in told
    told = label_commands.add("DK39", source_of("atlas", volume=path, offset_um=(5, 6, 7)))[0]
    assert told.endswith("its corner at 5 x 6 x 7 um")
