"""What people say of the alignment, and stacks that are hard to align, in runs of the made-up animal."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lab import SIZE, Counted, Lab, copy_of

from brainstack.database import open_database
from brainstack.files.tiff import read_tiff, write_tiff
from brainstack.geometry import Matrix, inverse, is_mirrored, points, rigid, rigid_parts
from brainstack.images.registration import Registered
from brainstack.records import SectionAlignment

CHANNELS = 3
KEYS = [f"slide00{slide}_S{scene}" for slide in (1, 2) for scene in (1, 2, 3, 4)]
"""Of the eight sections; the middle one, which stays as it is, is 4."""


def say(lab: Lab, *words: str) -> str:
    said = lab.brainstack("align", *words)
    assert said.returncode == 0, said.stderr
    return said.stdout


def ran(lab: Lab) -> dict[str, int]:
    counted, run = Counted(lab), lab.luigi()
    assert run.returncode == 0, run.stderr
    return counted.by_stage()


def small(lab: Lab) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(lab.folder.small("transforms").read_text())
    return content


def places(lab: Lab) -> dict[str, Any]:
    """Of each section: the canvas and its place on it."""
    content = small(lab)
    return {key: [content["canvas"], matrix] for key, matrix in content["matrices"].items()}


def matrix_of(lab: Lab, key: str) -> Matrix:
    return np.array(small(lab)["matrices"][key])


def moved(before: dict[str, object], after: dict[str, object]) -> set[str]:
    return {key for key in {**before, **after} if before.get(key) != after.get(key)}


def moved_apart(lab: Lab, before: dict[str, Matrix]) -> set[str]:
    """Sections that lie elsewhere on the middle one, whatever became of the canvas, which holds them all."""
    after = matrices(lab)
    on_middle = [{key: each[key] @ inverse(each[KEYS[4]]) for key in each} for each in (before, after)]
    return {key for key in after if key not in before or not np.allclose(*(one[key] for one in on_middle), atol=1e-6)}


def matrices(lab: Lab) -> dict[str, Matrix]:
    return {key: np.array(matrix) for key, matrix in small(lab)["matrices"].items()}


def of_moved(before: dict[str, Any], after: dict[str, Any]) -> dict[str, int]:
    """All that follows where sections lie elsewhere. The eight of them are one slab of each channel's volume, which is
    laid out anew only where the canvas that holds all of them is another."""
    count, canvases = (
        len(moved(before, after)),
        [{str(place[0]) for place in each.values()} for each in (before, after)],
    )
    volumes = {"NeuroglancerImage": CHANNELS, "Downsampling": CHANNELS}
    volumes |= {"NeuroglancerInfo": CHANNELS, "PointVolume": 1} if canvases[0] != canvases[1] else {}
    return {"Alignment": CHANNELS * count, "Web": count} | volumes if count else {}


def judged(lab: Lab) -> dict[str, SectionAlignment]:
    with open_database(lab.url) as database:
        return {one.section: one for one in database.sections_aligned("DEMO")}


def planes_with_tissue(lab: Lab, channel: int) -> list[int]:
    """Of the volume: slots that show a section."""
    from cloudvolume import CloudVolume

    volume = np.asarray(CloudVolume(lab.folder.volume(channel).as_uri(), mip=0, progress=False, fill_missing=True)[:])[
        ..., 0
    ]
    return [int(number) for number in np.flatnonzero(volume.any(axis=(0, 1)))]


TRANSFORMS = {"Transforms": 1, "AlignmentPictures": 1, "Shell": 1}


# By hand


def test_a_pair_that_is_left_out_is_bridged_and_only_what_moved_is_aligned_again(lab: Lab, finished: Lab) -> None:
    """No pair is registered again. Wider pairs, which are sure to some 30 um, bridge the gap: sections before it follow
    them, by part of a pixel of 50 um, and they pull those behind it by next to nothing."""
    before = places(lab)
    say(lab, "leave-out", "DEMO", "2", "3")
    made = ran(lab)
    changed = moved(before, places(lab))
    assert made == TRANSFORMS | {"PairCheck": 1} | of_moved(before, places(lab))
    if small(lab)["canvas"] == small(finished)["canvas"]:
        assert KEYS[4] not in changed
        assert changed >= set(KEYS[:3])
        for key in KEYS:
            assert moved_px(lab, finished, key) < (0.6 if key in KEYS[:3] else 0.05), key
    assert planes_with_tissue(lab, 1) == list(range(8))
    say(lab, "release", "DEMO", "2", "3")
    ran(lab)
    assert lab.bytes() == finished.bytes()


def moved_px(lab: Lab, other: Lab, key: str) -> float:
    """How far a section lies elsewhere, at most, over the middle of the aligned canvas."""
    rows, columns = np.array(small(lab)["canvas"])
    at = np.array([(columns * x, rows * y) for x in (0.2, 0.8) for y in (0.2, 0.8)])
    return float(np.linalg.norm(points(matrix_of(lab, key), at) - points(matrix_of(other, key), at), axis=1).max())


def test_a_section_that_a_person_places_moves_alone(lab: Lab, finished: Lab) -> None:
    """By so little that the canvas of aligned sections holds it as before."""
    before, was = places(lab), judged(lab)[KEYS[2]]
    turn_deg = float(np.rad2deg(was.rotation_rad)) + 0.5
    say(lab, "place", "DEMO", "2", "--rotation-deg", f"{turn_deg}")
    made = ran(lab)
    assert small(lab)["canvas"] == small(finished)["canvas"]
    after = places(lab)
    assert moved(before, after) == {KEYS[2]}
    assert made == TRANSFORMS | of_moved(before, after)
    one = judged(lab)[KEYS[2]]
    assert (one.by_hand, one.verdict) == (True, "good")
    assert (np.rad2deg(one.rotation_rad), one.shift_x_um, one.shift_y_um) == pytest.approx(
        (turn_deg, was.shift_x_um, was.shift_y_um), abs=1e-6
    )
    say(lab, "release", "DEMO", "2")
    assert ran(lab) == TRANSFORMS | of_moved(after, before)
    assert lab.bytes() == finished.bytes()


def test_the_place_that_the_run_found_given_by_hand_moves_nothing(lab: Lab) -> None:
    before, one = matrix_of(lab, KEYS[2]), judged(lab)[KEYS[2]]
    turn_deg = float(np.rad2deg(one.rotation_rad))
    numbers = {"--rotation-deg": turn_deg, "--shift-x-um": one.shift_x_um, "--shift-y-um": one.shift_y_um}
    say(lab, "place", "DEMO", "2", *(word for name, value in numbers.items() for word in (name, str(value))))
    ran(lab)
    np.testing.assert_allclose(matrix_of(lab, KEYS[2]), before, atol=1e-6)


def test_an_anchor_takes_the_sections_around_it_along(lab: Lab) -> None:
    """Section 2 is turned by 5 degrees, and the middle one stays: the two pairs between them share the turn. What lies
    beyond either hangs on it as before."""
    before = matrices(lab)
    turn_deg = float(np.rad2deg(judged(lab)[KEYS[2]].rotation_rad)) + 5
    say(lab, "place", "DEMO", "2", "--rotation-deg", f"{turn_deg}", "--anchor")
    ran(lab)
    after = matrices(lab)
    canvas = (1, 1)  # the turn is the same about any point
    turns_deg = []
    for fixed, moving in pairwise(KEYS):
        was, now = (rigid_parts(each[moving] @ inverse(each[fixed]), canvas).rotation_rad for each in (before, after))
        turns_deg.append(abs(np.rad2deg(now - was)))
    assert np.allclose(turns_deg[2:4], 2.5, atol=0.5)
    assert max(turns_deg[:2] + turns_deg[4:]) < 0.1


def test_an_anchor_that_is_mirrored_mirrors_all_that_fit_on_it_and_no_pair_is_registered_again(lab: Lab) -> None:
    """All eight sections fit on each other as they are: so they do, mirrored, and lie on each other as before."""
    was, before = places(lab), matrices(lab)
    say(lab, "place", "DEMO", "3", "--mirrored", "--anchor")
    made = ran(lab)
    assert moved(was, places(lab)) == {*KEYS}
    assert made == TRANSFORMS | {"PairCheck": 1} | of_moved(was, places(lab))
    after = matrices(lab)
    assert all(is_mirrored(matrix) for matrix in after.values())
    for fixed, moving in pairwise(KEYS):
        was, now = (each[moving] @ inverse(each[fixed]) for each in (before, after))
        np.testing.assert_allclose(now, was, atol=0.02)
    assert {key for key, one in judged(lab).items() if "seems to be mirrored" in one.reason} == {*KEYS} - {KEYS[3]}

    with lab.folder.settings.open("a") as file:
        file.write("\n[pair_check]\nturn_mirrored = false\n")
    transformed(lab)
    one = judged(lab)[KEYS[3]]
    assert (one.verdict, one.by_hand) == ("doubtful", True)
    assert "the sections around it do not follow it" in one.reason


def test_a_section_that_follows_its_neighbour_lies_as_that_does(lab: Lab) -> None:
    before, was = places(lab), matrices(lab)
    say(lab, "follow", "DEMO", "6", "5")
    made = ran(lab)
    after = places(lab)
    assert after[KEYS[6]] == after[KEYS[5]]
    assert moved_apart(lab, was) == {KEYS[6]}
    # Lying otherwise it may need a larger canvas, on which all are aligned again.
    assert made == TRANSFORMS | of_moved(before, after)


@pytest.mark.parametrize(
    "words",
    [("place", "DEMO", "99", "--rotation-deg", "1"), ("follow", "DEMO", "slide009_S1", "2"),
     ("follow", "DEMO", "2", "8"), ("leave-out", "DEMO", "7", "8")],
)  # fmt: skip
def test_what_is_said_of_a_section_that_does_not_exist_is_refused(lab: Lab, words: tuple[str, ...]) -> None:
    said = lab.brainstack("align", *words)
    assert said.returncode == 1
    assert "has no section" in " ".join(said.stderr.split())
    counted, run = Counted(lab), lab.luigi()
    assert (run.returncode, counted.by_stage()) == (0, {})


def test_what_was_said_of_a_section_that_is_a_gap_now_waits_for_it(lab: Lab) -> None:
    """Section 6 follows a section that is then marked as bad: it lies as its pairs say, and follows again later."""
    say(lab, "follow", "DEMO", "6", "7")
    ran(lab)
    assert lab.brainstack("animal", "set", "DEMO", "--slide", "2", "--scene", "4", "--qc", "2").returncode == 0
    ran(lab)
    assert set(places(lab)) == set(KEYS[:7])
    assert not judged(lab)[KEYS[6]].by_hand
    assert "without effect" in say(lab, "show", "DEMO")


# What a place is about


def transformed(lab: Lab) -> None:
    run = lab.luigi("Transforms")
    assert run.returncode == 0, run.stderr


def on_neighbour(lab: Lab) -> Matrix:
    """From section 1 as it was scanned to section 2 as it was scanned, in pixels of their thumbnails."""
    content = small(lab)
    to_thumbnail = [inverse(np.array(content["placements"][key])) @ matrix_of(lab, key) for key in KEYS[1:3]]
    return to_thumbnail[1] @ inverse(to_thumbnail[0])


def pair_on_thumbnails(lab: Lab) -> Matrix:
    """The same of sections 5 and 6, as their pair in force says."""
    content = small(lab)
    pair = Registered(**json.loads(lab.folder.pair_in_force(f"{KEYS[5]}..{KEYS[6]}").read_text()))
    fixed, moving = (np.array(content["placements"][key]) for key in KEYS[5:7])
    assert pair.by_hand
    rows, columns = content["cleaned"]
    return inverse(moving) @ pair.matrix(content["pixel_size_um"], (rows, columns)) @ fixed


def apart_px(one: Matrix, other: Matrix) -> float:
    at = np.array([(x, y) for x in (100.0, 250.0) for y in (50.0, 200.0)])
    return float(np.linalg.norm(points(one, at) - points(other, at), axis=1).max())


def place_section_2(lab: Lab) -> Matrix:
    """Half a degree from where it lies. Returns how it then lies on section 1."""
    transformed(lab)
    say(lab, "place", "DEMO", "2", "--rotation-deg", str(np.rad2deg(judged(lab)[KEYS[2]].rotation_rad) + 0.5))
    transformed(lab)
    return on_neighbour(lab)


def test_a_section_that_a_person_placed_stays_on_its_neighbours_when_another_is_the_middle_one(lab: Lab) -> None:
    """The middle section is marked as bad, so that places are from another section's canvas."""
    before = place_section_2(lab)
    assert lab.brainstack("animal", "set", "DEMO", "--slide", "2", "--scene", "1", "--qc", "2").returncode == 0
    transformed(lab)
    assert small(lab)["frame"]["name"] == KEYS[3]
    assert judged(lab)[KEYS[2]].by_hand
    assert apart_px(on_neighbour(lab), before) < 0.5
    assert f"from section {KEYS[4]}, which was the middle one then" in say(lab, "show", "DEMO")


def test_a_section_that_a_person_placed_stays_on_its_neighbours_when_its_mask_is_mended_and_all_are_turned(
    lab: Lab,
) -> None:
    """A sixth of its tissue is painted away, so that the rest lies elsewhere on its canvas. Then the animal is turned
    and mirrored; what is said of a pair turns with it."""
    before = place_section_2(lab)
    said = lab.brainstack("animal", "pair", "DEMO", "5", "6", "--rotation-deg", "9", "--shift-x-um", "500")
    assert said.returncode == 0, said.stderr
    mask = read_tiff(lab.folder.keyed("thumbnail_masked", KEYS[2]))
    columns = np.flatnonzero(mask.any(axis=0))
    mask[:, : columns[0] + len(columns) // 6] = 0
    link = lab.folder.root / "preps" / "masks" / "thumbnail_masked" / "002.tif"
    link.unlink()
    write_tiff(link, mask, 1.0)
    transformed(lab)
    assert apart_px(on_neighbour(lab), before) < 0.5

    given = pair_on_thumbnails(lab)
    assert lab.brainstack("animal", "set", "DEMO", "--rotation", "1", "--flip", "flop").returncode == 0
    transformed(lab)
    assert judged(lab)[KEYS[2]].by_hand
    assert apart_px(on_neighbour(lab), before) < 0.5
    assert apart_px(pair_on_thumbnails(lab), given) < 0.01


# Sections that fit on none


def test_a_section_that_fits_on_none_fails_with_a_sentence_and_the_others_are_aligned(lab: Lab) -> None:
    for other in ("0", "2", "3", "4"):
        say(lab, "leave-out", "DEMO", "1", other)
    run = lab.luigi()
    assert run.returncode == 30
    said = " ".join(run.stderr.split())
    assert "failed Alignment channel 1 slide001_S2 (section 1): No section within 3 of it fits on it" in said
    assert "brainstack align follow DEMO 1 NEIGHBOUR" in said
    assert "Traceback" not in said
    for channel in range(1, CHANNELS + 1):
        assert planes_with_tissue(lab, channel) == [0, 2, 3, 4, 5, 6, 7]
    verdicts = {key: one.verdict for key, one in judged(lab).items()}
    assert verdicts == dict.fromkeys(KEYS, "good") | {KEYS[1]: "failed"}
    assert "No section within 3" in " ".join(lab.brainstack("status", "DEMO").stdout.split())
    before, was = places(lab), matrices(lab)

    say(lab, "follow", "DEMO", "1", "2")
    made = ran(lab)
    after = places(lab)
    assert moved_apart(lab, was) == {KEYS[1]}
    assert made == TRANSFORMS | of_moved(before, after)
    assert after[KEYS[1]] == after[KEYS[2]]


def test_where_no_two_sections_fit_only_the_middle_one_is_aligned_and_all_others_are_named(lab: Lab) -> None:
    with lab.folder.settings.open("a") as file:
        file.write("\n[elastix]\nlowest_metric = 0.999\n")
    run = lab.luigi()
    assert run.returncode == 30
    assert planes_with_tissue(lab, 1) == [4]
    said = " ".join(run.stderr.split())
    named = [
        number
        for number, key in enumerate(KEYS)
        if f"failed Alignment channel 1 {key} (section {number}): No section within 3" in said
    ]
    assert named == [0, 1, 2, 3, *range(5, len(KEYS))]


# Few sections


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """An animal of two sections that was added. Not to be changed: copy it."""
    lab = Lab(tmp_path_factory.mktemp("two"))
    made = lab.brainstack("demo", "--sections", "2", *SIZE[2:])
    assert made.returncode == 0, made.stderr
    return lab


def test_two_sections_are_aligned_on_each_other(two: Lab, tmp_path: Path) -> None:
    lab = copy_of(two, tmp_path)
    made = ran(lab)
    assert (made["Elastix"], made["PairCheck"], made["PairRetry"], made["Alignment"]) == (1, 1, 1, 2 * CHANNELS)
    assert {key: one.verdict for key, one in judged(lab).items()} == dict.fromkeys(KEYS[:2], "good")
    assert ran(lab) == {}


def test_one_section_alone_lies_as_it_is(two: Lab, tmp_path: Path) -> None:
    lab = copy_of(two, tmp_path)
    assert lab.luigi("Meta").returncode == 0
    assert lab.brainstack("animal", "set", "DEMO", "--slide", "1", "--scene", "2", "--qc", "2").returncode == 0
    made = ran(lab)
    assert "Elastix" not in made
    assert (made["PairCheck"], made["Transforms"], made["Alignment"]) == (1, 1, CHANNELS)
    turn = matrix_of(lab, KEYS[0])[:2, :2]
    np.testing.assert_array_equal(turn, np.eye(2))
    assert judged(lab)[KEYS[0]].verdict == "good"
    assert (lab.folder.volume(1) / "info").exists()


# Sections that are suspect


def put(lab: Lab, key: str, change) -> None:
    """Another thumbnail in a section's place, in each channel; made before anything reads it."""
    for channel in range(1, CHANNELS + 1):
        path = thumbnail(lab, key, channel)
        write_tiff(path, change(channel), 1.0)


def thumbnail(lab: Lab, key: str, channel: int) -> Path:
    slide, _, scene = key.partition("_")
    return lab.folder.tif_thumbnail(f"DEMO_ID_0001_{slide}_{scene}_C{channel}.tif")


def test_two_sections_with_one_image_are_both_doubtful(new_lab: Lab) -> None:
    assert new_lab.luigi("Tifs").returncode == 0
    put(new_lab, KEYS[2], lambda channel: read_tiff(thumbnail(new_lab, KEYS[1], channel)))
    run = new_lab.luigi()
    assert run.returncode == 0, run.stderr
    verdicts = judged(new_lab)
    assert {key for key, one in verdicts.items() if "one and the same" in one.reason} == set(KEYS[1:3])
    assert (verdicts[KEYS[1]].verdict, verdicts[KEYS[2]].verdict) == ("doubtful", "doubtful")
    said = " ".join(run.stderr.split())
    for number in (1, 2):
        assert f"section {number} ({KEYS[number]}): its place in the stack is doubtful" in said


def test_a_mirrored_section_is_turned_back_and_reported(new_lab: Lab, finished: Lab) -> None:
    key, neighbour = KEYS[2], KEYS[1]
    assert new_lab.luigi("Tifs").returncode == 0
    put(new_lab, key, lambda channel: np.fliplr(read_tiff(thumbnail(new_lab, key, channel))))
    run = new_lab.luigi()
    assert run.returncode == 0, run.stderr

    verdicts = judged(new_lab)
    assert [name for name, one in verdicts.items() if one.mirrored] == [key]
    assert verdicts[key].verdict == "doubtful"
    assert f"section 2 ({key}): its place in the stack is doubtful: it seems to be mirrored" in " ".join(
        run.stderr.split()
    )
    # On its neighbour it lies as the unmirrored one does, but for what cleaning's whole pixels make of it.
    rows, columns = read_tiff(new_lab.folder.keyed("thumbnail_cleaned", key, 1)).shape
    flop = rigid(0, 0, 0, (rows, columns), mirrored=True)
    now, then = (matrix_of(lab, key) @ inverse(matrix_of(lab, neighbour)) for lab in (new_lab, finished))
    assert is_mirrored(now)
    middle = np.array([(columns / 2 + x, rows / 2 + y) for x in (-60, 60) for y in (-40, 40)])
    assert np.linalg.norm(points(now, middle) - points(flop @ then, middle), axis=1).max() < 3

    with new_lab.folder.settings.open("a") as file:
        file.write("\n[pair_check]\nturn_mirrored = false\n")
    run = new_lab.luigi()
    assert run.returncode == 0, run.stderr
    one = judged(new_lab)[key]
    assert not one.mirrored
    assert not is_mirrored(matrix_of(new_lab, key))
    assert "it stays mirrored" in one.reason
