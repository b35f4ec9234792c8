"""The volume at the scan's resolution, in runs of the made-up animal: right, redone in pieces, whole after a kill."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from killing import killed_in
from lab import Counted, Lab, copy_of

from brainstack.files.tiff import read_tiff
from brainstack.files.volume_info import read_layout
from brainstack.geometry import Matrix, inverse, points, scaling
from brainstack.images.cleaning import cleaning_matrix

SETTINGS = """
[neuroglancer]
chunk_size = [32, 32, 4]
block_px = 256
group_px = 256
format = "{kind}"

[downsampling]
smallest_side_px = 40
"""
"""Small enough that the made-up sections, of 600 x 400 pixels, make two slabs, several groups of blocks, and levels."""
KEY = "slide001_S3"
SLOT = 2
"""Of that section; slabs are of four."""


def asked(lab: Lab, *words: str) -> subprocess.CompletedProcess[str]:
    return lab.luigi(*(words or ("Downsampling", "--channel", "1")), "--resolution", "full")


def made(lab: Lab, *words: str) -> dict[str, int]:
    counted, run = Counted(lab), asked(lab, *words)
    assert run.returncode == 0, run.stderr
    return counted.by_stage()


def with_settings(lab: Lab, to: Path, kind: str) -> Lab:
    new = copy_of(lab, to)
    with new.folder.settings.open("a") as file:
        file.write(SETTINGS.format(kind=kind))
    return new


@pytest.fixture(scope="module")
def sharded(finished: Lab, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """Channel 1 at the scan's resolution, in shards. Not to be changed: copy it."""
    lab = with_settings(finished, tmp_path_factory.mktemp("sharded"), "sharded")
    made(lab)
    return lab


@pytest.fixture(scope="module")
def plain(finished: Lab, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """The same in plain chunks."""
    lab = with_settings(finished, tmp_path_factory.mktemp("plain"), "plain")
    made(lab)
    return lab


def volume(lab: Lab, level: int = 0, channel: int = 1, *, full: bool = True) -> np.ndarray:
    """(z, y, x), as cloud-volume reads it."""
    from cloudvolume import CloudVolume

    path = lab.folder.volume(channel, full=full)
    voxels = CloudVolume(path.as_uri(), mip=level, progress=False, fill_missing=True)[:]
    return np.asarray(voxels)[..., 0].transpose(2, 1, 0)


def volume_by_tensorstore(lab: Lab, level: int) -> np.ndarray:
    import tensorstore

    spec = {
        "driver": "neuroglancer_precomputed",
        "kvstore": lab.folder.volume(1, full=True).as_uri(),
        "scale_index": level,
    }
    return np.asarray(tensorstore.open(spec, read=True).result()[...].read().result())[..., 0].transpose(2, 1, 0)


def levels(lab: Lab) -> int:
    return len(read_layout(lab.folder.volume(1, full=True)).scales)


def bytes_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_shards_and_plain_chunks_hold_the_same_for_two_readers(sharded: Lab, plain: Lab) -> None:
    assert read_layout(sharded.folder.volume(1, full=True)).is_sharded
    assert not read_layout(plain.folder.volume(1, full=True)).is_sharded
    assert levels(sharded) == levels(plain) >= 4
    for level in range(levels(sharded)):
        voxels = volume(sharded, level)
        assert voxels.any()
        np.testing.assert_array_equal(voxels, volume(plain, level))
        np.testing.assert_array_equal(voxels, volume_by_tensorstore(sharded, level))
        np.testing.assert_array_equal(voxels, volume_by_tensorstore(plain, level))


def test_the_scan_and_its_thumbnails_lie_in_one_place(sharded: Lab) -> None:
    fine, coarse = volume(sharded).astype(float), volume(sharded, full=False).astype(float)
    sections, rows, columns = coarse.shape
    assert fine.shape == (sections, 2 * rows, 2 * columns)
    means = fine.reshape(sections, rows, 2, columns, 2).mean(axis=(2, 4))
    for before, after in zip(coarse, means, strict=True):
        assert np.corrcoef(before.ravel(), after.ravel())[0, 1] > 0.995
        (x, y), _ = cv2.phaseCorrelate(cv2.GaussianBlur(before, (0, 0), 2), cv2.GaussianBlur(after, (0, 0), 2))
        assert np.hypot(x, y) < 0.1


def place_of(lab: Lab, key: str) -> Matrix:
    """From the scan of a section to its aligned canvas, both in pixels of the scan, by what is written for others."""
    with lab.folder.transforms.open() as file:
        row = next(row for row in csv.DictReader(file) if row["key"] == key)
    a11, a12, tx, a21, a22, ty = (float(row[name]) for name in ("a11", "a12", "tx", "a21", "a22", "ty"))
    canvas = json.loads(lab.folder.small("canvas").read_text())
    mask = read_tiff(lab.folder.keyed("thumbnail_masked", key)) > 0
    cleaned = cleaning_matrix(mask, 0, "none", (canvas["rows"], canvas["columns"]))
    factor = scaling(int(row["downsample"]))
    aligned = inverse(np.array([[a11, a12, tx], [a21, a22, ty], [0, 0, 1]])) @ cleaned
    return factor @ aligned @ inverse(factor)


def test_a_point_put_into_a_scan_is_found_where_the_transforms_say_at_every_level(sharded: Lab, tmp_path: Path) -> None:
    """By what it adds to the volume, so that nothing else counts; it is a blurred one, and its centre is measured."""
    lab = copy_of(sharded, tmp_path)
    tif = next((lab.folder.root / "tif").glob(f"*{KEY}_C1.tif"))
    scan, before = read_tiff(tif), [volume(lab, level) for level in range(levels(lab))]
    mask = read_tiff(lab.folder.keyed("thumbnail_masked", KEY))
    inside = cv2.distanceTransform((mask > 0).astype(np.uint8), cv2.DIST_L2, 5)
    row, column = np.unravel_index(inside.argmax(), inside.shape)
    at = np.array([2 * column + 0.3, 2 * row + 0.8])
    rows, columns = np.indices(scan.shape)
    point = 4000 * np.exp(-((columns - at[0]) ** 2 + (rows - at[1]) ** 2) / (2 * 5.0**2))
    write_like(tif, np.clip(scan + np.rint(point), 0, 65535).astype(np.uint16))
    shutil.rmtree(lab.folder.volume_records(1, full=True))
    made(lab)
    expected = points(place_of(lab, KEY), at)
    for level in range(levels(lab)):
        scale = read_layout(lab.folder.volume(1, full=True)).scales[level]
        added = volume(lab, level).astype(float) - before[level]
        (depth,) = np.flatnonzero(added.any(axis=(1, 2)))
        deep = round(2 * 25_000 / 25_000)  # sections are 50 um apart, pixels of the scan 25
        assert depth == SLOT // max(1, round(scale.resolution_nm[2] / (deep * 25_000)))
        y, x = (np.average(np.indices(added[depth].shape)[axis], weights=added[depth].clip(0)) for axis in (0, 1))
        assert np.abs([x, y] - points(inverse(scaling(2**level)), expected)).max() < 0.1


def write_like(path: Path, image: np.ndarray) -> None:
    """The same TIFF with other pixels."""
    with tifffile.TiffFile(path) as file:
        description = file.pages[0].description
    tifffile.imwrite(path, image, tile=(512, 512), compression="zlib", predictor=True, description=description.encode())


def test_the_channels_lie_on_one_another_exactly(sharded: Lab, tmp_path: Path) -> None:
    """Channel 2 gets the scans and the gain of channel 1."""
    lab = copy_of(sharded, tmp_path)
    run = lab.luigi()
    assert run.returncode == 0, run.stderr
    for tif in (lab.folder.root / "tif").glob("*_C1.tif"):
        shutil.copy(tif, tif.with_name(tif.name.replace("_C1", "_C2")))
    shutil.copy(lab.folder.small("gain_C1"), lab.folder.small("gain_C2"))
    made(lab, "Downsampling", "--channel", "2")
    for level in range(levels(lab)):
        np.testing.assert_array_equal(volume(lab, level, 1), volume(lab, level, 2))


def test_tiffs_at_the_scan_s_resolution_are_the_planes_of_the_volume(sharded: Lab, tmp_path: Path) -> None:
    lab = copy_of(sharded, tmp_path)
    assert made(lab, "Alignment", "--section", KEY, "--channel", "1") == {"FullAlignment": 1}
    path = lab.folder.numbered("full_aligned", SLOT, 1)
    assert path.is_symlink()
    np.testing.assert_array_equal(read_tiff(path), volume(lab)[SLOT])
    assert made(lab, "Alignment", "--section", KEY, "--channel", "1") == {}


def test_a_cleaned_section_has_the_pixels_of_its_scan_under_its_mask_at_the_gain(sharded: Lab, tmp_path: Path) -> None:
    lab = copy_of(sharded, tmp_path)
    assert made(lab, "Clean", "--section", KEY, "--channel", "1") == {"FullClean": 1}
    assert made(lab, "Masks", "--section", KEY) == {"FullMasks": 1}
    gain = json.loads(lab.folder.small("gain_C1").read_text())["gain"]
    scan = read_tiff(next((lab.folder.root / "tif").glob(f"*{KEY}_C1.tif")))
    mask = read_tiff(lab.folder.keyed("full_masked", KEY)) > 0
    canvas = json.loads(lab.folder.small("canvas").read_text())
    small = read_tiff(lab.folder.keyed("thumbnail_masked", KEY)) > 0
    placed = cleaning_matrix(small, 0, "none", (canvas["rows"], canvas["columns"]))
    left, top = (round(2 * placed[axis, 2]) for axis in (0, 1))
    wanted = np.zeros((2 * canvas["rows"], 2 * canvas["columns"]), np.uint16)
    rows, columns = np.nonzero(mask)
    on = (rows + top >= 0) & (rows + top < len(wanted)) & (columns + left >= 0) & (columns + left < wanted.shape[1])
    rows, columns = rows[on], columns[on]
    wanted[rows + top, columns + left] = np.minimum(np.rint(scan[rows, columns] * gain), 65535)
    np.testing.assert_array_equal(read_tiff(lab.folder.keyed("full_cleaned", KEY, 1)), wanted)


def pin(lab: Lab) -> None:
    """Keep the places of all sections, and their gain, whatever becomes of one of them."""
    for what in ("gain", "canvas", "alignment"):
        assert lab.brainstack("approve", "DEMO", what).returncode == 0
    assert not [stage for stage in made(lab) if stage.startswith("Full")]


def edit_mask(lab: Lab) -> None:
    """A hole inside the tissue, so that neither the canvas nor a pair moves much."""
    path = lab.folder.numbered("thumbnail_masked", SLOT)
    mask = read_tiff(path)
    inside = cv2.distanceTransform((mask > 0).astype(np.uint8), cv2.DIST_L2, 5)
    row, column = np.unravel_index(inside.argmax(), inside.shape)
    cv2.circle(mask, (int(column), int(row)), 8, 0, -1)
    path.unlink()
    tifffile.imwrite(path, mask)


@pytest.mark.slow
def test_an_edit_redoes_the_slab_of_its_section_and_the_volume_is_as_if_made_at_once(
    sharded: Lab, tmp_path: Path
) -> None:
    lab = copy_of(sharded, tmp_path)
    pin(lab)
    edit_mask(lab)
    counts = made(lab)
    pieces = len({path.stem.partition(".")[2] for path in lab.folder.volume_records(1, full=True).glob("000.*.json")})
    # The groups of the other slab stay as they are, and are copied into the new shards.
    assert {name: count for name, count in counts.items() if name.startswith("Full")} == {
        "FullSlab": 1, "FullImage": pieces, "FullShards": pieces, "FullDownsampling": 1,
    }  # fmt: skip
    redone = bytes_below(lab.folder.volume(1, full=True))
    shutil.rmtree(lab.folder.volume(1, full=True))
    made(lab)
    assert bytes_below(lab.folder.volume(1, full=True)) == redone
    assert redone != bytes_below(sharded.folder.volume(1, full=True))


def test_a_gap_is_background_and_its_slab_alone_is_made_again(plain: Lab, tmp_path: Path) -> None:
    lab = copy_of(plain, tmp_path)
    pin(lab)
    before = volume(lab)
    assert lab.brainstack("animal", "set", "DEMO", "--slide", "1", "--scene", "3", "--qc", "2").returncode == 0
    counts = made(lab)
    assert counts["FullSlab"] == 1
    after = volume(lab)
    assert not after[SLOT].any()
    others = [slot for slot in range(len(after)) if slot != SLOT]
    np.testing.assert_array_equal(after[others], before[others])


@pytest.mark.parametrize("kind", ["plain", "sharded"])
def test_a_section_less_at_the_end_makes_the_last_slab_again_and_leaves_nothing_of_the_old_one(
    plain: Lab, sharded: Lab, tmp_path: Path, kind: str
) -> None:
    lab = copy_of({"plain": plain, "sharded": sharded}[kind], tmp_path)
    pin(lab)
    before = volume(lab)
    assert lab.brainstack("animal", "set", "DEMO", "--slide", "2", "--scene", "4", "--drop").returncode == 0
    counts = made(lab)
    pieces = len({path.stem.partition(".")[2] for path in lab.folder.volume_records(1, full=True).glob("000.*.json")})
    assert counts["FullSlab"] == 1
    assert counts["FullImage"] == pieces
    after = volume(lab)
    np.testing.assert_array_equal(after, before[:-1])
    checked = lab.brainstack("verify", "DEMO", "--channel", "1")
    assert "C1: every chunk is there" in checked.stdout, checked.stdout


def test_fewer_levels_render_nothing_again(plain: Lab, tmp_path: Path) -> None:
    lab = copy_of(plain, tmp_path)
    text = lab.folder.settings.read_text()
    lab.folder.settings.write_text(text.replace("smallest_side_px = 40", "smallest_side_px = 70"))
    assert {stage for stage in made(lab) if stage.startswith("Full")} == {"FullInfo", "FullDownsampling"}
    assert levels(lab) == levels(plain) - 1
    assert "C1: every chunk is there" in lab.brainstack("verify", "DEMO", "--channel", "1").stdout


@pytest.mark.slow
def test_after_kill_9_in_each_stage_the_volume_is_as_if_made_at_once(
    finished: Lab, sharded: Lab, tmp_path: Path
) -> None:
    lab = with_settings(finished, tmp_path, "sharded")
    words = ("--module", "tasks", "Downsampling", "--animal", "DEMO", "--channel", "1", "--resolution", "full")
    left = {"FullInfo", "FullSlab", "FullImage", "FullShards", "FullDownsampling"}
    while left:
        left -= killed_in(lab, left, ("luigi", *words, "--local-scheduler"))
    made(lab)
    assert lab.bytes() == sharded.bytes()


def test_verify_finds_what_was_lost_cut_short_or_does_not_belong(plain: Lab, sharded: Lab, tmp_path: Path) -> None:
    assert "C1: every chunk is there" in plain.brainstack("verify", "DEMO").stdout
    lab = copy_of(plain, tmp_path / "plain")
    folder = lab.folder.volume(1, full=True)
    first, second = sorted((folder / read_layout(folder).scales[0].key).iterdir())[:2]
    first.unlink()
    second.write_bytes(second.read_bytes()[:100])
    (first.parent / "480-508_0-32_0-4").write_bytes(b"")
    found = lab.brainstack("verify", "DEMO", "--channel", "1")
    assert found.returncode != 0
    for name in (first.name, second.name):
        assert name in found.stdout
    assert "C1T: every chunk is there" in found.stdout
    lab = copy_of(sharded, tmp_path / "sharded")
    folder = lab.folder.volume(1, full=True)
    shard = max((folder / read_layout(folder).scales[0].key).iterdir(), key=lambda path: path.stat().st_size)
    shard.write_bytes(shard.read_bytes()[: shard.stat().st_size // 2])
    found = lab.brainstack("verify", "DEMO")
    assert found.returncode != 0
    assert shard.name in found.stdout


def test_a_scan_that_was_cut_short_is_named_and_its_slab_waits(plain: Lab, tmp_path: Path) -> None:
    lab = copy_of(plain, tmp_path)
    tif = next((lab.folder.root / "tif").glob(f"*{KEY}_C1.tif"))
    whole = tif.read_bytes()
    for record in lab.folder.volume_records(1, full=True).glob("0*.json"):
        record.unlink()
    tif.write_bytes(whole[: len(whole) // 2])
    run = asked(lab)
    assert run.returncode == 30
    assert tif.name in run.stderr
    assert "Traceback" not in run.stderr
    tif.write_bytes(whole)
    made(lab)
    assert bytes_below(lab.folder.volume(1, full=True)) == bytes_below(plain.folder.volume(1, full=True))


def test_a_scan_of_another_size_is_refused(plain: Lab, tmp_path: Path) -> None:
    lab = copy_of(plain, tmp_path)
    tif = next((lab.folder.root / "tif").glob(f"*{KEY}_C1.tif"))
    write_like(tif, read_tiff(tif)[:-40])
    for record in lab.folder.volume_records(1, full=True).glob("0*.json"):
        record.unlink()
    run = asked(lab)
    assert run.returncode == 30
    assert f"{tif} is" in run.stderr
    assert "as its slide says" in " ".join(run.stderr.split())


def test_a_volume_of_somebody_else_is_left_alone(finished: Lab, tmp_path: Path) -> None:
    lab = copy_of(finished, tmp_path)
    theirs = lab.folder.volume(1, full=True)
    theirs.mkdir()
    info = {
        "type": "image",
        "data_type": "uint16",
        "num_channels": 1,
        "scales": [{"key": "1", "size": [65000, 36000, 9]}],
    }
    (theirs / "info").write_text(json.dumps(info))
    run = asked(lab)
    assert run.returncode == 30
    said = " ".join(run.stderr.split())
    assert f"{theirs} holds a volume of 65000 x 36000 x 9 voxels that brainstack did not make" in said
    assert json.loads((theirs / "info").read_text()) == info
    shutil.rmtree(theirs)
    assert made(lab)["FullDownsampling"] == 1


def test_a_disk_that_is_too_small_is_said_before_and_one_that_fills_up_costs_nothing(
    sharded: Lab, tmp_path: Path
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1g", "tmpfs", str(disk)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("a small file system can only be mounted by root, with permission to mount")
    try:
        lab = copy_of(sharded, disk)
        for folder in (lab.folder.volume(1, full=True), lab.folder.volume_records(1, full=True)):
            shutil.rmtree(folder)
        used = shutil.disk_usage(disk).used
        size(disk, used + 1_000_000)
        run = asked(lab)
        assert run.returncode == 1
        said = " ".join(run.stderr.split())
        assert "are to be written, but only" in said
        assert "Traceback" not in said
        size(disk, used + 100_000_000)
        words = ("--module", "tasks", "Downsampling", "--animal", "DEMO", "--channel", "1", "--resolution", "full")
        begun = lab.start("luigi", *words, "--local-scheduler")
        while begun.poll() is None and not list(lab.folder.volume_records(1, full=True).glob("0*")):
            time.sleep(0.01)
        size(disk, shutil.disk_usage(disk).used + 50_000)  # somebody else fills it
        _, error = begun.communicate(timeout=200)
        assert begun.returncode != 0
        assert "No space left" in error or "disk is full" in error
        size(disk, used + 100_000_000)
        made(lab)
        assert bytes_below(lab.folder.volume(1, full=True)) == bytes_below(sharded.folder.volume(1, full=True))
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def size(disk: Path, size_bytes: int) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size_bytes}", str(disk)], check=True)
