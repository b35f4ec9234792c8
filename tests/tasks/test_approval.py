"""What people approved, in runs of the made-up animal."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from lab import Counted, Lab

from brainstack.files.tiff import read_tiff, write_tiff
from brainstack.geometry import inverse


def small(lab: Lab, name: str) -> Any:
    return json.loads(lab.folder.small(name).read_text())


def ran(lab: Lab) -> dict[str, int]:
    counted, run = Counted(lab), lab.luigi()
    assert run.returncode == 0, run.stderr
    return counted.by_stage()


def say(lab: Lab, *words: str) -> str:
    said = lab.brainstack(*words)
    assert said.returncode == 0, said.stderr
    return said.stdout


def test_an_approved_gain_stays_until_it_is_released(lab: Lab) -> None:
    with lab.folder.settings.open("a") as file:  # so fine that one section of eight moves it
        file.write("\n[gain]\nstep = 0.000001\n")
    ran(lab)
    before = small(lab, "gain_C1")["gain"]
    assert f"gain of channel 1: {before:.4g}, approved" in say(lab, "approve", "DEMO", "gain")
    assert ran(lab) == {"Gain": 3}, "an approval of what is in force redoes nothing that follows"

    say(lab, "animal", "set", "DEMO", "--slide", "1", "--scene", "1", "--qc", "2")
    made = ran(lab)
    content = small(lab, "gain_C1")
    assert content["gain"] == before
    assert content["computed"]["gain"] != before
    assert made["Gain"] == 3
    assert "Clean" not in made
    assert "Elastix" not in made

    difference = f"gain of channel 1 would be {content['computed']['gain']:.4g} now, approved is {before:.4g}"
    assert difference in say(lab, "status", "DEMO")
    say(lab, "approve", "DEMO", "gain", "--release")
    made = ran(lab)
    assert small(lab, "gain_C1")["gain"] == content["computed"]["gain"]
    assert (made["Gain"], made["Clean"]) == (3, 21)
    assert "approved is" not in say(lab, "status", "DEMO")


def test_an_approved_alignment_keeps_known_sections_and_places_new_ones_by_their_neighbour(lab: Lab) -> None:
    """A section is bad at first; when its place is approved without it, it comes back."""
    say(lab, "animal", "set", "DEMO", "--slide", "1", "--scene", "1", "--qc", "2")
    ran(lab)
    say(lab, "approve", "DEMO", "alignment")
    say(lab, "approve", "DEMO", "canvas")
    assert ran(lab) == {"Canvas": 1, "Transforms": 1, "AlignmentPictures": 1, "Shell": 1}
    before = small(lab, "transforms")
    aligned = read_tiff(lab.folder.keyed("thumbnail_aligned", "slide001_S3", 2))

    say(lab, "animal", "set", "DEMO", "--slide", "1", "--scene", "1", "--qc", "0")
    say(lab, "approve", "DEMO", "gain")
    ran(lab)
    after = small(lab, "transforms")
    assert after["canvas"] == before["canvas"]
    assert {key: after["matrices"][key] for key in before["matrices"]} == before["matrices"]
    assert np.array_equal(read_tiff(lab.folder.keyed("thumbnail_aligned", "slide001_S3", 2)), aligned)
    new, neighbour = (np.array(after["matrices"][f"slide001_S{scene}"]) for scene in (1, 2))
    free = [np.array(after["computed"]["matrices"][f"slide001_S{scene}"]) for scene in (1, 2)]
    assert np.allclose(new @ inverse(neighbour), free[0] @ inverse(free[1]))


def test_a_section_that_does_not_fit_the_approved_canvas_fails_with_its_sentence(lab: Lab) -> None:
    content = small(lab, "canvas")
    mask = read_tiff(lab.folder.keyed("thumbnail_masked", "slide001_S2"))
    rows = np.flatnonzero(mask.any(axis=1))
    content["rows"] = int(rows[-1] - rows[0])  # one less than it needs
    say(lab, "approve", "DEMO", "canvas")
    lab.folder.approved("canvas").write_text(json.dumps(content))
    run = lab.luigi()
    assert run.returncode != 0
    assert "failed Clean channel 1 slide001_S2 (section 1): The tissue is" in run.stderr
    assert "brainstack approve DEMO canvas --release" in run.stderr


def test_a_mended_mask_leaves_its_section_where_it_was_approved(lab: Lab) -> None:
    """Its cleaned image moves on the canvas, as its tissue's box is another; its aligned image does not."""
    for what in ("gain", "canvas", "alignment"):
        say(lab, "approve", "DEMO", what)
    key = "slide001_S2"
    path = lab.folder.keyed("thumbnail_masked", key)
    mask, before = read_tiff(path), read_tiff(lab.folder.keyed("thumbnail_aligned", key, 1))
    top = np.flatnonzero(mask.any(axis=1))[0]
    mask[top : top + 11] = 0
    write_tiff(lab.folder.numbered("thumbnail_masked", 1), mask, 1.0)
    moved = small(lab, "transforms")["matrices"][key]

    assert ran(lab)["Alignment"] == 3, "of this section alone, in each channel"
    after = read_tiff(lab.folder.keyed("thumbnail_aligned", key, 1))
    assert small(lab, "transforms")["matrices"][key] != moved
    both = (before > 0) & (after > 0)
    assert 0.8 * (before > 0).sum() < both.sum() < (before > 0).sum()
    assert np.median(np.abs(before[both].astype(int) - after[both])) == 0
