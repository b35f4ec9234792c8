"""Gaps, copies, dropped and moved sections, rescans: what a run makes again, and what the volume then shows."""

from __future__ import annotations

import json
import shutil

import numpy as np
from lab import Counted, Lab

from brainstack.files.tiff import read_tiff

ONCE = {
    "Preps": 1,
    "MaskCheck": 1,
    "MaskAreas": 1,
    "Canvas": 1,
    "PairCheck": 1,
    "Transforms": 1,
    "AlignmentPictures": 1,
    "Shell": 1,
    "NeuroglancerImage": 3,
    "Downsampling": 3,
}
"""All sections are one slab of a volume, in three channels."""
LAID_OUT = {"NeuroglancerInfo": 3, "PointVolume": 1}
"""Of a stack with another number of slots."""
NEW = {
    "Normalized": 3,
    "MaskSearch": 1,
    "MaskProposal": 1,
    "Masks": 1,
    "Histogram": 3,
    "HistogramPicture": 3,
    "Clean": 3,
    "Alignment": 3,
    "Web": 1,
}
"""All that is made of a section itself, in three channels."""


def run_after(lab: Lab, *said: str) -> dict[str, int]:
    """Say something of slide 1, and run. Returns how many steps of each stage were made."""
    counted = Counted(lab)
    changed = lab.brainstack("animal", "set", "DEMO", "--slide", "1", *said)
    assert changed.returncode == 0, changed.stderr
    ran = lab.luigi()
    assert ran.returncode == 0, ran.stderr
    return counted.by_stage()


def aligned(lab: Lab, number: int) -> np.ndarray:
    return read_tiff(lab.folder.numbered("thumbnail_aligned", number, 1))


def plane(lab: Lab, number: int) -> np.ndarray:
    from cloudvolume import CloudVolume

    return np.asarray(
        CloudVolume(lab.folder.volume(1).as_uri(), mip=0, progress=False, fill_missing=True)[:, :, number]
    )[..., 0, 0].T


def matrices(lab: Lab) -> dict[str, object]:
    return dict(json.loads(lab.folder.small("transforms").read_text())["matrices"])


def test_a_section_that_is_replicated_moves_no_other_and_redoes_no_image_but_its_copy(lab: Lab) -> None:
    """The copy's pairs are new: with two sections before and three behind it. Sections 0 and 2, and 1 and 3, were two
    apart and are three now, so that elastix does not refine them any more."""
    before = matrices(lab)
    assert run_after(lab, "--scene", "2", "--replicate", "1") == ONCE | NEW | LAID_OUT | {"Elastix": 7, "PairRetry": 7}
    after = matrices(lab)
    assert {key: after[key] for key in before} == before
    assert after["slide001_S2_copy1"] == before["slide001_S2"]
    np.testing.assert_array_equal(aligned(lab, 1), aligned(lab, 2))
    np.testing.assert_array_equal(plane(lab, 2), aligned(lab, 1))
    assert "9 sections, 1 of them copies" in lab.brainstack("status", "DEMO").stdout


def test_the_slot_of_a_bad_section_is_filled_by_its_neighbour(lab: Lab) -> None:
    run_after(lab, "--scene", "1", "--qc", "2", "--replicate", "1")
    assert list(matrices(lab))[:2] == ["slide001_S2_copy1", "slide001_S2"]
    assert len(matrices(lab)) == 8
    np.testing.assert_array_equal(plane(lab, 0), aligned(lab, 1))


def test_a_dropped_section_redoes_the_pair_that_bridges_it_and_what_truly_moved(lab: Lab) -> None:
    (gains, places), axes = values(lab), shared_axes(lab)
    made = run_after(lab, "--scene", "2", "--drop")
    gains_after, places_after = values(lab)
    brighter = {channel for channel in gains if gains[channel] != gains_after[channel]}
    moved = {key for key in places_after if places[key] != places_after[key]}
    images = [(channel, key) for key in places_after for channel in gains if channel in brighter or key in moved]
    # Sections 0 and 3 are two apart instead of three, 0 and 4 are a new pair; of seven sections there are 15 pairs.
    pairs = 6 + 5 + 4 if 1 in brighter else 2
    expected = ONCE | LAID_OUT | {"ChannelHistogram": 3, "Gain": 3, "Elastix": pairs, "PairRetry": pairs}
    expected |= {"Clean": len(places_after) * len(brighter), "Alignment": len(images)}
    expected |= {"Web": sum(channel == 1 for channel, _ in images)}
    redrawn = [channel for channel, axis in shared_axes(lab).items() if axis != axes[channel]]
    expected |= {"HistogramPicture": len(places_after) * len(redrawn)}
    assert made == {stage: count for stage, count in expected.items() if count}
    assert list(places_after) == [key for key in places if key != "slide001_S2"]
    assert plane(lab, 6).any()
    assert not lab.folder.numbered("thumbnail_aligned", 7, 1).is_symlink()


def values(lab: Lab) -> tuple[dict[int, float], dict[str, object]]:
    """The gain of each channel, and of each section the canvas and its place on it."""
    gains = {channel: json.loads(lab.folder.small(f"gain_C{channel}").read_text())["gain"] for channel in (1, 2, 3)}
    content = json.loads(lab.folder.small("transforms").read_text())
    return gains, {key: [content["canvas"], matrix] for key, matrix in content["matrices"].items()}


def shared_axes(lab: Lab) -> dict[int, str]:
    """What the histograms of a channel's sections share."""
    return {channel: lab.folder.small(f"channel_histogram_C{channel}").read_text() for channel in (1, 2, 3)}


def test_a_scene_turned_by_itself_is_cleaned_turned_and_no_other_section_is_made_again(lab: Lab) -> None:
    cleaned = [lab.folder.keyed("thumbnail_cleaned", "slide001_S2", channel) for channel in (1, 2, 3)]
    before, ran = [tissue(read_tiff(path)) for path in cleaned], len(lab.ran())
    assert lab.brainstack("slide", "DEMO", "1", "--scene", "2", "--rotation", "2", "--flip", "flop").returncode == 0
    assert lab.luigi().returncode == 0
    for path, old in zip(cleaned, before, strict=True):
        np.testing.assert_array_equal(tissue(read_tiff(path)), np.fliplr(np.rot90(old, -2)))
    made = lab.ran()[ran:]
    assert {one.item for one in made if one.stage == "Clean"} == {"slide001_S2"}
    assert all("slide001_S2" in one.item for one in made if one.stage == "Elastix")
    assert not {"Tifs", "Normalized", "Masks", "Histogram", "Gain"} & {one.stage for one in made}
    assert {"Canvas", "Transforms"} <= {one.stage for one in made}


def tissue(cleaned: np.ndarray) -> np.ndarray:
    """The box around what is not background."""
    rows, columns = (np.flatnonzero((cleaned > 0).any(axis)) for axis in (1, 0))
    return cleaned[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def test_a_section_moved_on_its_slide_takes_its_image_along(lab: Lab) -> None:
    before = read_tiff(lab.folder.numbered("thumbnail_cleaned", 0, 1))
    assert not set(run_after(lab, "--scene", "1", "--order", "2")) & {"Tifs", "Normalized", "Masks", "Clean"}
    np.testing.assert_array_equal(read_tiff(lab.folder.numbered("thumbnail_cleaned", 1, 1)), before)
    np.testing.assert_array_equal(plane(lab, 1), aligned(lab, 1))
    assert list(matrices(lab))[:2] == ["slide001_S2", "slide001_S1"]


def test_a_slide_scanned_again_takes_the_place_of_the_first_scan_until_it_is_bad(lab: Lab) -> None:
    first = min(lab.folder.czi.iterdir())
    shutil.copy(first, first.with_stem(f"{first.stem}_rescan2"))
    counted = Counted(lab)
    assert lab.luigi().returncode == 0
    made = counted.by_stage()
    assert made["Meta"] == 1
    assert made["Tifs"] == 3
    assert made["Normalized"] == 4 * 3
    assert list(matrices(lab))[:2] == ["slide001_rescan2_S1", "slide001_rescan2_S2"]
    status = lab.brainstack("status", "DEMO").stdout
    assert f"slide 1: {first.stem}_rescan2.czi is used, not {first.name}" in status
    assert "All is done" in status

    refused = lab.brainstack("animal", "set", "DEMO", "--slide", "1", "--status", "Bad")
    assert "say which one is meant with --rescan" in refused.stderr
    back = run_after(lab, "--rescan", "2", "--status", "Bad")
    assert back == ONCE | {"UpdateTifs": 1, "ChannelHistogram": 3, "Gain": 3}
    assert list(matrices(lab))[:2] == ["slide001_S1", "slide001_S2"]


def test_a_section_moved_to_another_slides_place_keeps_its_key_and_its_image(lab: Lab) -> None:
    before = read_tiff(lab.folder.numbered("thumbnail_cleaned", 0, 1))
    counted = Counted(lab)
    said = lab.brainstack("slide", "DEMO", "1", "--scene", "1", "--after", "slide002_S1", "--by", "Ana")
    assert said.returncode == 0, said.stderr
    assert lab.luigi().returncode == 0
    assert not set(counted.by_stage()) & {"Tifs", "Normalized", "Masks", "Clean"}
    assert list(matrices(lab))[3:5] == ["slide002_S1", "slide001_S1"]
    np.testing.assert_array_equal(read_tiff(lab.folder.numbered("thumbnail_cleaned", 4, 1)), before)
    assert lab.brainstack("slide", "DEMO", "1", "--undo").returncode == 0
    assert lab.luigi().returncode == 0
    assert next(iter(matrices(lab))) == "slide001_S1"
    np.testing.assert_array_equal(read_tiff(lab.folder.numbered("thumbnail_cleaned", 0, 1)), before)


def test_a_later_scan_that_adds_scenes_leaves_those_of_the_first_as_they_are(lab: Lab) -> None:
    first = min(lab.folder.czi.iterdir())
    shutil.copy(first, first.with_stem(f"{first.stem}_rescan2"))
    assert lab.luigi("Meta").returncode == 0
    assert lab.brainstack("slide", "DEMO", "1", "--rescan", "2", "--adds").returncode == 0
    for scene in ("1", "2", "3"):
        assert lab.brainstack("slide", "DEMO", "1", "--rescan", "2", "--scene", scene, "--drop").returncode == 0
    counted = Counted(lab)
    ran = lab.luigi()
    assert ran.returncode == 0, ran.stderr
    assert counted.by_stage()["Normalized"] == 3
    assert list(matrices(lab))[:6] == [
        "slide001_S1", "slide001_S2", "slide001_S3", "slide001_S4", "slide001_rescan2_S4", "slide002_S1",
    ]  # fmt: skip
    assert "is used, not" not in lab.brainstack("status", "DEMO").stdout
