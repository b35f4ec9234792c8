"""Bad input: one clear sentence, an exit status that is not 0, and nothing lost."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from lab import Counted, Lab


def refused(run: subprocess.CompletedProcess[str], *words: str) -> None:
    """The run failed, and said so in a sentence with these words and without a traceback."""
    said = run.stderr + run.stdout
    assert run.returncode != 0
    assert "Traceback" not in said
    flat = " ".join(said.split())
    for word in words:
        assert word in flat, said


def test_no_such_animal(new_lab: Lab) -> None:
    run = new_lab.call("luigi", "--module", "tasks", "Animal", "--animal", "DEMOO", "--local-scheduler")
    refused(run, "DEMOO", "brainstack animal add")


def test_no_animal_named(new_lab: Lab) -> None:
    refused(new_lab.call("luigi", "--module", "tasks", "Animal", "--local-scheduler"), "--animal")


def test_no_luigid(new_lab: Lab) -> None:
    run = new_lab.luigi("Animal", "--scheduler-host", "127.0.0.1", "--scheduler-port", "9")
    refused(run, "no luigid answers", "--local-scheduler")


def test_an_empty_czi_folder(new_lab: Lab) -> None:
    for file in new_lab.folder.czi.iterdir():
        file.unlink()
    refused(new_lab.luigi(), "has no .czi file")


def test_two_slides_with_one_number(new_lab: Lab) -> None:
    first = new_lab.folder.czi / "DEMO_ID_0001_slide001.czi"
    shutil.copy(first, first.with_name("DEMO_ID_0002_slide001.czi"))
    refused(new_lab.luigi(), "DEMO_ID_0001_slide001.czi and DEMO_ID_0002_slide001.czi both have slide number 1")


def test_a_name_without_a_slide_number(new_lab: Lab) -> None:
    first = new_lab.folder.czi / "DEMO_ID_0001_slide001.czi"
    first.rename(first.with_name("brain.czi"))
    refused(new_lab.luigi(), "brain.czi: no slide number")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda path: path.write_bytes(b""), "empty"),
        (lambda path: path.write_bytes(path.read_bytes()[:40_000]), "slide002.czi"),
        (lambda path: path.write_text("these are my slides\n" * 100), "not a CZI"),
    ],
    ids=["empty", "truncated", "text"],
)  # fmt: skip
def test_one_bad_slide_fails_with_a_sentence_and_the_others_are_made(new_lab: Lab, damage, words: str) -> None:
    damage(new_lab.folder.czi / "DEMO_ID_0001_slide002.czi")
    run = new_lab.luigi()
    refused(run, "DEMO_ID_0001_slide002.czi", words)
    assert run.returncode == 30
    assert sorted(path.name for path in (new_lab.folder.root / "preps/CH3/thumbnail_aligned").iterdir()) == [
        "000.tif", "001.tif", "002.tif", "003.tif",
    ]  # fmt: skip
    assert (new_lab.folder.volume(3) / "info").exists()
    assert "failed" in new_lab.brainstack("status", "DEMO").stdout


def test_a_mended_slide_is_made_in_the_next_run(new_lab: Lab, finished: Lab) -> None:
    path = new_lab.folder.czi / "DEMO_ID_0001_slide002.czi"
    whole, stat = path.read_bytes(), path.stat()
    path.write_bytes(whole[:40_000])
    assert new_lab.luigi().returncode == 30
    path.write_bytes(whole)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert new_lab.luigi().returncode == 0
    assert new_lab.bytes() == finished.bytes()


def test_a_slide_that_cannot_be_read_can_be_marked_as_bad(new_lab: Lab) -> None:
    (new_lab.folder.czi / "DEMO_ID_0001_slide002.czi").write_bytes(b"")
    assert new_lab.luigi().returncode == 30
    assert new_lab.brainstack("animal", "set", "DEMO", "--slide", "2", "--status", "Bad").returncode == 0
    run = new_lab.luigi()
    assert run.returncode == 0, run.stderr
    assert "nothing to do" in run.stderr


def test_an_animal_of_bad_slides_only_makes_nothing(lab: Lab) -> None:
    for slide in ("1", "2"):
        assert lab.brainstack("animal", "set", "DEMO", "--slide", slide, "--status", "Bad").returncode == 0
    counted = Counted(lab)
    run = lab.luigi()
    assert "fault of brainstack" not in run.stderr
    assert counted.by_stage() == {}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("Meta", "--slide", "nope"), "no slide 'nope'"),
        (("Elastix", "--section", "slide001_S1"), "no section 'slide001_S1'"),
        (("Elastix", "--section", "a..b"), "no section 'a..b'"),
        (("Clean", "--channel", "DAPI"), "wanted the channel's number"),
        (("SingleHistogram", "--channel", "1"), "give --section and --channel"),
        (("SingleHistogram", "--section", "99", "--channel", "1"), "no section '99'"),
        (("FullMasks", "--section", "99"), "no section '99'"),
    ],
)
def test_a_name_that_is_not_there_is_said_before_anything_runs(lab: Lab, words: tuple[str, ...], said: str) -> None:
    refused(lab.luigi(*words), said)


def test_a_channel_that_is_not_there(new_lab: Lab) -> None:
    run = new_lab.luigi("Clean", "--channel", "4")
    refused(run, "no channel 4", "1, 2, 3")


def test_a_channel_in_the_settings_that_is_not_there(lab: Lab) -> None:
    with lab.folder.settings.open("a") as file:
        file.write("[masks]\nchannel = 5\n")
    refused(lab.luigi(), "[masks] channel = 5")


def test_an_unknown_setting(new_lab: Lab) -> None:
    with new_lab.folder.settings.open("a") as file:
        file.write("[canvas]\nmargin_mu = 3\n")
    refused(new_lab.luigi(), "unknown setting 'margin_mu'", "margin_um")


def test_parameters_that_elastix_cannot_use_are_said_and_nothing_is_aligned_by_them(lab: Lab) -> None:
    with lab.folder.settings.open("a") as file:
        file.write('[elastix.rigid]\nMetric = "NoSuchMetric"\n')
    run = lab.luigi()
    # Pairs of sections next to each other or two apart are to be refined: 7 + 6 of eight.
    refused(run, "failed PairCheck: elastix gave up on all 13 pairs; put config/rigid.toml right")
    assert run.returncode == 30


def test_a_scene_without_tissue_is_named_and_the_others_are_made(new_lab: Lab) -> None:
    """An empty piece of glass: what lies under scene 2 of slide 1 is replaced before the mask is sought."""
    assert new_lab.luigi("Tifs").returncode == 0
    for channel in (1, 2, 3):
        path = new_lab.folder.tif_thumbnail(f"DEMO_ID_0001_slide001_S2_C{channel}.tif")
        noise = np.random.default_rng(1).normal(300, 5, tifffile.imread(path).shape)
        tifffile.imwrite(path, noise.astype(np.uint16))
    run = new_lab.luigi()
    refused(run, "slide001_S2", "tissue")
    assert run.returncode == 30
    made = sorted(path.name for path in (new_lab.folder.root / "preps/CH1/thumbnail_aligned").iterdir())
    assert made == [f"{number:03d}.tif" for number in range(8) if number != 1]
    assert (new_lab.folder.pair("slide001_S1..slide001_S3")).exists()


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda mask: mask[:-3], "198 x 301"),
        (lambda mask: np.zeros_like(mask), "black"),
        (lambda mask: np.dstack([mask, 255 - mask, mask]), "colour"),
    ],
    ids=["size", "black", "colour"],
)
def test_a_bad_mask_is_refused_and_kept_and_nothing_else_changes(lab: Lab, edit, words: str) -> None:
    """The mask that was in force stays so; the list of areas says that an edit was refused."""
    path = lab.folder.root / "preps/masks/thumbnail_masked/003.tif"
    bad = edit(tifffile.imread(path))
    path.unlink()
    tifffile.imwrite(path, bad)
    counted = Counted(lab)
    run = lab.luigi()
    refused(run, "003.tif", words, "slide001_S4")
    assert run.returncode == 30
    assert not path.is_symlink()
    np.testing.assert_array_equal(tifffile.imread(path), bad)
    assert counted.by_stage() == {"MaskAreas": 1}
    status = lab.brainstack("status", "DEMO").stdout
    assert words in status
    path.unlink()
    assert lab.luigi().returncode == 0
    assert path.is_symlink()
    assert "All is done" in lab.brainstack("status", "DEMO").stdout


def test_a_folder_that_cannot_be_written(new_lab: Lab) -> None:
    """A file stands where brainstack keeps what it makes: the same as a folder without permission, also for root."""
    new_lab.folder.inside.write_text("")
    refused(new_lab.luigi(), ".brainstack")


@pytest.fixture
def small_disk(tmp_path: Path):
    """A file system of its own, whose size a test may set."""
    disk = tmp_path / "disk"
    disk.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8g", "tmpfs", str(disk)], capture_output=True)
    if made.returncode != 0:
        pytest.skip("a small file system can only be mounted by root, with permission to mount")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_full_disk_is_said_and_nothing_half_written_is_taken_for_done(
    scanned: Lab, finished: Lab, small_disk: Path
) -> None:
    """The disk fills up while the run begins, while TIFFs are written, and later; each time there is more room, and the
    same command goes on. All that a run of this animal writes takes some 18 MB."""
    shutil.copytree(scanned.root, small_disk / "data", symlinks=True)
    lab = Lab(small_disk / "data")
    used = shutil.disk_usage(small_disk).used
    for room in (100_000, 3_000_000, 13_000_000, 16_500_000):
        subprocess.run(["mount", "-o", f"remount,size={used + room}", str(small_disk)], check=True)
        run = lab.luigi()
        refused(run)
        assert "No space left on device" in run.stderr or "the disk is full" in run.stderr  # a TIFF says it, or SQLite
        assert list(lab.folder.root.rglob(".part-*")) == []
    subprocess.run(["mount", "-o", "remount,size=200m", str(small_disk)], check=True)
    assert lab.luigi().returncode == 0
    assert lab.bytes() == finished.bytes()


def test_a_read_only_disk_is_said(scanned: Lab, small_disk: Path) -> None:
    shutil.copytree(scanned.root, small_disk / "data", symlinks=True)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    refused(Lab(small_disk / "data").luigi(), "ead-only")
    refused(Lab(small_disk / "data").brainstack("demo", "--name", "OTHER"), "ead-only")


def test_a_picture_that_is_no_mask_of_this_section_names_what_to_do(lab: Lab) -> None:
    path = lab.folder.root / "preps/masks/thumbnail_colored/002.tif"
    painted = tifffile.imread(path)
    cv2.circle(painted, (30, 30), 6, (0, 200, 0), -1)
    path.unlink()
    tifffile.imwrite(path, painted)
    refused(lab.luigi(), "white", "black", "slide001_S3")
