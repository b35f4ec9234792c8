"""DifferentMesh of what is gone at a coarser level."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from brainstack.animal_folder import AnimalFolder
from brainstack.errors import BrainstackError
from brainstack.files.label_volume import LabelReader, lay_out_labels, write_labels
from brainstack.files.meshes import read_mesh_labels
from brainstack.mesh_costs import read_costs
from brainstack.settings import load_settings
from brainstack.stamps import Step
from tasks.different_mesh import DifferentMesh
from tasks.labels import MESHES, meshes_of, write_meshes


def test_a_level_without_labels_leaves_no_empty_layer(tmp_path: Path) -> None:
    plan = SimpleNamespace(folder=AnimalFolder(tmp_path / "DK39"), settings=load_settings(), section={}, czi_files=())
    layer = plan.folder.label_volume("dots")
    layer.mkdir(parents=True)
    labels = np.zeros((20, 100, 100), np.uint32)
    labels[10, 50, 50] = 3
    layout = lay_out_labels(labels.shape, is_wide=False, voxel_um=(10, 10, 20), largest_plain_chunks=100,
                            smallest_side_px=40)  # fmt: skip
    write_labels(layer, layout, lambda z: labels[z])
    with LabelReader(layer) as reader:
        write_meshes(meshes_of(reader, 0), plan.settings.meshes, layer / MESHES)
    before = sorted(plan.folder.neuroglancer_data.iterdir())

    with pytest.raises(BrainstackError, match="Nothing is left of dots at level 1; choose a finer one"):
        DifferentMesh(animal="DK39").make(plan, Step("DifferentMesh", 0, "dots:1:10"))

    assert sorted(plan.folder.neuroglancer_data.iterdir()) == before
    DifferentMesh(animal="DK39").make(plan, Step("DifferentMesh", 0, "dots:0:0"))
    assert read_mesh_labels(plan.folder.other_mesh("dots", "mip_0_err_0")) == [3]
    assert {one.variant: one.bytes > 0 for one in read_costs(plan.folder.mesh_costs("dots"))} == {
        "own": True, "mip_0_err_0": True,
    }  # fmt: skip
