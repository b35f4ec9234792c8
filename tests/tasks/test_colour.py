"""An animal in colour (bright field, thionin) through every stage, against the made-up animal's truth."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import ome_types
import pytest
import tifffile
import zarr
from lab import Counted, Lab, copy_of

from brainstack.demo import Truth, read_truth
from brainstack.demo.measuring import as_scanned, pair_error_px
from brainstack.files.tiff import read_tiff
from brainstack.files.volume_info import read_volume_info
from brainstack.geometry import rigid
from brainstack.images.cleaning import cleaning_matrix
from brainstack.images.planes import dice

pytestmark = pytest.mark.slow

SIZE = ("--sections", "5", "--width-px", "600", "--height-px", "400", "--stain", "nissl")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """Five stained sections on two slides after a run. Not to be changed: copy it."""
    lab = Lab(tmp_path_factory.mktemp("stained"))
    made = lab.brainstack("demo", *SIZE)
    assert made.returncode == 0, made.stderr
    with lab.folder.settings.open("a") as settings:
        settings.write("[neuroglancer]\nchunk_size = [64, 64, 4]\n[downsampling]\nsmallest_side_px = 128\n")
    run = lab.luigi()
    assert run.returncode == 0, run.stderr
    return lab


@pytest.fixture(scope="module")
def truth(finished: Lab) -> Truth:
    return read_truth(finished.folder.root)


@pytest.fixture(scope="module")
def white(finished: Lab) -> list[int]:
    return white_of(finished)


def white_of(lab: Lab) -> list[int]:
    found: list[int] = json.loads(lab.folder.small("white_point_C1").read_text())["white"]
    return found


def mask_of(lab: Lab, key: str) -> np.ndarray:
    return read_tiff(lab.folder.keyed("thumbnail_masked", key)) > 0


def volume_of(lab: Lab, mip: int = 0) -> np.ndarray:
    """(z, y, x, 3), as cloud-volume reads it."""
    from cloudvolume import CloudVolume

    return np.asarray(
        CloudVolume(lab.folder.volume(1).as_uri(), mip=mip, progress=False, fill_missing=True)[:]
    ).transpose(2, 1, 0, 3)


def test_masks_are_near_the_truth(finished: Lab, truth: Truth) -> None:
    found = [dice(mask_of(finished, one.key), truth.mask(one.key)) for one in truth.sections]
    assert min(found) >= 0.97


def test_pairs_lie_within_half_a_thumbnail_pixel(finished: Lab, truth: Truth) -> None:
    content = json.loads(finished.folder.small("canvas").read_text())
    canvas, side_um = (content["rows"], content["columns"]), truth.pixel_size_um * truth.thumbnail_factor
    for fixed, moving in pairwise(section.key for section in truth.sections):
        pair = json.loads(finished.folder.pair_in_force(f"{fixed}..{moving}").read_text())
        matrix = rigid(pair["rotation_rad"], pair["shift_x_um"] / side_um, pair["shift_y_um"] / side_um, canvas)
        placed = [cleaning_matrix(mask_of(finished, key), 0, "none", canvas) for key in (fixed, moving)]
        assert pair_error_px(truth, fixed, moving, as_scanned(matrix, *placed)) <= 0.5


def test_every_image_is_in_colour_on_the_white_of_the_glass(finished: Lab, truth: Truth, white: list[int]) -> None:
    """The made-up glass is a warm white from 225 to 245; its light falls off towards the corners."""
    assert 220 <= white[2] < white[1] < white[0] <= 245
    for section in truth.sections:
        mask = mask_of(finished, section.key)
        thumbnail = read_tiff(finished.folder.tif_thumbnail(f"{section.slide}_S{section.scene}_C1.tif"))
        glass = np.median(thumbnail[~mask], axis=0)
        np.testing.assert_allclose(glass, white, atol=12)  # of this one slide, that of all of them
        cleaned = read_tiff(finished.folder.keyed("thumbnail_cleaned", section.key, 1))
        aligned = read_tiff(finished.folder.keyed("thumbnail_aligned", section.key, 1))
        for image in (cleaned, aligned):
            assert image.dtype == np.uint8
            assert image.shape[2] == 3
            for edge in (image[:5], image[-5:], image[:, :5], image[:, -5:]):
                assert (edge == white).all()
        # The tissue's own values, none changed; what is not tissue is the background.
        inside = np.zeros(cleaned.shape[:2], bool)
        top, left = ((canvas - side) // 2 for canvas, side in zip(cleaned.shape, box_of(mask).shape, strict=False))
        inside[top:, left:][: box_of(mask).shape[0], : box_of(mask).shape[1]] = box_of(mask)
        assert (cleaned[~inside] == white).all()
        np.testing.assert_array_equal(cleaned[inside], thumbnail[mask])
        tissue = aligned[(aligned != white).any(axis=2)].mean(axis=0)
        assert tissue[2] > tissue[0]  # glass is warm, and thionin lets more blue than red through


def box_of(mask: np.ndarray) -> np.ndarray:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def test_the_volume_holds_the_aligned_sections_in_colour(finished: Lab, truth: Truth) -> None:
    volume = volume_of(finished)
    aligned = [read_tiff(finished.folder.keyed("thumbnail_aligned", one.key, 1)) for one in truth.sections]
    np.testing.assert_array_equal(volume, np.stack(aligned))
    info = read_volume_info(finished.folder.volume(1))
    assert (info.data_type, info.num_channels, info.levels) == ("uint8", 3, 2)
    # A pixel of 50 um is as wide as a section is thick: z is halved with x and y.
    assert info.voxel_size_um == (50, 50, 50)
    depth, rows, columns = (side - side % 2 for side in volume.shape[:3])
    pieces = volume[:depth, :rows, :columns].reshape(depth // 2, 2, rows // 2, 2, columns // 2, 2, 3)
    means = np.rint(pieces.mean(axis=(1, 3, 5)))  # of eight, in binary without an error; ties to even
    np.testing.assert_array_equal(volume_of(finished, mip=1)[: depth // 2, : rows // 2, : columns // 2], means)


def test_pictures_are_in_colour(finished: Lab, truth: Truth) -> None:
    key = truth.sections[0].key
    web = cv2.imread(str(finished.folder.root / "www/000.png"), cv2.IMREAD_UNCHANGED)[..., ::-1]
    np.testing.assert_array_equal(web, read_tiff(finished.folder.keyed("thumbnail_aligned", key, 1)))
    for kind in ("normalized", "thumbnail_colored"):
        image = read_tiff(finished.folder.keyed(kind, key, 1 if kind == "normalized" else None))
        tissue = np.median(image[mask_of(finished, key)], axis=0)
        assert tissue[2] > tissue[0], kind
    histogram = np.load(finished.folder.keyed("histogram", key, 1, ".npz"))
    assert histogram["counts"].shape == (3, 256)
    assert (histogram["counts"].sum(axis=1) == mask_of(finished, key).sum()).all()
    assert (finished.folder.root / "histogram/CH1/DEMO.png").is_file()


def test_its_stages_know_a_white_point_and_no_gain(finished: Lab) -> None:
    status = finished.brainstack("status", "DEMO", "--all").stdout
    assert "All is done" in status
    assert "WhitePoint" in status
    assert "Gain" not in status
    refused = finished.brainstack("approve", "DEMO", "gain")
    assert refused.returncode != 0
    assert "brainstack approve DEMO white-point" in refused.stderr


def test_a_gap_is_a_plane_of_the_approved_white(finished: Lab, tmp_path: Path, white: list[int]) -> None:
    """One section less in the middle; the sections around it are paired with each other."""
    lab = copy_of(finished, tmp_path)
    assert "approved" in lab.brainstack("approve", "DEMO", "white-point").stdout
    assert lab.brainstack("animal", "set", "DEMO", "--slide", "1", "--scene", "2", "--qc", "2").returncode == 0
    counted = Counted(lab)
    run = lab.luigi()
    assert run.returncode == 0, run.stderr
    assert {"WhitePoint", "NeuroglancerImage"} <= counted.by_stage().keys()
    assert white_of(lab) == white
    volume = volume_of(lab)
    assert (volume[1] == white).all()
    assert [bool((plane == white).all()) for plane in volume] == [False, True, False, False, False]


def test_the_scan_s_resolution_shows_the_same_in_colour_and_glass_is_white(
    finished: Lab, tmp_path: Path, white: list[int]
) -> None:
    lab = copy_of(finished, tmp_path)
    run = lab.luigi("Animal", "--resolution", "full")
    assert run.returncode == 0, run.stderr
    from cloudvolume import CloudVolume

    path = lab.folder.volume(1, full=True)
    fine = np.asarray(CloudVolume(path.as_uri(), mip=0, progress=False)[:]).transpose(2, 1, 0, 3).astype(float)
    coarse = volume_of(lab).astype(float)
    sections, rows, columns, _ = coarse.shape
    assert fine.shape == (sections, 2 * rows, 2 * columns, 3)
    means = fine.reshape(sections, rows, 2, columns, 2, 3).mean(axis=(2, 4))
    assert np.abs(means - coarse).mean() < 2
    assert fine[:, 0, 0].tolist() == [white] * sections


def test_exports_are_in_colour_on_the_white_of_the_glass(finished: Lab, tmp_path: Path, white: list[int]) -> None:
    lab = copy_of(finished, tmp_path)
    for form in ("ome-zarr", "ome-tiff"):
        run = lab.luigi("Export", "--format", form)
        assert run.returncode == 0, run.stderr
    wanted = np.stack([read_tiff(lab.folder.numbered("thumbnail_aligned", slot, 1)) for slot in range(5)])
    assert (wanted[:, 0, 0] == white).all()
    image = zarr.open_group(lab.folder.export("DEMO_aligned_thumbnail.ome.zarr"), mode="r")
    np.testing.assert_array_equal(np.moveaxis(image["0"][...], 0, -1), wanted)
    assert [one["label"] for one in image.attrs["ome"]["omero"]["channels"]] == ["red", "green", "blue"]
    with tifffile.TiffFile(lab.folder.export("DEMO_aligned_thumbnail.ome.tif")) as file:
        np.testing.assert_array_equal(file.series[0].asarray(), wanted)
        assert file.pages[0].photometric == tifffile.PHOTOMETRIC.RGB
        pixels = ome_types.from_xml(file.ome_metadata, validate=True).images[0].pixels
    assert [one.samples_per_pixel for one in pixels.channels] == [3]
