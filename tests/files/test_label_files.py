"""Labels as other programs save them, and what is no labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from brainstack.errors import BrainstackError
from brainstack.files.label_files import LabelFolder, LabelImage, checked_geometry, itk, read_names
from brainstack.labels import Segment

SLOTS = {"slide001_S1": 0, "slide001_S2": 1, "slide002_S1": 2}


def volume(dtype: str = "uint16") -> np.ndarray:
    return np.random.default_rng(1).integers(0, 9, (5, 6, 7)).astype(dtype)


def save(folder: Path, **images: np.ndarray) -> Path:
    folder.mkdir(exist_ok=True)
    for name, image in images.items():
        tifffile.imwrite(folder / f"{name.lstrip('_')}.tif", image)
    return folder


def save_volume(
    path: Path, voxels: np.ndarray, spacing: tuple[float, float, float] = (0.01, 0.02, 0.03),
    origin: tuple[float, float, float] = (0.5, 1.0, 1.5), flipped: tuple[int, int, int] = (1, 1, 1),
) -> Path:  # fmt: skip
    image = itk().GetImageFromArray(voxels)
    image.SetSpacing(spacing)
    image.SetOrigin(origin)
    image.SetDirection(np.diag(flipped).astype(float).ravel().tolist())
    itk().WriteImage(image, str(path))
    return path


def test_files_are_of_the_section_they_are_called_by(tmp_path: Path) -> None:
    one, two = volume()[:2]
    found = LabelFolder(save(tmp_path, _000=one, slide002_S1=two), SLOTS, 3)
    assert found.shape_zyx == (3, 6, 7)
    for slot, wanted in enumerate((one, np.zeros_like(one), two)):
        np.testing.assert_array_equal(found.plane(slot), wanted)


@pytest.mark.parametrize("name", ["_003", "mask", "slide009_S1"])
def test_a_file_of_no_section_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BrainstackError, match="is of no section; wanted its number"):
        LabelFolder(save(tmp_path, **{name: volume()[0]}), SLOTS, 3)


def test_two_files_of_one_section_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BrainstackError, match="both of section 0"):
        LabelFolder(save(tmp_path, _000=volume()[0], slide001_S1=volume()[0]), SLOTS, 3)


def test_an_empty_or_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(BrainstackError, match="holds no TIFFs"):
        LabelFolder(tmp_path, SLOTS, 3)
    with pytest.raises(BrainstackError, match="is not there"):
        LabelFolder(tmp_path / "nowhere", SLOTS, 3)


def test_labels_of_two_sizes_are_refused(tmp_path: Path) -> None:
    folder = save(tmp_path, _000=volume()[0], _001=volume()[0][:, :6])
    with pytest.raises(BrainstackError, match=r"001.tif is 6 x 6 pixels, but 000.tif is 7 x 6; save all"):
        LabelFolder(folder, SLOTS, 3)


def test_labels_with_a_fraction_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BrainstackError, match="holds float32, wanted whole numbers"):
        LabelFolder(save(tmp_path, _000=volume("float32")[0]), SLOTS, 3)
    with pytest.raises(BrainstackError, match="holds float32, wanted whole numbers"):
        LabelImage(save_volume(tmp_path / "labels.nii.gz", volume("float32")))


def test_negative_labels_are_refused(tmp_path: Path) -> None:
    labels = volume("int16")
    labels[2, 3, 4] = -5
    folder = LabelFolder(save(tmp_path, _002=labels[2]), SLOTS, 3)
    with pytest.raises(BrainstackError, match=r"002.tif has the label -5, wanted 0 and above"):
        folder.plane(2)
    image = LabelImage(save_volume(tmp_path / "labels.nrrd", labels))
    with pytest.raises(BrainstackError, match="has the label -5"):
        image.plane(2)


def test_colours_and_stacks_are_no_plane(tmp_path: Path) -> None:
    with pytest.raises(BrainstackError, match="wanted one plane of labels"):
        LabelFolder(save(tmp_path, _000=np.zeros((6, 7, 3), np.uint8)), SLOTS, 3)


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd", ".tif"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int32"])
def test_volumes_are_read_plane_by_plane(tmp_path: Path, suffix: str, dtype: str) -> None:
    voxels, path = volume(dtype), tmp_path / f"labels{suffix}"
    if suffix == ".tif":
        tifffile.imwrite(path, voxels)
    else:
        save_volume(path, voxels)
    image = LabelImage(path)
    assert image.shape_zyx == (5, 6, 7)
    assert not image.is_wide
    for number in (0, 4, 2):
        np.testing.assert_array_equal(image.plane(number), voxels[number])


@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd"])
def test_the_geometry_of_a_file_is_in_micrometres(tmp_path: Path, suffix: str) -> None:
    path = save_volume(tmp_path / f"labels{suffix}", volume())
    voxel_um, offset_um = checked_geometry(LabelImage(path), path, None, None)
    np.testing.assert_allclose(voxel_um, (10, 20, 30), rtol=1e-5)
    np.testing.assert_allclose(offset_um, (500 - 5, 1000 - 10, 1500 - 15), rtol=1e-5)
    assert checked_geometry(LabelImage(path), path, (1, 2, 3), (4, 5, 6)) == ((1, 2, 3), (4, 5, 6))


@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd"])
def test_the_origin_of_a_file_is_the_middle_of_its_first_voxel(tmp_path: Path, suffix: str) -> None:
    """A part cut out of a volume, from its voxel (3, 5, 2) on, begins where three, five and two voxels end."""
    sides = np.array((10.0, 20.0, 30.0))
    middle = (np.array((3, 5, 2)) + 0.5) * sides / 1000
    path = save_volume(tmp_path / f"part{suffix}", volume(), tuple(sides / 1000), tuple(middle))
    _, offset_um = checked_geometry(LabelImage(path), path, None, None)
    np.testing.assert_allclose(offset_um, (3 * 10, 5 * 20, 2 * 30), rtol=1e-4)
    _, offset_um = checked_geometry(LabelImage(path), path, (2.0, 2.0, 2.0), None)
    np.testing.assert_allclose(offset_um, (35 - 1, 110 - 1, 75 - 1), rtol=1e-4)


def test_a_file_whose_x_and_y_run_the_other_way_has_the_same_corner(tmp_path: Path) -> None:
    """As most NIfTI do: nothing is turned, so what counts is how far the first voxel is along the array's own axes."""
    path = save_volume(tmp_path / "labels.nii", volume(), origin=(-0.5, -1.0, 1.5), flipped=(-1, -1, 1))
    _, offset_um = checked_geometry(LabelImage(path), path, None, None)
    np.testing.assert_allclose(offset_um, (495, 990, 1485), rtol=1e-5)


@pytest.mark.parametrize("suffix", [".nii", ".nrrd"])
def test_a_file_that_was_saved_without_an_origin_begins_with_the_stack(tmp_path: Path, suffix: str) -> None:
    path = save_volume(tmp_path / f"labels{suffix}", volume(), origin=(0, 0, 0))
    assert checked_geometry(LabelImage(path), path, None, None)[1] == (0, 0, 0)


@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd"])
def test_a_file_that_was_saved_without_a_size_is_asked_for_it(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"labels{suffix}"
    itk().WriteImage(itk().GetImageFromArray(volume()), str(path))
    with pytest.raises(BrainstackError, match=r"does not say how large its voxels are .*give --voxel-um X Y Z"):
        checked_geometry(LabelImage(path), path, None, None)
    assert checked_geometry(LabelImage(path), path, (25, 25, 25), None) == ((25, 25, 25), (0, 0, 0))


def test_a_tiff_does_not_say_how_large_its_voxels_are(tmp_path: Path) -> None:
    path = tmp_path / "labels.tif"
    tifffile.imwrite(path, volume())
    with pytest.raises(BrainstackError, match=r"give --voxel-um X Y Z"):
        checked_geometry(LabelImage(path), path, None, None)


def test_voxels_of_metres_are_refused(tmp_path: Path) -> None:
    """25 meant as micrometres, in a format that has millimetres."""
    path = save_volume(tmp_path / "labels.nrrd", volume(), (25.0, 25.0, 25.0))
    with pytest.raises(BrainstackError, match=r"has voxels of 25000 x 25000 x 25000 um"):
        checked_geometry(LabelImage(path), path, None, None)


def test_a_volume_that_lies_askew_is_refused(tmp_path: Path) -> None:
    image = itk().GetImageFromArray(volume())
    image.SetDirection((0.8, -0.6, 0, 0.6, 0.8, 0, 0, 0, 1))
    itk().WriteImage(image, str(tmp_path / "labels.nrrd"))
    with pytest.raises(BrainstackError, match="lies askew"):
        LabelImage(tmp_path / "labels.nrrd")


def test_other_files_are_no_volumes(tmp_path: Path) -> None:
    (tmp_path / "labels.nrrd").write_text("not a volume")
    save_volume(tmp_path / "header.nhdr", volume())  # its data is in another file, whose changes nobody would see
    for name, said in (
        ("labels.nrrd", "cannot be read as a volume"),
        ("labels.mat", "is not there"),
        ("header.nhdr", "is of a kind that is not read"),
    ):
        with pytest.raises(BrainstackError, match=said):
            LabelImage(tmp_path / name)


def test_names_are_read(tmp_path: Path) -> None:
    path = tmp_path / "names.csv"
    path.write_text("label,name,color\n3,facial,#0CFF95\n200,infra,\n")
    assert read_names(path) == [Segment(3, "facial", "", "#0CFF95"), Segment(200, "infra")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("label,color\n1,#000000\n", "has no column 'name'"),
        ("label,name\none,facial\n", "line 2: label 'one'"),
        ("label,name\n1,\n", "wanted a whole number and a name"),
        ("label,name,color\n1,a,red\n", "the color 'red' is none"),
        ("label,name\n1,a\n1,b\n", "has the label 1 twice"),
        ("label,name\n1,a\n2,a\n", "calls both label 1 and label 2 'a'"),
    ],
)
def test_other_tables_are_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "names.csv"
    path.write_text(text)
    with pytest.raises(BrainstackError, match=said):
        read_names(path)
