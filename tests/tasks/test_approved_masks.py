"""A run that waits until people have approved all masks, and goes on when they have."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from lab import Counted, Lab, asked, luigid

from brainstack.animal_folder import AnimalFolder
from brainstack.edits import EditedMeanwhileError
from brainstack.files.tiff import read_tiff, write_tiff
from brainstack.stamps import Step
from tasks.base import SectionsFailed, SectionTask
from tasks.worker import _again, _errors

KEY, NUMBER = "slide001_S3", "2"
MISSING_DATA = 20
"""Exit status, as luigi.cfg has it."""


def require_masks(folder: AnimalFolder) -> None:
    before = folder.settings.read_text() if folder.settings.exists() else ""
    folder.settings.write_text(f'{before}\n[review]\nrequire = ["masks"]\n')


def with_a_hole(lab: Lab) -> Path:
    """A mask of the section, in a file: within the outline, so that the canvas stays."""
    mask = read_tiff(lab.folder.keyed("thumbnail_masked", KEY))
    row, column = (int(one) for one in np.argwhere(mask > 0).mean(axis=0))
    mask[row - 4 : row + 4, column - 4 : column + 4] = 0
    write_tiff(lab.root / "mask.tif", mask, 10)
    return lab.root / "mask.tif"


@pytest.mark.timeout(900)
def test_clean_waits_for_masks_and_goes_on_once_they_are_approved(lab: Lab) -> None:
    require_masks(lab.folder)
    said = lab.brainstack("mask", "approve", "DEMO", "--all", "--by", "anna")
    assert said.stdout.startswith("8 approved, 0 were approved before."), said.stderr
    assert lab.brainstack("mask", "set", "DEMO", NUMBER, str(with_a_hole(lab)), "--by", "ben").returncode == 0
    listed = lab.brainstack("mask", "list", "DEMO", "--not-approved").stdout
    assert KEY in listed
    assert "another one" in listed, "than the one that was approved"
    assert "slide001_S1" not in listed

    counted = Counted(lab)
    with luigid(lab) as port:
        run = lab.luigi("Animal", "--scheduler-port", str(port))
        tasks = asked(port, "task_list", {"status": "PENDING", "upstream_status": ""})
    assert run.returncode == MISSING_DATA, run.stderr
    assert f"1 of 8 masks is not approved yet: section {NUMBER}; Clean, and what follows from it, waits" in run.stderr
    made = counted.by_stage()
    assert (made["Masks"], made["Histogram"]) == (1, 3), "what does not hang on Clean is made"
    assert not {"Clean", "Elastix", "Transforms", "Alignment"} & set(made)
    assert "ApprovedMasks" in {one["name"] for one in tasks.values()}, "luigid shows what is waited for"
    status = lab.brainstack("status", "DEMO").stdout
    assert "1 of 8 masks is not approved yet" in status
    assert "if all masks are approved" in status

    assert lab.brainstack("mask", "approve", "DEMO", NUMBER).returncode == 0
    counted = Counted(lab)
    run = lab.luigi()
    assert run.returncode == 0, run.stderr
    assert "approved yet" not in run.stderr
    made = counted.by_stage()
    assert made["Clean"] == 3
    assert not {"MaskSearch", "MaskProposal", "Masks", "Histogram", "Tifs"} & set(made)


class Painted(SectionTask):
    """Two sections, of which one is painted on while the run is at it."""

    def steps(self) -> tuple[Step, ...]:
        return Step("Masks", 0, "one"), Step("Masks", 0, "two")

    @property
    def plan(self) -> Any:
        return SimpleNamespace(blocked_by=lambda step: None)

    def _make_with_patience(self, step: Step) -> bool:
        if step.item == "one":
            raise EditedMeanwhileError("The mask of one was edited during this run.")
        return True


def test_what_was_edited_while_it_was_made_has_not_failed_but_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.base.line_of", lambda *_: "")
    task = Painted(animal="DK39", section="x")
    with pytest.raises(SectionsFailed) as raised:
        task.run()
    told = json.dumps(task.on_failure(raised.value))
    assert _again(told) == ("one",)
    assert _errors(told) == {"one": "The mask of one was edited during this run."}
    assert _again('"the process died"') == ()
