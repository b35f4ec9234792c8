from __future__ import annotations

import dataclasses
import errno
import os
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from by_hand import plan_of, slide
from masked import SHAPE, make_mask, proposal_of

from brainstack import edits
from brainstack.edits import EditedMeanwhileError, planned_mask, take_in_edits
from brainstack.errors import BrainstackError
from brainstack.files import whole
from brainstack.files.tiff import read_tiff
from brainstack.links import link_all
from brainstack.locking import editing
from brainstack.masking import (
    MaskChangedError,
    back_to_proposal,
    export_mask,
    mask_states,
    read_note,
    saved_mask,
    set_mask,
)
from brainstack.plan import Plan
from brainstack.said import MaskApproval
from brainstack.stamps import digest

KEY, NUMBER = "slide001_S2", 1
PROPOSAL = proposal_of(NUMBER)


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    plan = plan_of(tmp_path, [slide(1)])
    for place, key in enumerate(plan.section):
        make_mask(plan, key, place)
    link_all(plan)
    assert take_in_edits(plan) == ({}, {})
    return plan


def painted(row: int = 0) -> np.ndarray:
    mask = PROPOSAL.copy()
    mask[row, :5] = 255
    return mask


def taken_in(plan: Plan) -> Plan:
    found, refused = take_in_edits(plan)
    return dataclasses.replace(plan, edits=found, refused=refused)


def test_a_mask_that_is_set_is_taken_in_as_one_that_was_painted_in_a_file(plan: Plan) -> None:
    version = set_mask(plan, KEY, painted(), person="anna", based_on=digest(PROPOSAL))
    assert version == digest(painted())
    assert take_in_edits(plan) == ({KEY: version}, {})
    np.testing.assert_array_equal(read_tiff(plan.folder.keyed("proposal", KEY)), PROPOSAL)
    assert not plan.folder.keyed("thumbnail_colored", KEY).exists(), "it shows the mask before"
    assert plan.folder.keyed("thumbnail_masked", KEY).exists()


def test_who_made_a_mask_and_when_is_known(plan: Plan) -> None:
    version = set_mask(plan, KEY, painted(), person="anna")
    note = read_note(plan, KEY, version)
    assert note is not None
    assert (note.person, note.mask) == ("anna", version)
    assert str(note).startswith("anna, 20")
    assert read_note(plan, "slide001_S1", digest(proposal_of(0))) is None


def test_a_mask_that_is_based_on_another_one_overwrites_nothing(plan: Plan) -> None:
    set_mask(plan, KEY, painted(1), person="anna", based_on=digest(PROPOSAL))
    with pytest.raises(MaskChangedError, match=r"section 1 was changed meanwhile \(anna, 20.*nothing was overwritten"):
        set_mask(plan, KEY, painted(2), person="ben", based_on=digest(PROPOSAL))
    np.testing.assert_array_equal(saved_mask(plan, KEY).mask, painted(1))
    set_mask(plan, KEY, painted(2), person="ben", based_on=digest(painted(1)))
    np.testing.assert_array_equal(saved_mask(plan, KEY).mask, painted(2))


def test_a_mask_that_is_sent_twice_is_no_conflict(plan: Plan) -> None:
    first = set_mask(plan, KEY, painted(), person="anna", based_on=digest(PROPOSAL))
    assert set_mask(plan, KEY, painted(), person="anna", based_on=digest(PROPOSAL)) == first


def test_of_many_who_save_at_once_one_wins_and_the_others_are_told(plan: Plan) -> None:
    """Each is based on the same mask; whoever is first makes it another one."""
    told, saved = [], []
    barrier = threading.Barrier(6)

    def save(row: int) -> None:
        barrier.wait()
        try:
            saved.append(set_mask(plan, KEY, painted(row), person=f"p{row}", based_on=digest(PROPOSAL)))
        except MaskChangedError as error:
            told.append(str(error))

    threads = [threading.Thread(target=save, args=(row,)) for row in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert (len(saved), len(told)) == (1, 5)
    assert saved_mask(plan, KEY).version == saved[0]


def test_back_to_the_proposal_takes_away_what_was_made(plan: Plan) -> None:
    version = set_mask(plan, KEY, painted(), person="anna")
    with pytest.raises(MaskChangedError):
        back_to_proposal(plan, KEY, based_on=digest(PROPOSAL))
    assert back_to_proposal(plan, KEY, based_on=version) == digest(PROPOSAL)
    assert take_in_edits(plan) == ({}, {})
    with pytest.raises(BrainstackError, match="is the proposal; nothing changed"):
        back_to_proposal(plan, KEY)


def test_the_mask_in_force_is_no_edit_when_it_is_set_again(plan: Plan) -> None:
    assert set_mask(plan, KEY, PROPOSAL, person="anna") == digest(PROPOSAL)
    assert take_in_edits(plan) == ({}, {})


BAD = {
    "of another size": (np.full((40, 61), 255, np.uint8), r"40 x 61 pixels.*its section is 40 x 60"),
    "all black": (np.zeros(SHAPE, np.uint8), "is all black"),
    "a picture": (np.tile(np.arange(60, dtype=np.uint8) * 4, (40, 1)), "grey pixels"),
    "in colour": (np.dstack([PROPOSAL, PROPOSAL, PROPOSAL // 2]), "is in colour"),
    "of numbers with a point": (PROPOSAL.astype(float), "float64, wanted 8 bit"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_a_mask_is_refused_and_what_was_there_stays(plan: Plan, name: str) -> None:
    image, words = BAD[name]
    with pytest.raises(BrainstackError, match=words):
        set_mask(plan, KEY, image, person="anna")
    assert take_in_edits(plan) == ({}, {})


@pytest.mark.parametrize("count", [1, 3])
def test_a_mask_of_a_pixel_or_three_is_refused_also_in_a_file(plan: Plan, count: int) -> None:
    tiny = np.zeros(SHAPE, np.uint8)
    tiny[20, 20 : 20 + count] = 255
    with pytest.raises(BrainstackError, match=f"section 1 has {count} pixels? of tissue, wanted 4 at least"):
        set_mask(plan, KEY, tiny, person="anna")
    tifffile.imwrite(plan.folder.numbered("thumbnail_masked", NUMBER).resolve(), tiny)
    found, refused = take_in_edits(plan)
    assert not found
    assert f"{count} pixel" in refused[KEY]


def test_the_disk_full_leaves_the_mask_before(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    before = set_mask(plan, KEY, painted(1), person="anna")

    def full(path: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(whole, "flush", full)
    with pytest.raises(OSError, match="No space left"):
        set_mask(plan, KEY, painted(2), person="ben", based_on=before)
    monkeypatch.undo()
    assert saved_mask(plan, KEY).version == before
    assert [path.name for path in plan.folder.edit(KEY).parent.iterdir() if path.name.startswith(".")] == []


# Beside people who save files, and runs


def test_a_mask_that_was_saved_as_a_file_is_the_one_that_is_painted_on(plan: Plan) -> None:
    """It waits for the next run; what is painted on the page comes on top of it, and takes nothing away."""
    in_file = painted(3)
    tifffile.imwrite(plan.folder.numbered("thumbnail_masked", NUMBER).resolve(), in_file)
    saved = saved_mask(plan, KEY)
    np.testing.assert_array_equal(saved.mask, in_file)
    with pytest.raises(MaskChangedError, match="somebody who saved it as a file"):
        set_mask(plan, KEY, painted(1), person="anna", based_on=digest(PROPOSAL))
    both = np.maximum(in_file, painted(1))
    version = set_mask(plan, KEY, both, person="anna", based_on=saved.version)
    assert take_in_edits(plan) == ({KEY: version}, {})


def test_a_file_that_cannot_be_used_is_put_aside_by_a_mask_that_can(plan: Plan) -> None:
    place = plan.folder.numbered("thumbnail_masked", NUMBER)
    place.unlink()
    tifffile.imwrite(place, np.zeros((3, 4), np.uint8))
    saved = saved_mask(plan, KEY)
    assert "3 x 4" in saved.refused
    np.testing.assert_array_equal(saved.mask, PROPOSAL)
    (state,) = [one for one in mask_states(taken_in(plan), {}) if one.section.key == KEY]
    assert state.word == "refused"
    version = set_mask(plan, KEY, painted(), person="anna", based_on=saved.version)
    assert take_in_edits(plan) == ({KEY: version}, {})
    assert tifffile.imread(place.with_name(f"{place.name}~")).shape == (3, 4)


def test_a_run_that_takes_edits_in_waits_while_a_mask_is_kept(plan: Plan) -> None:
    done = threading.Event()

    def take_in() -> None:
        take_in_edits(plan)
        done.set()

    with editing(plan.folder):
        thread = threading.Thread(target=take_in)
        thread.start()
        assert not done.wait(0.3)
    thread.join()
    assert done.is_set()


def test_a_run_does_not_make_a_mask_that_was_edited_since_it_looked(plan: Plan) -> None:
    """Its stamp would speak of the mask that was there then."""
    set_mask(plan, KEY, painted(1), person="anna")
    planned = taken_in(plan)
    np.testing.assert_array_equal(planned_mask(planned, KEY), painted(1))
    set_mask(plan, KEY, painted(2), person="anna")
    with pytest.raises(EditedMeanwhileError, match="was edited during this run"):
        planned_mask(planned, KEY)
    back_to_proposal(plan, KEY)
    with pytest.raises(EditedMeanwhileError):
        planned_mask(planned, KEY)


def test_a_kept_edit_is_read_once_and_again_when_it_changes(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    first = set_mask(plan, KEY, painted(1), person="anna")
    assert take_in_edits(plan, dry=True)[0] == {KEY: first}

    def never(*_: object) -> None:
        raise AssertionError("it was read again")

    with monkeypatch.context() as patched:
        patched.setattr(edits, "edited_mask", never)
        assert take_in_edits(plan, dry=True)[0] == {KEY: first}
    second = set_mask(plan, KEY, painted(2), person="anna")
    assert take_in_edits(plan, dry=True)[0] == {KEY: second}


# Looking


def test_what_there_is_to_say_of_each_mask(plan: Plan) -> None:
    approval = MaskApproval(digest(PROPOSAL), "anna", "2026-01-02T03:04:05+00:00")
    (first, second) = mask_states(plan, {KEY: approval})
    assert (first.word, first.approved, first.approved_before) == ("proposal", None, None)
    assert (second.word, second.approved, second.approved_before) == ("approved", approval, None)
    set_mask(plan, KEY, painted(), person="ben")
    (_, second) = mask_states(taken_in(plan), {KEY: approval})
    assert (second.word, second.approved, second.approved_before) == ("edited", None, approval)


def test_a_section_without_a_proposal_has_no_mask_and_can_be_given_one(plan: Plan) -> None:
    plan.folder.keyed("proposal", KEY).unlink()
    assert saved_mask(plan, KEY).version == ""
    with pytest.raises(BrainstackError, match="has no mask yet; run it first"):
        export_mask(plan, KEY, plan.folder.root / "mask.tif")
    assert set_mask(plan, KEY, painted(), person="anna", based_on="") == digest(painted())


def test_a_mask_that_is_taken_out_can_be_set_again(plan: Plan, tmp_path: Path) -> None:
    set_mask(plan, KEY, painted(), person="anna")
    export_mask(plan, KEY, tmp_path / "mask.tif")
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "mask.tif"), painted())
    export_mask(plan, KEY, tmp_path / "mask.png")
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "mask.png"), cv2.IMREAD_UNCHANGED), painted())
    with pytest.raises(BrainstackError, match=r"does not end in \.tif or \.png"):
        export_mask(plan, KEY, tmp_path / "mask.jpg")
