"""A mask that is spoiled is mended with its neighbours' help, in whole runs, against the made-up animal's truth."""

from __future__ import annotations

import csv

import cv2
import numpy as np
import pytest
from lab import Counted, Lab

from brainstack.demo import read_truth
from brainstack.demo.measuring import dice
from brainstack.files.tiff import read_tiff, write_tiff

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
def test_glue_beside_a_section_is_taken_out_of_its_mask_and_no_other_mask_changes(new_lab: Lab, finished: Lab) -> None:
    assert new_lab.luigi("Tifs").returncode == 0
    path = new_lab.folder.tif_thumbnail("DEMO_ID_0001_slide002_S1_C1.tif")
    light, true = read_tiff(path).astype(np.float32), read_truth(new_lab.folder.root).mask(SPOILED)
    glue = np.zeros(light.shape, np.float32)
    cv2.circle(glue, (int(0.08 * light.shape[1]), int(0.15 * light.shape[0])), 25, 1, -1)
    light += 20 * np.median(light[true]) * cv2.GaussianBlur(glue, (0, 0), 2)
    write_tiff(path, np.clip(light, 0, 65535).astype(np.uint16), 50)

    run = new_lab.luigi("Masks")
    assert run.returncode == 0, run.stderr
    assert new_lab.luigi("MaskAreas").returncode == 0
    before, after = (dice(mask_of(new_lab, kind, SPOILED), true) for kind in ("found", "thumbnail_masked"))
    assert before < 0.9
    assert after > 0.97
    assert {key for key, row in rows_of(new_lab).items() if row["verdict"] != "as proposed"} == {SPOILED}
    assert "the masks of sections 4 were found" in new_lab.brainstack("status", "DEMO").stdout
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
