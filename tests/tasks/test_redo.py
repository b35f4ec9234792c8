"""What is made again after a change: exactly that, counted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from lab import CHECKOUT, Counted, Lab, luigid

from brainstack.stages import STAGES

CHANNELS, SECTIONS = 3, 8


def paint(lab: Lab, number: int, spot: tuple[int, int], radius: int, value: int) -> None:
    """A spot on a mask, as an editor leaves it: a new file in the link's place."""
    path = lab.folder.root / f"preps/masks/thumbnail_masked/{number:03d}.tif"
    mask = tifffile.imread(path).copy()
    cv2.circle(mask, spot, radius, value, -1)
    path.unlink()
    tifffile.imwrite(path, mask)


def middle_of(lab: Lab, number: int) -> tuple[int, int]:
    mask = tifffile.imread(lab.folder.root / f"preps/masks/thumbnail_masked/{number:03d}.tif") > 0
    row, column = np.argwhere(mask).mean(axis=0).astype(int)
    return int(column), int(row)


def test_an_edit_inside_a_section_redoes_that_section_and_what_truly_moved(lab: Lab) -> None:
    """A hole of one pixel: the canvas stays, the gain of a channel stays unless its grey value counts."""
    gains = {channel: lab.folder.small(f"gain_C{channel}").read_bytes() for channel in range(1, CHANNELS + 1)}
    paint(lab, 5, middle_of(lab, 5), 0, 0)
    counted = Counted(lab)
    assert lab.luigi().returncode == 0
    ran = counted.by_stage()
    moved = sum(lab.folder.small(f"gain_C{channel}").read_bytes() != old for channel, old in gains.items())
    assert moved == 0  # the one pixel is not at the quantile
    assert ran["MaskSearch"] == ran["MaskCheck"] == ran["MaskProposal"] == ran["Masks"] == ran["Canvas"] == 1
    assert ran["Histogram"] == ran["Gain"] == ran["ChannelHistogram"] == CHANNELS
    assert ran["Clean"] == CHANNELS
    # Its pairs with sections 2, 3, 4, 6 and 7; none is in doubt, so that no other is tried again.
    assert ran["Elastix"] == ran["PairRetry"] == 5
    assert ran["PairCheck"] == ran["Transforms"] == ran["AlignmentPictures"] == 1
    assert "Tifs" not in ran
    assert "Normalized" not in ran
    # The pairs on both sides may come out a hair otherwise: then those beyond move, up to the end of the stack.
    assert CHANNELS <= ran["Alignment"] <= CHANNELS * SECTIONS


def test_an_edit_that_changes_the_canvas_redoes_what_lies_on_it(lab: Lab) -> None:
    row, column = np.argwhere(tifffile.imread(lab.folder.root / "preps/masks/thumbnail_masked/005.tif") > 0).min(axis=0)
    paint(lab, 5, (int(column) - 14, int(row) + 30), 10, 255)
    before = lab.folder.small("canvas").read_bytes()
    counted = Counted(lab)
    assert lab.luigi().returncode == 0
    ran = counted.by_stage()
    assert ran["Masks"] == 1
    if lab.folder.small("canvas").read_bytes() != before:
        assert ran["Clean"] == CHANNELS * SECTIONS
        assert ran["Alignment"] == CHANNELS * SECTIONS
    assert "Tifs" not in ran


def test_taking_the_edit_back_gives_the_bytes_of_before(lab: Lab, finished: Lab) -> None:
    paint(lab, 5, middle_of(lab, 5), 3, 0)
    assert lab.luigi().returncode == 0
    (edit,) = (lab.folder.root / "preps/masks/edits").iterdir()
    edit.unlink()
    assert lab.luigi().returncode == 0
    assert lab.bytes() == finished.bytes()


def test_a_setting_of_one_stage_redoes_it_and_what_follows(lab: Lab) -> None:
    with lab.folder.settings.open("a") as file:
        file.write("\n[normalized]\nclahe_clip = 4.0\n")
    counted = Counted(lab)
    assert lab.luigi().returncode == 0
    ran = counted.by_stage()
    assert ran == {"Normalized": CHANNELS * SECTIONS, "MaskProposal": SECTIONS}  # the masks came out the same


def test_a_transform_set_by_hand_moves_what_lies_beyond_it_and_goes_back(lab: Lab, finished: Lab) -> None:
    """The pair of the last two sections: only the last one moves. The middle section is slide002_S1."""
    pair = ("slide002_S3", "slide002_S4")
    said = lab.brainstack("animal", "pair", "DEMO", *pair, "--rotation-deg", "3", "--shift-x-um", "100")
    assert said.returncode == 0, said.stderr
    counted = Counted(lab)
    assert lab.luigi().returncode == 0
    ran = counted.by_stage()
    assert ran["Elastix"] == ran["PairCheck"] == ran["PairRetry"] == ran["Transforms"] == 1
    assert "Clean" not in ran
    canvas_moved = ran["Alignment"] == CHANNELS * SECTIONS  # it holds the last section, wherever that lies
    assert canvas_moved or ran["Alignment"] == CHANNELS
    found = json.loads(lab.folder.pair_in_force("..".join(pair)).read_text())
    assert found["by_hand"]
    assert found["rotation_rad"] == pytest.approx(np.deg2rad(3))
    assert lab.brainstack("animal", "pair", "DEMO", *pair, "--release").returncode == 0
    assert lab.luigi().returncode == 0
    assert lab.bytes() == finished.bytes()


def test_a_pair_that_is_none_is_refused(lab: Lab) -> None:
    said = lab.brainstack("animal", "pair", "DEMO", "0", "4", "--rotation-deg", "3")
    assert said.returncode == 1
    assert "no pair in this order" in " ".join(said.stderr.split())


def test_a_clock_that_jumps_changes_nothing(lab: Lab) -> None:
    """Outputs from the far future and the distant past, slides too: what counts is what they were made of."""
    for number, path in enumerate(sorted(lab.folder.root.rglob("*"))):
        if path.is_file() and not path.is_symlink() and "czi" not in path.parts:
            os.utime(path, (4e9, 4e9) if number % 2 else (1e8, 1e8))
    before, counted = lab.bytes(), Counted(lab)
    run = lab.luigi()
    assert run.returncode == 0
    assert counted.by_stage() == {}
    assert lab.bytes() == before


@pytest.mark.parametrize("lost", ["thumbnail_aligned", "thumbnail_cleaned", "normalized"])
def test_a_lost_file_is_made_again_and_nothing_else(lab: Lab, finished: Lab, lost: str) -> None:
    lab.folder.keyed(lost, "slide001_S4", 2).unlink()
    counted = Counted(lab)
    assert lab.luigi().returncode == 0
    assert sum(counted.by_stage().values()) == 1
    assert lab.bytes() == finished.bytes()


@pytest.mark.parametrize(("workers", "central"), [("1", False), ("8", False), ("8", True)])
def test_one_section_that_fails_costs_itself_and_mending_does_only_what_was_missing(
    new_lab: Lab, finished: Lab, workers: str, central: bool
) -> None:
    """Section 6 of channel 2 fails in the third stage: its thumbnail cannot be read."""

    assert new_lab.luigi("Tifs").returncode == 0
    broken = new_lab.folder.tif_thumbnail("DEMO_ID_0001_slide002_S3_C2.tif")
    whole = broken.read_bytes()
    broken.write_bytes(whole[:200])
    if central:
        with luigid(new_lab) as port:
            run = new_lab.luigi("Animal", "--workers", workers, "--scheduler-host", "127.0.0.1",
                                "--scheduler-port", str(port))  # fmt: skip
    else:
        run = new_lab.luigi("Animal", "--workers", workers)
    assert run.returncode == 30
    assert "slide002_S3" in run.stderr
    made = Path("preps/CH2/thumbnail_aligned")
    assert len(list((new_lab.folder.root / made).iterdir())) == SECTIONS - 1
    assert len(list((new_lab.folder.root / "preps/CH1/thumbnail_aligned").iterdir())) == SECTIONS
    broken.write_bytes(whole)
    counted = Counted(new_lab)
    assert new_lab.luigi().returncode == 0
    ran = counted.by_stage()
    assert ran["Normalized"] == 1
    assert ran["Histogram"] == 1
    assert "Elastix" not in ran
    assert new_lab.bytes() == finished.bytes()


WATCHED = """
import sys
opened = []
sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" else None)
from luigi.cmdline import luigi_run
try:
    luigi_run(["--module", "tasks", "Animal", "--animal", "DEMO", "--local-scheduler"])
finally:
    print("\\n".join(name for name in opened if name.startswith(sys.argv[1])))
"""


def test_a_run_that_finds_nothing_to_do_reads_no_image_and_opens_few_files(lab: Lab) -> None:
    """Fewer than one for each stage and a handful more, however many sections there are."""
    run = subprocess.run(
        [sys.executable, "-c", WATCHED, str(lab.root)],
        cwd=CHECKOUT,
        env=lab.environment,
        capture_output=True,
        text=True,
    )
    assert "nothing to do" in run.stderr, run.stderr
    opened = set(run.stdout.split())
    assert not [name for name in opened if name.endswith((".tif", ".png", ".npz", ".czi"))]
    assert 3 < len(opened) < len(STAGES) + 20
