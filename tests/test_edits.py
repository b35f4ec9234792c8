from __future__ import annotations

import dataclasses
import itertools
import os
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from by_hand import plan_of, settings_with, slide
from masked import SHAPE, make_mask, proposal_of

from brainstack.edits import edited_mask, keep_if_edited, passed_over, take_in_edits
from brainstack.errors import BrainstackError
from brainstack.files.tiff import read_tiff, write_tiff
from brainstack.links import link_all
from brainstack.plan import Plan
from brainstack.records import Slide
from brainstack.stamps import Stamps, Step, digest

KEY, NUMBER = "slide002_S1", 2
Save = Callable[[Path, np.ndarray], None]


def make(plan: Plan, key: str) -> None:
    """What MaskProposal and Masks leave of a section."""
    make_mask(plan, key, list("123").index(key[7]) * 2 + int(key[-1]))


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    plan = plan_of(tmp_path, [slide(1), slide(2), slide(3)])
    for key in plan.section:
        make(plan, key)
    link_all(plan)
    assert take_in_edits(plan) == ({}, {})
    return plan


def through_the_link(path: Path, picture: np.ndarray) -> None:
    assert path.is_symlink()
    tifffile.imwrite(path.resolve(), picture)


def in_its_place(path: Path, picture: np.ndarray) -> None:
    """As programs do that write a new file and rename it."""
    beside = path.with_name("saving~")
    tifffile.imwrite(beside, picture)
    beside.replace(path)


def with_lzw(path: Path, picture: np.ndarray) -> None:
    path.unlink()
    tifffile.imwrite(path, picture, compression="lzw", description="painted by a person")


WAYS = pytest.mark.parametrize("save", [through_the_link, in_its_place, with_lzw])


def colored(plan: Plan, number: int = NUMBER) -> Path:
    return plan.folder.numbered("thumbnail_colored", number)


def masked(plan: Plan, number: int = NUMBER) -> Path:
    return plan.folder.numbered("thumbnail_masked", number)


def painted(path: Path) -> np.ndarray:
    """White paint in a corner without tissue, black paint in the tissue."""
    picture = read_tiff(path)
    picture[0:5, 0:5] = 255
    picture[15:20, 15:20] = 0
    return picture


def expected_of(mask: np.ndarray) -> np.ndarray:
    mask = mask.copy()
    mask[0:5, 0:5] = 255
    mask[15:20, 15:20] = 0
    return mask


def everything(folder: Path) -> dict[str, bytes]:
    return {
        str(path): bytes(path.readlink()) if path.is_symlink() else path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


@WAYS
def test_white_paint_adds_and_black_paint_removes(plan: Plan, save: Save) -> None:
    save(colored(plan), painted(colored(plan)))
    edits, refused = take_in_edits(plan)
    kept = read_tiff(plan.folder.edit(KEY))
    np.testing.assert_array_equal(kept, expected_of(proposal_of(3)))
    assert edits == {KEY: digest(kept)}
    assert refused == {}


@WAYS
def test_a_mask_edited_by_hand_is_taken_as_it_is(plan: Plan, save: Save) -> None:
    mask = np.zeros(SHAPE, np.uint8)
    mask[3:9, 4:50] = 255
    save(masked(plan), mask)
    assert take_in_edits(plan) == ({KEY: digest(mask)}, {})
    np.testing.assert_array_equal(read_tiff(plan.folder.edit(KEY)), mask)


@WAYS
@pytest.mark.parametrize("file", [colored, masked])
def test_an_edit_is_taken_in_once_and_its_place_is_free_for_the_new_file(plan: Plan, save: Save, file) -> None:
    save(file(plan), painted(file(plan)))
    first = take_in_edits(plan)
    make(plan, KEY)
    link_all(plan)
    assert file(plan).is_symlink()
    assert take_in_edits(plan) == first
    np.testing.assert_array_equal(read_tiff(masked(plan)), expected_of(proposal_of(3)))


@WAYS
def test_a_second_painting_builds_on_the_first(plan: Plan, save: Save) -> None:
    save(colored(plan), painted(colored(plan)))
    take_in_edits(plan)
    make(plan, KEY)
    link_all(plan)
    again = read_tiff(colored(plan))
    again[35:40, 50:60] = 255
    save(colored(plan), again)
    edits, refused = take_in_edits(plan)
    expected = expected_of(proposal_of(3))
    expected[35:40, 50:60] = 255
    assert refused == {}
    np.testing.assert_array_equal(read_tiff(plan.folder.edit(KEY)), expected)
    assert edits[KEY] == digest(expected)


def test_the_picture_with_the_old_outline_is_not_left_to_paint_on(plan: Plan) -> None:
    in_its_place(masked(plan), expected_of(proposal_of(3)))
    take_in_edits(plan)
    assert not plan.folder.keyed("thumbnail_colored", KEY).exists()


@pytest.mark.parametrize("dry", [True, False])
def test_a_painting_and_a_mask_of_the_same_section_count_both_and_where_they_differ_the_mask(
    plan: Plan, dry: bool
) -> None:
    """The painting adds the corner and takes 15 to 20 away; the mask takes a part of the corner, and adds below."""
    in_its_place(colored(plan), painted(colored(plan)))
    mask = read_tiff(masked(plan))
    mask[35:40, 5:25] = 255
    mask[16:18, 16:18] = 0
    through_the_link(masked(plan), mask)
    wanted = expected_of(proposal_of(3))
    wanted[35:40, 5:25] = 255
    assert take_in_edits(plan, dry=dry) == ({KEY: digest(wanted)}, {})
    if not dry:
        np.testing.assert_array_equal(read_tiff(plan.folder.edit(KEY)), wanted)
        assert take_in_edits(plan) == ({KEY: digest(wanted)}, {})


def test_a_mask_saved_as_it_was_takes_nothing_away_from_a_painting(plan: Plan) -> None:
    in_its_place(colored(plan), painted(colored(plan)))
    in_its_place(masked(plan), read_tiff(masked(plan)))
    assert take_in_edits(plan) == ({KEY: digest(expected_of(proposal_of(3)))}, {})


def test_where_one_of_a_painting_and_a_mask_is_refused_both_are_kept(plan: Plan) -> None:
    picture = painted(colored(plan))
    through_the_link(colored(plan), picture)
    in_its_place(masked(plan), np.zeros(SHAPE, np.uint8))
    edits, refused = take_in_edits(plan)
    assert edits == {}
    assert "all black" in refused[KEY]
    np.testing.assert_array_equal(read_tiff(colored(plan)), picture)
    masked(plan).unlink()
    assert take_in_edits(plan) == ({KEY: digest(expected_of(proposal_of(3)))}, {})


@WAYS
@pytest.mark.parametrize("file", [colored, masked])
def test_saving_without_a_change_is_no_edit(plan: Plan, save: Save, file) -> None:
    save(file(plan), read_tiff(file(plan)))
    assert take_in_edits(plan) == ({}, {})
    assert not plan.folder.edit(KEY).exists()


def test_touching_a_file_is_no_edit(plan: Plan) -> None:
    before = everything(plan.folder.root)
    for file in (colored(plan), masked(plan)):
        os.utime(file, ns=(10**18, 10**18))
    assert take_in_edits(plan) == ({}, {})
    after = everything(plan.folder.root)
    seen = str(plan.folder.seen)
    assert {**after, seen: b""} == {**before, seen: b""}


REFUSED = {
    "size": (masked, lambda picture: picture[:-3], "37 x 60 pixels"),
    "colour": (masked, lambda picture: np.dstack([picture, 255 - picture, picture]), "in colour"),
    "all black": (masked, np.zeros_like, "all black"),
    "a picture": (masked, lambda picture: np.tile(4 * np.arange(60, dtype=np.uint8), (40, 1)), "grey pixels"),
    "size of a painting": (colored, lambda picture: picture[:, :-1], "40 x 59 pixels"),
    "green paint": (colored, lambda picture: cv2.circle(picture, (30, 5), 3, (0, 255, 0), -1), "other paint"),
    "all painted black": (colored, np.zeros_like, "nothing is left of the mask"),
}


@pytest.mark.parametrize(("case", "save"), list(itertools.product(REFUSED, [through_the_link, in_its_place])))
def test_what_cannot_be_a_mask_is_refused_and_stays_where_it_is(plan: Plan, case: str, save: Save) -> None:
    file, change, words = REFUSED[case]
    path = file(plan)
    wrong = change(read_tiff(path))
    save(path, wrong)
    edits, refused = take_in_edits(plan)
    assert edits == {}
    assert list(refused) == [KEY]
    assert words in refused[KEY]
    assert str(path) in refused[KEY]
    for _ in range(2):  # whatever runs in between
        make(plan, KEY)
        Stamps(plan.folder.stamps).remove(Step("Masks", 0, KEY))
        link_all(plan)
        assert take_in_edits(plan) == ({}, refused)
        np.testing.assert_array_equal(read_tiff(path), wrong)


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n and so on"])
def test_a_file_that_is_no_tiff_is_refused(plan: Plan, content: bytes) -> None:
    masked(plan).unlink()
    masked(plan).write_bytes(content)
    _, refused = take_in_edits(plan)
    assert "is no whole TIFF" in refused[KEY]
    assert masked(plan).read_bytes() == content


def test_a_png_under_the_name_of_a_tiff_is_refused(plan: Plan) -> None:
    _, content = cv2.imencode(".png", read_tiff(masked(plan)))
    masked(plan).resolve().write_bytes(content.tobytes())
    _, refused = take_in_edits(plan)
    assert "is no whole TIFF" in refused[KEY]


def test_a_refused_edit_that_was_mended_is_taken_in(plan: Plan) -> None:
    through_the_link(masked(plan), np.zeros(SHAPE, np.uint8))
    take_in_edits(plan)
    mask = expected_of(proposal_of(3))
    tifffile.imwrite(masked(plan), mask)
    assert take_in_edits(plan) == ({KEY: digest(mask)}, {})


def test_a_refused_edit_that_was_deleted_is_forgotten(plan: Plan) -> None:
    in_its_place(masked(plan), np.zeros(SHAPE, np.uint8))
    take_in_edits(plan)
    masked(plan).unlink()
    assert take_in_edits(plan) == ({}, {})


def after_dropping(plan: Plan, root: Path) -> Plan:
    """Section 1 was never one: those behind it move up."""
    return plan_of(root, [slide(1, qc={2: 3}), slide(2), slide(3)])


@WAYS
@pytest.mark.parametrize("file", [colored, masked])
def test_an_edit_stays_with_its_section_when_the_order_has_changed_since(
    plan: Plan, tmp_path: Path, save: Save, file
) -> None:
    save(file(plan), painted(file(plan)))
    fewer = after_dropping(plan, tmp_path)
    assert fewer.sections[NUMBER].key != KEY
    edits, refused = take_in_edits(fewer)
    assert (list(edits), refused) == ([KEY], {})
    np.testing.assert_array_equal(read_tiff(plan.folder.edit(KEY)), expected_of(proposal_of(3)))


@pytest.mark.parametrize("save", [through_the_link, in_its_place])
def test_a_refused_edit_goes_with_its_section_when_the_order_changes(plan: Plan, tmp_path: Path, save: Save) -> None:
    save(masked(plan), np.zeros(SHAPE, np.uint8))
    take_in_edits(plan)
    fewer = after_dropping(plan, tmp_path)
    for _ in range(2):
        _, refused = take_in_edits(fewer)
        assert list(refused) == [KEY]
        link_all(fewer)
    assert not masked(fewer, NUMBER - 1).is_symlink()
    assert masked(fewer, NUMBER).is_symlink()
    assert masked(fewer, NUMBER).resolve().stem == "slide002_S2"


def test_a_refused_edit_of_a_section_that_was_dropped_comes_back_with_it(plan: Plan, tmp_path: Path) -> None:
    in_its_place(masked(plan, 1), np.zeros(SHAPE, np.uint8))
    take_in_edits(plan)
    fewer = after_dropping(plan, tmp_path)
    link_all(fewer)
    assert take_in_edits(fewer) == ({}, {})
    assert masked(fewer, 1).is_symlink()
    link_all(plan)
    _, refused = take_in_edits(plan)
    assert list(refused) == ["slide001_S2"]


def test_edits_are_found_when_no_section_is_known_any_more(plan: Plan) -> None:
    in_its_place(masked(plan), expected_of(proposal_of(3)))
    edits, refused = take_in_edits(dataclasses.replace(plan, czi_files=()))
    assert (list(edits), refused) == ([KEY], {})


def test_a_section_in_which_nothing_was_found_takes_a_mask_by_hand(plan: Plan) -> None:
    for kind in ("proposal", "thumbnail_colored", "thumbnail_masked"):
        plan.folder.keyed(kind, KEY).unlink()
    for stage in ("MaskProposal", "Masks"):
        Stamps(plan.folder.stamps).remove(Step(stage, 0, KEY))
    link_all(plan)
    mask = expected_of(proposal_of(3))
    tifffile.imwrite(masked(plan), mask)
    assert take_in_edits(plan) == ({KEY: digest(mask)}, {})


def test_an_edit_is_seen_though_the_stage_failed_since(plan: Plan) -> None:
    """A failed stage has no stamp to compare with."""
    Stamps(plan.folder.stamps).remove(Step("Masks", 0, KEY))
    mask = expected_of(proposal_of(3))
    through_the_link(masked(plan), mask)
    assert take_in_edits(plan) == ({KEY: digest(mask)}, {})


@pytest.mark.parametrize("file", [colored, masked])
def test_a_file_whose_writer_was_killed_before_its_stamp_is_no_edit(plan: Plan, file) -> None:
    stage = "Masks" if file is masked else "MaskProposal"
    Stamps(plan.folder.stamps).remove(Step(stage, 0, KEY))
    write_tiff(file(plan).resolve(), read_tiff(file(plan)), 11)
    assert take_in_edits(plan) == ({}, {})


@WAYS
@pytest.mark.parametrize("file", [colored, masked])
def test_looking_finds_the_same_and_writes_nothing(plan: Plan, save: Save, file) -> None:
    save(file(plan), painted(file(plan)))
    save(file(plan, 0), np.zeros_like(read_tiff(file(plan, 0))))
    before = everything(plan.folder.root)
    looked = take_in_edits(plan, dry=True)
    assert everything(plan.folder.root) == before
    assert set(looked[0]) == {KEY}
    assert set(looked[1]) == {"slide001_S1"}
    assert take_in_edits(plan) == looked


# Edits stay with their section

FIRST, SECOND, THIRD = slide(1), slide(2), slide(3)
AFTER: dict[str, tuple[list[Slide], dict[str, str], int | None]] = {
    "one before it dropped": ([slide(1, dropped=(1,)), SECOND, THIRD], {}, 1),
    "one before it a gap": ([slide(1, qc={1: 2}), SECOND, THIRD], {}, 2),
    "one before it replicated": ([slide(1, replicates={2: 2}), SECOND, THIRD], {}, 4),
    "replicated itself": ([FIRST, slide(2, replicates={1: 1}), THIRD], {}, 2),
    "moved on its slide": ([FIRST, slide(2, order={1: 2, 2: 1}), THIRD], {}, 3),
    "the stack turned over": ([FIRST, SECOND, THIRD], {"side_sectioned_first": "DESC"}, 3),
    "another slide scanned again": ([FIRST, slide(1, rescan=2), SECOND, THIRD], {}, 2),
    "its slide scanned again": ([FIRST, SECOND, slide(2, rescan=2), THIRD], {}, None),
    "a gap itself": ([FIRST, slide(2, qc={1: 1}), THIRD], {}, None),
    "dropped itself": ([FIRST, slide(2, dropped=(1,)), THIRD], {}, None),
}
"""What a person decides at the same time as they edit the mask of section 2: slides, other records, and where that
section is then."""


def run(plan: Plan) -> dict[str, str]:
    """What a run does with masks. Returns the edits."""
    edits, refused = take_in_edits(plan)
    assert refused == {}
    link_all(plan)
    for key in plan.section:
        make(plan, key)
    link_all(plan)
    return edits


@WAYS
@pytest.mark.parametrize("decision", AFTER)
def test_an_edit_stays_with_its_section(plan: Plan, tmp_path: Path, save: Save, decision: str) -> None:
    mask = expected_of(proposal_of(3))
    save(masked(plan), mask)
    slides, others, number = AFTER[decision]
    after = plan_of(tmp_path, slides, **others)
    assert run(after) == {KEY: digest(mask)}

    numbers = {section.number: section.key for section in after.section.values()}
    assert number is None or numbers[number] == KEY
    is_edited = {one: np.array_equal(read_tiff(masked(after, one)), mask) for one in numbers}
    assert is_edited == {one: one == number for one in numbers}

    assert run(plan) == {KEY: digest(mask)}  # all of it taken back
    np.testing.assert_array_equal(read_tiff(masked(plan)), mask)


def test_mask_12_is_edited_and_section_3_dropped(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, [slide(1, 4), slide(2, 9)])
    run(plan)
    mask = expected_of(proposal_of(3))
    in_its_place(masked(plan, 12), mask)
    after = plan_of(tmp_path, [slide(1, 4, dropped=(4,)), slide(2, 9)])
    assert run(after) == {"slide002_S9": digest(mask)}
    np.testing.assert_array_equal(read_tiff(masked(after, 11)), mask)
    assert not masked(after, 12).is_symlink()


def test_an_edit_of_a_rescan_and_one_of_the_first_scan_are_two(plan: Plan, tmp_path: Path) -> None:
    of_first, of_second = expected_of(proposal_of(3)), expected_of(proposal_of(1))
    in_its_place(masked(plan), of_first)
    again = plan_of(tmp_path, [FIRST, SECOND, slide(2, rescan=2), THIRD])
    run(again)
    in_its_place(masked(again), of_second)
    both = {KEY: digest(of_first), "slide002_rescan2_S1": digest(of_second)}
    assert run(again) == both
    np.testing.assert_array_equal(read_tiff(masked(again)), of_second)
    back = plan_of(tmp_path, [FIRST, SECOND, slide(2, rescan=2, status="Bad"), THIRD])
    assert run(back) == both
    np.testing.assert_array_equal(read_tiff(masked(back)), of_first)


def test_an_edit_of_a_copy_and_one_of_its_section_are_two(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, [slide(1, replicates={1: 1}), slide(2)])
    run(plan)
    mask = expected_of(proposal_of(1))
    in_its_place(masked(plan, 1), mask)
    assert run(plan) == {"slide001_S1_copy1": digest(mask)}
    np.testing.assert_array_equal(read_tiff(masked(plan, 1)), mask)
    np.testing.assert_array_equal(read_tiff(masked(plan, 0)), proposal_of(1))


@pytest.mark.parametrize("decision", AFTER)
def test_an_edit_that_cannot_be_used_stays_with_its_section_too(plan: Plan, tmp_path: Path, decision: str) -> None:
    nothing = np.zeros(SHAPE, np.uint8)
    in_its_place(masked(plan), nothing)
    slides, others, number = AFTER[decision]
    after = plan_of(tmp_path, slides, **others)
    for one, there in ((after, number), (plan, NUMBER)):
        assert take_in_edits(one)[0] == {}
        link_all(one)
        own = [path for path in masked(plan).parent.iterdir() if not path.is_symlink()]
        assert own == [masked(plan).with_stem(KEY) if there is None else masked(plan, there)]


# Saved while a run makes the same file


@pytest.mark.parametrize(("file", "kind"), [(colored, "thumbnail_colored"), (masked, "thumbnail_masked")])
def test_an_edit_saved_through_the_link_during_a_run_is_kept_and_taken_in(plan: Plan, file, kind: str) -> None:
    written = read_tiff(file(plan))
    picture = painted(file(plan))
    stage = "Masks" if file is masked else "MaskProposal"
    Stamps(plan.folder.stamps).remove(Step(stage, 0, KEY))  # as before a step is made
    through_the_link(file(plan), picture)

    assert keep_if_edited(plan, kind, KEY, written) == file(plan)

    np.testing.assert_array_equal(read_tiff(file(plan)), picture)
    write_tiff(plan.folder.keyed(kind, KEY), written, 10)
    link_all(plan)
    assert take_in_edits(plan) == ({KEY: digest(expected_of(proposal_of(3)))}, {})


def test_paint_saved_again_after_the_first_was_taken_in_is_kept(plan: Plan) -> None:
    """The link leads nowhere then, and programs that write through it make the file anew."""
    picture = painted(colored(plan))
    through_the_link(colored(plan), picture)
    take_in_edits(plan)
    picture[35:40, 50:60] = 255
    through_the_link(colored(plan), picture)

    assert keep_if_edited(plan, "thumbnail_colored", KEY, np.zeros_like(picture)) == colored(plan)

    wanted = expected_of(proposal_of(3))
    wanted[35:40, 50:60] = 255
    assert take_in_edits(plan) == ({KEY: digest(wanted)}, {})


def test_a_file_that_nobody_saved_is_written_anew(plan: Plan) -> None:
    new = np.zeros(SHAPE, np.uint8)
    assert keep_if_edited(plan, "thumbnail_masked", KEY, new) is None
    plan.folder.keyed("thumbnail_masked", KEY).unlink()
    assert keep_if_edited(plan, "thumbnail_masked", KEY, new) is None


def test_what_a_stage_wrote_before_it_was_tried_again_is_no_edit(plan: Plan) -> None:
    write_tiff(plan.folder.keyed("thumbnail_masked", KEY), expected_of(proposal_of(3)), 10)
    assert keep_if_edited(plan, "thumbnail_masked", KEY, expected_of(proposal_of(3))) is None
    assert masked(plan).is_symlink()


def test_a_file_in_place_of_the_link_is_not_replaced_by_one_saved_through_it_before(plan: Plan) -> None:
    through_the_link(masked(plan), np.full(SHAPE, 255, np.uint8))
    later = expected_of(proposal_of(3))
    in_its_place(masked(plan), later)
    assert keep_if_edited(plan, "thumbnail_masked", KEY, proposal_of(3)) is None
    np.testing.assert_array_equal(read_tiff(masked(plan)), later)


def test_a_section_that_had_no_place_for_a_while_has_no_edit_by_that(plan: Plan, tmp_path: Path) -> None:
    fewer = plan_of(tmp_path, [slide(1), slide(2, qc={1: 3}), slide(3)])
    link_all(fewer)
    take_in_edits(fewer)
    link_all(plan)
    assert keep_if_edited(plan, "thumbnail_masked", KEY, np.zeros(SHAPE, np.uint8)) is None


def test_paint_on_a_picture_of_an_earlier_mask_is_taken_in(plan: Plan) -> None:
    picture = painted(colored(plan))
    in_its_place(masked(plan), np.roll(proposal_of(3), 3, axis=0))
    take_in_edits(plan)
    make(plan, KEY)
    link_all(plan)
    in_its_place(colored(plan), picture)
    wanted = expected_of(np.roll(proposal_of(3), 3, axis=0))
    assert take_in_edits(plan) == ({KEY: digest(wanted)}, {})


# Masks in the folder of edits


def put(plan: Plan, image: np.ndarray, **how: object) -> Path:
    path = plan.folder.edit(KEY)
    path.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(path, image, **how)
    return path


def test_an_edit_with_soft_edges_is_cut_at_one_half(plan: Plan) -> None:
    hard = proposal_of(3)
    put(plan, np.where(hard > 0, hard, np.where(np.roll(hard, 1, axis=0) > 0, 60, 0)).astype(np.uint8))
    np.testing.assert_array_equal(edited_mask(plan, KEY), hard)
    assert take_in_edits(plan) == ({KEY: digest(hard)}, {})


UNUSABLE = {
    "in colour": lambda path: tifffile.imwrite(path, np.full((*SHAPE, 3), (255, 0, 0), np.uint8), photometric="rgb"),
    "its section is 40 x 60": lambda path: tifffile.imwrite(path, np.full((33, 60), 255, np.uint8)),
    "is no whole TIFF": lambda path: path.write_bytes(b"II*"),
}


@pytest.mark.parametrize("words", UNUSABLE)
def test_an_edit_that_cannot_be_used_stops_no_other_and_is_not_forgotten(plan: Plan, words: str) -> None:
    path = put(plan, proposal_of(3))
    good = take_in_edits(plan)[0]
    other = plan.folder.edit("slide003_S1")
    write_tiff(other, proposal_of(5), 10)
    UNUSABLE[words](path)
    before = path.read_bytes()
    for dry in (True, False):
        edits, refused = take_in_edits(plan, dry=dry)
        assert edits["slide003_S1"] == digest(proposal_of(5))
        assert edits[KEY] != good[KEY]
        assert refused == {}
    with pytest.raises(BrainstackError, match=words) as error:
        edited_mask(plan, KEY)
    assert str(path) in str(error.value)
    assert path.read_bytes() == before


def test_an_edit_made_at_another_thumbnail_factor_is_brought_to_the_size_of_now(plan: Plan) -> None:
    put(plan, proposal_of(3))
    coarser = dataclasses.replace(plan, settings=settings_with(tifs={"thumbnail_factor": 5}))
    np.testing.assert_array_equal(edited_mask(coarser, KEY), proposal_of(3)[2::5, 2::5])


# Files that are no section's


def test_files_saved_under_other_names_are_named(plan: Plan) -> None:
    assert passed_over(plan) == []
    for name in ("002.png", "002 copy.tif", "999.tif"):
        masked(plan).with_name(name).write_bytes(b"x")
    for name in (".DS_Store", "002.tif~", "slide007_S1.tif"):
        masked(plan).with_name(name).write_bytes(b"x")
    in_its_place(colored(plan), painted(colored(plan)))
    (line,) = passed_over(plan)
    assert "002 copy.tif, 002.png, 999.tif;" in line
    assert str(masked(plan).parent) in line
