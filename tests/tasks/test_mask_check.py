"""A mask that is spoiled is mended with its neighbours' help, in whole runs, against the made-up animal's truth."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from lab import Counted, Lab

from brainstack.demo import read_truth
from brainstack.files.tiff import read_tiff, write_tiff
from brainstack.images.planes import dice

SPOILED = "slide002_S1"


def rows_of(lab: Lab) -> dict[str, dict[str, str]]:
    with (lab.folder.root / "preps/masks/areas.csv").open(newline="") as file:
        return {row["key"]: row for row in csv.DictReader(file)}


def mask_of(lab: Lab, kind: str, key: str) -> np.ndarray:
    return read_tiff(lab.folder.keyed(kind, key)) > 0


def test_an_animal_as_it_should_be_has_no_doubtful_mask_and_the_masks_that_were_found(finished: Lab) -> None:
    rows = rows_of(finished)
    assert {row["verdict"] for row in rows.values()} == {"as proposed"}
    for key in rows:
        found = finished.folder.keyed("found", key).read_bytes()
        assert finished.folder.keyed("proposal", key).read_bytes() == found
        assert finished.folder.keyed("thumbnail_masked", key).read_bytes() == found


@pytest.mark.slow
def test_a_piece_of_another_section_is_taken_out_of_a_mask_and_no_other_mask_changes(
    new_lab: Lab, finished: Lab
) -> None:
    """By itself it is tissue, sharp, grainy and as bright as the section beside it: only the neighbours know better."""
    assert new_lab.luigi("Tifs").returncode == 0
    path = new_lab.folder.tif_thumbnail("DEMO_ID_0001_slide002_S1_C1.tif")
    light, true = read_tiff(path), read_truth(new_lab.folder.root).mask(SPOILED)
    other = read_tiff(new_lab.folder.tif_thumbnail("DEMO_ID_0001_slide002_S2_C1.tif"))
    piece = other[55:125, 130:170].astype(np.float32)
    beside = np.s_[60:130, 254:294]
    assert not true[beside].any()
    light[beside] = np.clip(piece * np.median(light[true]) / np.median(piece), 0, 65535)
    write_tiff(path, light, 50)

    run = new_lab.luigi("Masks")
    assert run.returncode == 0, run.stderr
    assert new_lab.luigi("MaskAreas").returncode == 0
    before, after = (dice(mask_of(new_lab, kind, SPOILED), true) for kind in ("found", "thumbnail_masked"))
    assert before < 0.96
    assert after > 0.98
    assert {key for key, row in rows_of(new_lab).items() if row["verdict"] != "as proposed"} == {SPOILED}
    assert "the mask of section 4 was found" in new_lab.brainstack("status", "DEMO").stdout
    for key in set(rows_of(new_lab)) - {SPOILED}:
        assert np.array_equal(mask_of(new_lab, "proposal", key), mask_of(finished, "proposal", key))

    counted = Counted(new_lab)
    mask = read_tiff(new_lab.folder.keyed("thumbnail_masked", "slide001_S2"))
    row, column = np.argwhere(mask > 0).mean(axis=0).astype(int)
    mask[row, column] = 0  # a person's edit of another section
    numbered = new_lab.folder.numbered("thumbnail_masked", 1)
    numbered.unlink()
    write_tiff(numbered, mask, 50)
    assert new_lab.luigi("Masks").returncode == 0
    assert counted.by_stage() == {"MaskSearch": 1, "MaskCheck": 1, "MaskProposal": 1, "Masks": 1}


@pytest.mark.slow
def test_an_absurd_edit_stays_in_force_and_is_said_and_so_is_a_proposal_that_changed_since(
    new_lab: Lab,
) -> None:
    assert new_lab.luigi("Masks").returncode == 0
    mask = read_tiff(new_lab.folder.keyed("thumbnail_masked", SPOILED))
    numbered = new_lab.folder.numbered("thumbnail_masked", 4)
    numbered.unlink()
    inverted = np.where(mask > 0, 0, 255).astype(np.uint8)
    write_tiff(numbered, inverted, 50)

    run = new_lab.luigi("Masks")
    assert new_lab.luigi("MaskAreas").returncode == 0
    status = new_lab.brainstack("status", "DEMO").stdout
    assert run.returncode == 0, run.stderr
    assert f"section 4 ({SPOILED}): its mask was edited, and is far from" in status
    assert "have changed since" not in status
    assert np.array_equal(mask_of(new_lab, "thumbnail_masked", SPOILED), inverted > 0)
    assert {key for key, row in rows_of(new_lab).items() if row["verdict"] != "as proposed"} == {SPOILED}

    new_lab.folder.settings.write_text("[masks]\nedge_share = 0.4\n")
    run = new_lab.luigi("MaskAreas")
    assert run.returncode == 0, run.stderr
    for words in (run.stderr, new_lab.brainstack("status", "DEMO").stdout):
        (line,) = [one for one in words.splitlines() if "have changed since" in one and "WARNING" not in one]
        assert "differ from these: section 4 (" in line
    row = rows_of(new_lab)[SPOILED]
    assert row["proposal_changed"] == "1"
    assert float(row["proposal_differs_um2"]) > 0.9 * inverted.size * 2500
    assert "preps/masks/edits" in new_lab.brainstack("status", "DEMO", "--why", "4").stdout
    assert np.array_equal(mask_of(new_lab, "thumbnail_masked", SPOILED), inverted > 0)
