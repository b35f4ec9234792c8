"""`brainstack labels add` and `brainstack points add`, of one animal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from known_animal import database_with_dk39

from brainstack import label_commands, point_commands
from brainstack.animal_folder import AnimalFolder
from brainstack.environment import database_url
from brainstack.errors import BrainstackError
from brainstack.point_sources import check_free

Add = Callable[[str, Path], None]


@pytest.fixture
def folder(data_root: Path) -> AnimalFolder:
    database_with_dk39(database_url())
    return AnimalFolder(data_root / "DK39")


def add_points(name: str, tmp_path: Path) -> None:
    (tmp_path / "cells.csv").write_text("x_um,y_um,z_um\n1,2,3\n")
    point_commands.add_csv("DK39", name, tmp_path / "cells.csv")


def add_labels(name: str, tmp_path: Path) -> None:
    (tmp_path / "drawn").mkdir(exist_ok=True)
    tifffile.imwrite(tmp_path / "drawn" / "001.tif", np.ones((4, 5), np.uint8))
    label_commands.add("DK39", label_commands.source_of(name, sections=tmp_path / "drawn"))


@pytest.mark.parametrize(("first", "second"), [(add_points, add_labels), (add_labels, add_points)])
def test_a_name_that_the_other_kind_has_is_refused_before_either_is_made(
    folder: AnimalFolder, tmp_path: Path, first: Add, second: Add
) -> None:
    first("nuclei", tmp_path)
    first("nuclei", tmp_path)
    with pytest.raises(BrainstackError, match=r"'nuclei' cannot be a layer of .* says that it is one of"):
        second("nuclei", tmp_path)
    second("others", tmp_path)
    assert point_commands.listed("DK39")[0].endswith("not made yet")
    assert len(label_commands.listed("DK39")) == 1
    remove = point_commands.remove if first is add_points else label_commands.remove
    remove("DK39", "nuclei")
    second("nuclei", tmp_path)


@pytest.mark.parametrize("add", [add_points, add_labels])
def test_what_a_stage_calls_its_own_is_refused(folder: AnimalFolder, tmp_path: Path, add: Add) -> None:
    for name in ("shell", "C1T", "nuclei_mesh_mip_1_err_20"):
        with pytest.raises(BrainstackError, match=f"'{name}' cannot be a layer of"):
            add(name, tmp_path)


def test_points_that_a_person_put_beside_labels_of_their_name_hold_up_their_stage_alone(
    folder: AnimalFolder, tmp_path: Path
) -> None:
    add_labels("nuclei", tmp_path)
    add_points("cells", tmp_path)
    folder.points("cells").rename(folder.points("nuclei"))
    assert len(point_commands.listed("DK39")) == len(label_commands.listed("DK39")) == 1
    with pytest.raises(BrainstackError, match=r"'nuclei' cannot be a layer of points: .*nuclei\.json says"):
        check_free(folder, "nuclei")
