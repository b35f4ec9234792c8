"""The shell and layers of labels of a whole made-up animal, as other programs see them."""

from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from block_volumes import by_cloud_volume, by_tensorstore
from cluster_lab import cluster_lab
from lab import Counted, Lab, copy_of
from labelled import STRUCTURES, canvas_of, circle, draw, drawn, ellipsoids, write_label_tiffs
from neuroglancer_schemas import check_by_schema
from slurm_cluster import SlurmCluster

from brainstack.annotations import Voxel
from brainstack.demo import read_truth
from brainstack.files.label_files import itk
from brainstack.files.meshes import read_mesh, read_mesh_labels, read_plain_mesh
from brainstack.files.segment_properties import read_segments
from brainstack.files.tiff import read_tiff
from brainstack.geometry import inverse
from brainstack.triangles import open_edges, volume_um3

SECTIONS = 8


@pytest.fixture(scope="session")
def labelled(finished: Lab, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """The finished animal with three layers of labels: TIFFs, a volume, and polygons. Not to be changed: copy it."""
    lab = copy_of(finished, tmp_path_factory.mktemp("labelled"))
    labels = ellipsoids((SECTIONS, *canvas_of(lab)))
    write_label_tiffs(lab.root / "tiffs", labels)
    image = itk().GetImageFromArray(labels[2:6, 50:, 20:])
    side = voxel_of(lab).x_um
    image.SetSpacing([one / 1000 for one in (side, side, voxel_of(lab).z_um)])
    # The middle of its first voxel, which is the stack's (20, 50, 2).
    image.SetOrigin([20.5 * side / 1000, 50.5 * side / 1000, 2.5 * voxel_of(lab).z_um / 1000])
    itk().WriteImage(image, str(lab.root / "labels.nrrd"))
    voxel = voxel_of(lab)
    left = circle(60, 80, 20, voxel, 1) + circle(70, 85, 10, voxel, 5, 1)
    right = circle(140, 80, 20, voxel, 1) + circle(130, 85, 10, voxel, 5, 1)
    draw(lab, drawn("7N_L", left), drawn("7N_R", right), drawn("SC", circle(100, 50, 12, voxel, 2)))
    for words in (
        ("tiffs", "--sections", str(lab.root / "tiffs")),
        ("volume", "--volume", str(lab.root / "labels.nrrd")),
        ("drawn", "--polygons"),
    ):
        added = lab.brainstack("labels", "add", "DEMO", *words)
        assert added.returncode == 0, added.stderr
    run = lab.luigi()
    assert run.returncode == 0, run.stderr
    return lab


def voxel_of(lab: Lab) -> Voxel:
    truth = read_truth(lab.folder.root)
    side_um = truth.pixel_size_um * truth.thumbnail_factor
    return Voxel(side_um, side_um, truth.spacing_um)


def voxel_um3(lab: Lab) -> float:
    voxel = voxel_of(lab)
    return voxel.x_um * voxel.y_um * voxel.z_um


def labels_in(path: Path) -> np.ndarray:
    """(z, y, x), as two other programs read it."""
    found = by_cloud_volume(path, 0)
    np.testing.assert_array_equal(found, by_tensorstore(path, 1)[0])
    return found[..., 0]


def test_the_shell_encloses_the_masks_and_is_one_closed_piece(labelled: Lab) -> None:
    folder = labelled.folder
    pixels = sum(
        int((read_tiff(path) > 0).sum()) for path in folder.keyed("thumbnail_masked", "x").parent.glob("*.tif")
    )
    masks_um3 = pixels * voxel_um3(labelled)
    mesh = read_plain_mesh(folder.label_volume("shell") / "mesh_plain", 1)
    assert volume_um3(mesh) == pytest.approx(masks_um3, rel=0.01)
    assert open_edges(mesh) == 0
    voxels = labels_in(folder.label_volume("shell"))
    assert set(np.unique(voxels)) == {0, 1}
    assert voxels.sum() * voxel_um3(labelled) == pytest.approx(masks_um3, rel=0.01)


def test_the_shell_lies_around_the_true_tissue(labelled: Lab) -> None:
    """The true mask of a section in the middle, brought onto the aligned canvas."""
    from brainstack.images.alignment import align
    from brainstack.images.cleaning import cleaning_matrix
    from brainstack.images.planes import dice

    truth, folder = read_truth(labelled.folder.root), labelled.folder
    section = truth.sections[4]
    transforms, cleaned = (json.loads(folder.small(name).read_text()) for name in ("transforms", "canvas"))
    mask = read_tiff(folder.keyed("thumbnail_masked", section.key)) > 0
    to_cleaned = np.array(transforms["matrices"][section.key])
    from_scene = cleaning_matrix(mask, 0, "none", (cleaned["rows"], cleaned["columns"]))
    true = truth.mask(section.key).astype(np.uint8) * 255
    aligned = align(true, inverse(from_scene) @ to_cleaned, canvas_shape=tuple(transforms["canvas"])) > 127
    assert dice(labels_in(folder.label_volume("shell"))[4] > 0, aligned) > 0.95


def test_label_tiffs_become_the_layer_they_were_drawn_as(labelled: Lab) -> None:
    path = labelled.folder.label_volume("tiffs")
    np.testing.assert_array_equal(labels_in(path), ellipsoids((SECTIONS, *canvas_of(labelled))))
    assert [(one.label, one.name) for one in read_segments(path)] == list(STRUCTURES.items())
    assert read_mesh_labels(path / "mesh") == list(STRUCTURES)
    for label in STRUCTURES:
        assert open_edges(read_mesh(path / "mesh", label)) == 0


def test_a_volume_keeps_its_place(labelled: Lab) -> None:
    """It is a part of the same labels: its meshes lie where those of the TIFFs do."""
    voxel, path = voxel_of(labelled), labelled.folder.label_volume("volume")
    info = json.loads((path / "info").read_text())
    assert info["scales"][0]["voxel_offset"] == [20, 50, 2]
    whole = labels_in(labelled.folder.label_volume("tiffs"))
    np.testing.assert_array_equal(labels_in(path), whole[2:6, 50:, 20:])
    for label in STRUCTURES:
        places = np.argwhere(whole == label)[:, ::-1]
        places = places[(places[:, 2] >= 2) & (places[:, 2] < 6)]
        vertices = read_mesh(path / "mesh", label).vertices / (voxel.x_um, voxel.y_um, voxel.z_um)
        np.testing.assert_allclose(vertices.min(axis=0), places.min(axis=0), atol=0.25)
        np.testing.assert_allclose(vertices.max(axis=0), places.max(axis=0) + 1, atol=0.25)


def test_polygons_are_filled_and_interpolated_under_their_structures_name(labelled: Lab) -> None:
    path = labelled.folder.label_volume("drawn")
    voxels = labels_in(path)
    assert [one.name for one in read_segments(path)] == ["7N", "SC"]
    label = read_segments(path)[0].label
    assert [bool((plane == label).any()) for plane in voxels] == [False] + [True] * 5 + [False] * 2
    between = np.argwhere(voxels[3, :, :100] == label)  # half-way from radius 20 to 10
    assert len(between) == pytest.approx(np.pi * 15**2, rel=0.08)
    np.testing.assert_allclose(between.mean(axis=0), (82.5, 65), atol=0.3)


@pytest.mark.parametrize("layer", ["shell", "tiffs", "volume", "drawn"])
def test_what_a_layer_says_is_valid_and_cloud_volume_reads_its_meshes(labelled: Lab, layer: str) -> None:
    from cloudvolume import CloudVolume

    path = labelled.folder.label_volume(layer)
    for name, schema in (
        ("info", "volume"),
        ("mesh/info", "multiresolution_mesh"),
        ("mesh_plain/info", "legacy_mesh_info"),
        ("segment_properties/info", "segment_properties"),
    ):
        check_by_schema(json.loads((path / name).read_text()), schema)
    volume = CloudVolume(path.as_uri(), progress=False)
    for label in read_mesh_labels(path / "mesh"):
        theirs = volume.mesh.get(label)[label].vertices / 1000
        ours = read_mesh(path / "mesh", label).vertices
        np.testing.assert_allclose(theirs.min(axis=0), ours.min(axis=0), atol=0.1)
        np.testing.assert_allclose(theirs.max(axis=0), ours.max(axis=0), atol=0.1)


def test_a_second_run_makes_nothing_and_a_new_outline_its_layer_only(labelled: Lab, tmp_path: Path) -> None:
    lab = copy_of(labelled, tmp_path)
    counted = Counted(lab)
    draw(lab, drawn("SC", circle(100, 50, 20, voxel_of(lab), 2)))
    run = lab.luigi()
    assert run.returncode == 0, run.stderr
    assert counted.by_stage() == {"NeuroglancerMesh": 1}
    assert (labels_in(lab.folder.label_volume("drawn"))[2, 40:60, 85:115] == 18).sum() > 300


def test_another_mesh_stands_beside_the_first_with_what_it_costs(labelled: Lab, tmp_path: Path) -> None:
    lab = copy_of(labelled, tmp_path)
    before = {path: path.read_bytes() for path in lab.folder.label_volume("tiffs").rglob("*") if path.is_file()}
    for error_um in ("0", "40"):
        run = lab.luigi("DifferentMesh", "--layer", "tiffs", "--error-um", error_um)
        assert run.returncode == 0, run.stderr
    after = {path: path.read_bytes() for path in lab.folder.label_volume("tiffs").rglob("*") if path.is_file()}
    assert after == before
    with lab.folder.mesh_table("tiffs").open(newline="") as file:
        rows = {row["variant"]: row for row in csv.DictReader(file)}
    assert set(rows) == {"own", "mip_0_err_0", "mip_0_err_40"}
    assert (
        int(rows["mip_0_err_0"]["triangles"]) > int(rows["own"]["triangles"]) > int(rows["mip_0_err_40"]["triangles"])
    )
    assert float(rows["mip_0_err_0"]["95 % um"]) < 0.1  # what whole numbers cost
    assert float(rows["own"]["mean um"]) < float(rows["mip_0_err_40"]["mean um"]) < 40
    assert int(rows["mip_0_err_0"]["bytes"]) > int(rows["mip_0_err_40"]["bytes"]) > 0
    other = lab.folder.other_mesh("tiffs", "mip_0_err_40")
    check_by_schema(json.loads((other / "info").read_text()), "multiresolution_mesh")
    assert read_mesh_labels(other) == list(STRUCTURES)
    assert all(float(row["seconds"]) >= 0 for row in rows.values())
    told = lab.brainstack("labels", "costs", "DEMO", "tiffs")
    assert re.search(r"^mip_0_err_40 +0 +40 +[\d,]+ ", told.stdout, re.MULTILINE)


def test_what_is_no_labels_is_said_and_leaves_the_rest(labelled: Lab, tmp_path: Path) -> None:
    lab = copy_of(labelled, tmp_path)
    write_label_tiffs(lab.root / "empty", np.zeros((SECTIONS, *canvas_of(lab)), np.uint8))
    write_label_tiffs(lab.root / "small", np.ones((SECTIONS, 20, 30), np.uint8))
    for name in ("empty", "small"):
        assert lab.brainstack("labels", "add", "DEMO", name, "--sections", str(lab.root / name)).returncode == 0
    draw(lab, drawn("SC", [voxel_of(lab).from_array((5, 5, 1))]))
    run = lab.luigi("NeuroglancerMesh")
    assert run.returncode != 0
    said = " ".join(run.stderr.split())
    assert "The layer empty: It has no label but 0" in said
    assert "are 30 x 20 pixels, but the aligned sections are" in said
    assert "Polygon 0 of SC" in said
    assert "has 1 corners" in said
    folder = lab.folder.neuroglancer_data
    assert not [path.name for path in folder.iterdir() if path.name in ("empty", "small") or path.name.startswith(".")]
    assert read_mesh_labels(lab.folder.label_volume("tiffs") / "mesh") == list(STRUCTURES)


def test_layers_are_listed_and_taken_away(labelled: Lab, tmp_path: Path) -> None:
    lab = copy_of(labelled, tmp_path)
    assert "tiffs: sections " in lab.brainstack("labels", "list", "DEMO").stdout
    assert "3 labels: 10N, 12N, 3N" in lab.brainstack("labels", "list", "DEMO").stdout
    assert lab.brainstack("labels", "remove", "DEMO", "tiffs").returncode == 0
    assert not lab.folder.label_volume("tiffs").exists()
    assert "tiffs" not in lab.brainstack("labels", "list", "DEMO").stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("C1T", "--polygons"), "cannot be a layer of labels"),
        (("shell", "--polygons"), "cannot be a layer of labels"),
        (("a/b", "--polygons"), "cannot be a layer of labels"),
        (("x",), "give one of --sections, --volume and --polygons"),
        (("x", "--sections", "/nowhere"), "no folder with TIFFs"),
        (("x", "--polygons", "--voxel-um", "1", "1", "1"), "are of a --volume"),
        (("x", "--volume", "/nowhere.nrrd"), "is not there"),
    ],
)
def test_what_cannot_be_a_layer_is_refused(labelled: Lab, words: tuple[str, ...], said: str) -> None:
    refused = labelled.brainstack("labels", "add", "DEMO", *words)
    assert refused.returncode == 1
    assert said in " ".join(refused.stderr.split())


@pytest.mark.slurm
@pytest.mark.slow
def test_on_a_cluster_the_layers_are_the_same(slurm: SlurmCluster, labelled: Lab, tmp_path: Path) -> None:
    """They are lost, and made anew by batch jobs."""
    lab = cluster_lab(labelled, tmp_path, "Shell", "NeuroglancerMesh", "PointVolume")
    layers = ("shell", "tiffs", "volume", "drawn", "landmarks")
    for layer in layers:
        shutil.rmtree(lab.folder.neuroglancer_data / layer)

    run = lab.call(*lab.command())

    assert run.returncode == 0, run.stderr
    assert lab.bytes() == labelled.bytes()
    assert sorted(step.stage for array in lab.arrays() for tasks in lab.steps(array) for step in tasks) == [
        *["NeuroglancerMesh"] * 3, "PointVolume", "Shell",
    ]  # fmt: skip
