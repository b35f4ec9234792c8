"""A folder in the lab's layout is adopted and run: its TIFFs are not made again, its masks are in force."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from lab import Counted, Lab

from brainstack.files.tiff import read_tiff, write_tiff

MASKS = "preps/masks/CH1/thumbnail_masked"


@pytest.fixture
def from_the_lab(new_lab: Lab, finished: Lab) -> Lab:
    """An animal that was added, and whose folder has what the lab's scripts leave: files, no links."""
    shutil.copytree(finished.folder.root / "tif", new_lab.folder.root / "tif", ignore=lambda *_: ["thumbnail"])
    for kind in ("full", "thumbnail", "thumbnail_cleaned"):
        place = Path("preps") / "CH1" / kind
        shutil.copytree(finished.folder.root / place, new_lab.folder.root / place)  # what links lead to
    for path in sorted((finished.folder.root / "preps/masks/thumbnail_masked").iterdir()):
        mask = read_tiff(path)
        mask[:3, :3] = 255  # by hand
        write_tiff(new_lab.folder.root / MASKS / path.name, mask, 1)
    return new_lab


@pytest.mark.slow
def test_an_adopted_animal_is_run_without_making_its_tiffs_again(from_the_lab: Lab, finished: Lab) -> None:
    lab, before = from_the_lab, {path: path.stat().st_mtime_ns for path in from_the_lab.folder.root.glob("tif/*.tif")}

    adopted = lab.brainstack("adopt", "DEMO")
    assert adopted.returncode == 0, adopted.stderr
    counted = Counted(lab)
    run = lab.luigi()

    assert run.returncode == 0, run.stderr
    made = counted.by_stage()
    assert "Tifs" not in made
    assert "Meta" not in made
    assert made["Masks"] == 8
    assert {path: path.stat().st_mtime_ns for path in before} == before
    for path in sorted((lab.folder.root / MASKS).iterdir()):
        in_force = read_tiff(lab.folder.root / "preps/masks/thumbnail_masked" / path.name)
        assert np.array_equal(in_force, read_tiff(path))
    for path in sorted(finished.folder.root.glob("tif/thumbnail/*.tif")):
        assert np.array_equal(read_tiff(lab.folder.tif_thumbnail(path.name)), read_tiff(path))
    assert len(list((lab.folder.root / "preps/lab/CH1/full").iterdir())) == 8
    assert (lab.folder.root / "preps/CH1/full/000.tif").is_symlink()


@pytest.mark.slow
def test_what_does_not_fit_is_made_by_the_run(from_the_lab: Lab, finished: Lab) -> None:
    lab = from_the_lab
    one, *_, other = sorted(lab.folder.root.glob("tif/*_C2.tif"))
    one.unlink()
    other.write_bytes(other.read_bytes()[:-1000])

    adopted = lab.brainstack("adopt", "DEMO")
    counted = Counted(lab)
    run = lab.luigi("Preps")

    assert f"{one} is not there" in adopted.stdout
    assert f"{other}: it is cut off" in adopted.stdout
    assert run.returncode == 0, run.stderr
    assert counted.by_stage()["Tifs"] == 2
    for path in (one, other):
        assert np.array_equal(read_tiff(path), read_tiff(finished.folder.tif(path.name)))


@pytest.mark.slow
def test_tidying_a_finished_animal_finds_nothing(lab: Lab) -> None:
    before = lab.bytes()

    tidied = lab.brainstack("tidy", "DEMO", "--yes")

    assert tidied.returncode == 0, tidied.stderr
    assert "no longer needed: 0 files" in tidied.stdout
    assert lab.bytes() == before


@pytest.mark.slow
def test_after_tidying_a_run_makes_nothing_that_was_there(lab: Lab) -> None:
    """A slide is taken away; what is of it goes, and nothing else has to be made again for it."""
    (slide,) = [path for path in lab.folder.czi.iterdir() if "slide002" in path.name]
    slide.unlink()
    run = lab.luigi()
    assert run.returncode == 0, run.stderr

    listed = lab.brainstack("tidy", "DEMO", "--dry-run")
    before = lab.bytes()
    refused = lab.brainstack("tidy", "DEMO")
    assert (refused.returncode, lab.bytes()) == (1, before)
    tidied = lab.brainstack("tidy", "DEMO", "--yes")
    counted = Counted(lab)
    again = lab.luigi()

    assert "say --yes" in refused.stderr
    assert listed.stdout == tidied.stdout
    assert again.returncode == 0, again.stderr
    assert counted.by_stage() == {}
    left = [path for path in lab.folder.root.rglob("*slide002*") if "truth" not in path.parts]
    assert left == []
    assert f"kept, not brainstack's: {len(list(lab.folder.root.glob('truth/masks/*')))} in truth/masks" in tidied.stdout
    assert not [path for path in lab.folder.root.rglob("*") if path.is_symlink() and not path.exists()]
