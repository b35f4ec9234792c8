"""Export of the made-up animal: what other programs read of it, what is made again, and what is left by a kill."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np
import ome_types
import pytest
import tifffile
import zarr
from cluster_lab import cluster_lab
from fake_slurm import FakeSlurm
from killing import killed_in
from lab import Counted, Lab, copy_of
from ome_zarr_models.v05 import Image

from brainstack.demo import read_truth
from brainstack.errors import BrainstackError
from brainstack.files.tiff import read_tiff
from brainstack.images.halving import halve_plane, halve_volume
from tasks.export import Export, ExportSection

ZARR, TIFF = "DEMO_aligned_thumbnail.ome.zarr", "DEMO_aligned_thumbnail.ome.tif"
FULL_ZARR, FULL_SECTIONS = "DEMO_aligned_full.ome.zarr", "DEMO_aligned_full_sections"
NAMES = ["DAPI", "GFP", "Cy5"]
KEY, SLOT = "slide001_S3", 2


def export(lab: Lab, *words: str) -> dict[str, int]:
    """What a run made."""
    counted, run = Counted(lab), lab.luigi("Export", *words)
    assert run.returncode == 0, run.stderr
    return counted.by_stage()


@pytest.fixture(scope="module")
def exported(finished: Lab, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """Not to be changed: copy it."""
    lab = copy_of(finished, tmp_path_factory.mktemp("exported"))
    with lab.folder.settings.open("a") as settings:
        settings.write("[downsampling]\nsmallest_side_px = 100\n")  # the sections are small; they shall have levels
    assert export(lab) == {"ExportSection": 8, "Export": 1}
    assert export(lab, "--format", "ome-tiff") == {"ExportSection": 8, "Export": 1}
    for form in ("ome-zarr", "ome-tiff-sections"):
        assert export(lab, "--format", form, "--resolution", "full") == {"ExportSection": 8, "Export": 1}
    return lab


def by_tensorstore(path: Path, level: int = 0) -> np.ndarray:
    """(c, z, y, x)."""
    import tensorstore

    spec = {"driver": "zarr3", "kvstore": (path / str(level)).as_uri() + "/"}
    return np.asarray(tensorstore.open(spec, read=True).result()[...].read().result())


def aligned(lab: Lab, channel: int) -> np.ndarray:
    """(z, y, x) of thumbnails."""
    return np.stack([read_tiff(lab.folder.numbered("thumbnail_aligned", slot, channel)) for slot in range(8)])


def pixel_size_um(lab: Lab, *, full: bool = False) -> float:
    """Of the scan, in which a thumbnail's pixel is two."""
    truth = read_truth(lab.folder.root)
    return truth.pixel_size_um * (1 if full else truth.thumbnail_factor)


def test_the_pixels_of_an_ome_zarr_are_those_of_the_aligned_sections(exported: Lab) -> None:
    found = by_tensorstore(exported.folder.export(ZARR))
    for channel in (1, 2, 3):
        np.testing.assert_array_equal(found[channel - 1], aligned(exported, channel))
    # A voxel is as wide as it is deep, so that all three axes are halved.
    np.testing.assert_array_equal(by_tensorstore(exported.folder.export(ZARR), 1)[1], halve_volume(found[1], (2, 2, 2)))


def test_the_pixels_of_an_ome_tiff_are_those_of_the_aligned_sections(exported: Lab) -> None:
    with tifffile.TiffFile(exported.folder.export(TIFF)) as file:
        series = file.series[0]
        assert (series.axes, len(series.levels)) == ("ZCYX", 3)
        found, smaller = series.asarray(), series.levels[2].asarray()
    np.testing.assert_array_equal(smaller[SLOT, 1], halve_plane(halve_plane(found[SLOT, 1])))
    for channel in (1, 2, 3):
        np.testing.assert_array_equal(found[:, channel - 1], aligned(exported, channel))


def test_at_the_scan_s_resolution_both_are_what_full_alignment_writes(exported: Lab, tmp_path: Path) -> None:
    lab = copy_of(exported, tmp_path)
    run = lab.luigi("Alignment", "--section", KEY, "--resolution", "full")
    assert run.returncode == 0, run.stderr
    wanted = [read_tiff(lab.folder.numbered("full_aligned", SLOT, channel)) for channel in (1, 2, 3)]
    np.testing.assert_array_equal(by_tensorstore(lab.folder.export(FULL_ZARR))[:, SLOT], wanted)
    names = sorted(path.name for path in lab.folder.export(FULL_SECTIONS).iterdir())
    assert (len(names), names[SLOT]) == (8, f"002_{KEY}.ome.tif")
    with tifffile.TiffFile(lab.folder.export(FULL_SECTIONS) / names[SLOT]) as file:
        np.testing.assert_array_equal(file.series[0].asarray(), wanted)
        levels = [one.asarray() for one in file.series[0].levels]
    for level, planes in enumerate(levels[:2]):  # a pixel of 25 um is halved alone once, then with sections of 50
        np.testing.assert_array_equal(by_tensorstore(lab.folder.export(FULL_ZARR), level)[:, SLOT], planes)


@pytest.mark.parametrize("full", [False, True], ids=["thumbnail", "full"])
def test_an_ome_zarr_says_sizes_names_and_contrast(exported: Lab, full: bool) -> None:
    group = zarr.open_group(exported.folder.export(FULL_ZARR if full else ZARR), mode="r")
    ome = Image.from_zarr(group).attributes.ome
    first = ome.multiscales[0].datasets[0].coordinateTransformations[0]
    side_um = pixel_size_um(exported, full=full)
    assert first.scale == [1, 50, side_um, side_um]
    assert {axis.unit for axis in ome.multiscales[0].axes} == {None, "micrometer"}
    channels = group.attrs["ome"]["omero"]["channels"]
    assert [one["label"] for one in channels] == NAMES
    for one in channels:
        assert 0 <= one["window"]["start"] < one["window"]["end"] <= 65535


@pytest.mark.parametrize("full", [False, True], ids=["thumbnail", "full"])
def test_an_ome_tiff_says_sizes_and_names(exported: Lab, full: bool) -> None:
    path = exported.folder.export(FULL_SECTIONS) / f"002_{KEY}.ome.tif" if full else exported.folder.export(TIFF)
    with tifffile.TiffFile(path) as file:
        pixels = ome_types.from_xml(file.ome_metadata, validate=True).images[0].pixels
    side_um = pixel_size_um(exported, full=full)
    assert (pixels.physical_size_x, pixels.physical_size_y, pixels.physical_size_z) == (side_um, side_um, 50)
    assert pixels.physical_size_x_unit.value == pixels.physical_size_z_unit.value == "µm"
    assert (pixels.size_c, pixels.size_z) == (3, 1 if full else 8)
    assert [one.name for one in pixels.channels] == NAMES


def slots(lab: Lab, name: str) -> list[dict[str, str]]:
    with lab.folder.export_table(name).open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_table_says_which_section_is_where(exported: Lab) -> None:
    rows = slots(exported, ZARR)
    assert [int(row["number"]) for row in rows] == list(range(8))
    assert [float(row["z_um"]) for row in rows] == [50 * number for number in range(8)]
    assert (rows[SLOT]["key"], {row["content"] for row in rows}) == (KEY, {"section"})


def test_a_section_that_failed_is_empty_and_said_and_the_next_run_puts_it_in(exported: Lab, tmp_path: Path) -> None:
    lab = copy_of(exported, tmp_path)
    image = lab.folder.keyed("thumbnail_aligned", KEY, 2)
    whole = image.read_bytes()
    image.write_bytes(whole[: len(whole) // 2])
    shutil.rmtree(lab.folder.export_piece("zarr_thumbnail", f"{KEY}.zarr"))
    run = lab.luigi("Export")
    assert run.returncode == 30
    assert image.name in run.stderr
    assert "Traceback" not in run.stderr
    assert slots(lab, ZARR)[SLOT]["content"] == "missing"
    found = by_tensorstore(lab.folder.export(ZARR))
    assert not found[:, SLOT].any()
    assert found[:, SLOT + 1].any()
    image.write_bytes(whole)
    assert export(lab) == {"ExportSection": 1, "Export": 1}
    assert bytes_below(lab.folder.exports) == bytes_below(exported.folder.exports)


def bytes_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.slow
def test_after_kill_9_in_each_stage_the_export_is_as_if_made_at_once(exported: Lab, tmp_path: Path) -> None:
    lab = copy_of(exported, tmp_path)
    shutil.rmtree(lab.folder.exports)
    shutil.rmtree(lab.folder.export_pieces)
    words = ("--module", "tasks", "Export", "--animal", "DEMO", "--resolution", "full")
    left = {"ExportSection", "Export"}
    while left:
        left -= killed_in(lab, left, ("luigi", *words, "--local-scheduler"))
        path = lab.folder.export(FULL_ZARR)
        if path.exists():  # whole or absent
            assert bytes_below(path) == bytes_below(exported.folder.export(FULL_ZARR))
    export(lab, "--resolution", "full")
    assert bytes_below(lab.folder.export(FULL_ZARR)) == bytes_below(exported.folder.export(FULL_ZARR))
    assert not list(lab.folder.root.rglob(".part-*"))


def test_on_a_cluster_the_bytes_are_the_same(fake_slurm: FakeSlurm, exported: Lab, tmp_path: Path) -> None:
    lab = cluster_lab(exported, tmp_path, "ExportSection", "Export")
    shutil.rmtree(lab.folder.exports)
    shutil.rmtree(lab.folder.export_pieces)
    run = lab.call(*lab.command("--local-scheduler", "--format", "ome-tiff", task="Export"))
    assert run.returncode == 0, run.stderr
    assert {step.stage for array in lab.arrays() for element in lab.steps(array) for step in element} == {
        "ExportSection", "Export",
    }  # fmt: skip
    assert lab.folder.export(TIFF).read_bytes() == exported.folder.export(TIFF).read_bytes()


def test_a_format_that_there_is_not_is_refused() -> None:
    with pytest.raises(SystemExit, match="--format tiff: wanted one of ome-zarr, ome-tiff, ome-tiff-sections"):
        Export.format.parse("tiff")


def test_a_section_is_made_for_an_export_only() -> None:
    with pytest.raises(BrainstackError, match="luigi --module tasks Export --animal DK39 --format ome-zarr"):
        ExportSection(animal="DK39").check()
