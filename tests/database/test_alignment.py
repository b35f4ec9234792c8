from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from brainstack.database import open_database
from brainstack.database.engine import engine_for
from brainstack.errors import BrainstackError
from brainstack.records import AlignmentEdit, Animal, Histology, PairTransform, ScanRun, SectionAlignment

PAIR = PairTransform("slide001_S1", "slide001_S2", 0.01, -12.5, 3.25, 0.93)
JUDGED = replace(PAIR, mirrored=True, metric_before=0.2, overlap=0.98, residual_um=4.5, verdict="doubtful")
GOOD = SectionAlignment("slide001_S1", 0.1, 20.0, -30.0, False, 0.9, 0.3, 0.97, 2.5, "good")
ALONE = SectionAlignment(
    "slide001_S2", -3.1, 0.0, 0.5, True, None, None, None, None, "failed", "No pair of it fits.", by_hand=True
)
PLACE = AlignmentEdit("place", "slide001_S1", "", 0.5, -100.0, 20.0, True, "anna", "2024-05-01T10:00:00+00:00")
PAIR_OUT = AlignmentEdit("leave_out", "slide001_S2", "slide001_S1", person="bo", at="2024-05-02T10:00:00+00:00")


# Pairs


def test_pairs_come_back_as_they_were_and_once_only(url: str) -> None:
    other = PairTransform("slide001_S2", "slide002_S1", math.pi / 3, 1e-9, 1e5, 1 / 3)
    for _ in range(2):
        with open_database(url) as database:
            database.take_in_pairs("DK39", [PAIR, other])
    with open_database(url) as database:
        assert database.pairs("DK39") == [PAIR, other]


def test_a_pair_registered_anew_replaces_the_one_before_and_others_stay(url: str) -> None:
    bridging = replace(PAIR, moving="slide002_S1")
    mended = replace(PAIR, rotation_rad=-0.2)
    with open_database(url) as database:
        database.take_in_pairs("DK39", [PAIR])
        assert database.pairs("DK39") == [PAIR]
        database.take_in_pairs("DK39", [mended, bridging])
        assert database.pairs("DK39") == [mended, bridging]


@pytest.mark.parametrize(
    "name", ["rotation_rad", "shift_x_um", "shift_y_um", "metric", "metric_before", "overlap", "residual_um"]
)
def test_a_transform_that_is_not_a_number_is_refused(url: str, name: str) -> None:
    with pytest.raises(BrainstackError, match="of slide001_S2 on slide001_S1 is nan"), open_database(url) as database:
        database.take_in_pairs("DK39", [replace(PAIR, **{name: math.nan})])


def test_what_is_measured_of_a_pair_comes_back_and_is_gone_with_the_next_registration(url: str) -> None:
    with open_database(url) as database:
        database.take_in_pairs("DK39", [JUDGED])
    with open_database(url) as database:
        assert database.pairs("DK39") == [JUDGED]
        database.take_in_pairs("DK39", [PAIR])
        assert database.pairs("DK39") == [PAIR]


def test_a_verdict_that_the_code_does_not_know_is_refused(url: str) -> None:
    with pytest.raises(BrainstackError, match="slide001_S2 on slide001_S1 is 'fine'"), open_database(url) as database:
        database.take_in_pairs("DK39", [replace(PAIR, verdict="fine")])
    with pytest.raises(BrainstackError, match="the verdict on slide001_S1 is 'bad'"), open_database(url) as database:
        database.take_in_sections("DK39", [replace(GOOD, verdict="bad")])


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO elastix_transformation (prep_id, section, fixed, rotation, xshift, yshift, metric, verdict) "
        "VALUES ('DK39', 'a', 'b', 0, 0, 0, 0, 'fine')",
        "INSERT INTO section_alignment (prep_id, section, rotation, xshift, yshift, verdict, reason) "
        "VALUES ('DK39', 'a', 0, 0, 0, 'fine', '')",
        "INSERT INTO alignment_edit (prep_id, section, kind) VALUES ('DK39', 'a', 'push')",
    ],
)
def test_the_tables_refuse_words_that_the_code_does_not_know(url: str, statement: str) -> None:
    with pytest.raises(IntegrityError), engine_for(url) as engine, engine.begin() as connection:
        connection.execute(text(statement))


# Sections in the aligned stack


def test_sections_come_back_as_they_were_by_their_keys(url: str) -> None:
    with open_database(url) as database:
        database.take_in_sections("DK39", [ALONE, GOOD])
    with open_database(url) as database:
        assert database.sections_aligned("DK39") == [GOOD, ALONE]


def test_a_section_that_is_not_among_those_taken_in_has_no_place_any_more(url: str) -> None:
    moved = replace(GOOD, rotation_rad=0.2)
    with open_database(url) as database:
        database.take_in_sections("DK39", [ALONE, GOOD])
    with open_database(url) as database:
        database.take_in_sections("DK39", [moved])
        assert database.sections_aligned("DK39") == [moved]
        database.take_in_sections("DK39", [])
        assert database.sections_aligned("DK39") == []


def test_the_sections_of_another_animal_stay(url: str) -> None:
    with open_database(url) as database:
        database.add_animal(Animal("DK40"), Histology("DK40"), ScanRun("DK40", "/scans"))
        database.take_in_sections("DK40", [GOOD])
        database.add_alignment_edit("DK40", PLACE)
        database.take_in_sections("DK39", [ALONE])
        assert database.release_alignment_edit("DK39", "slide001_S1") == 0
    with open_database(url) as database:
        assert database.sections_aligned("DK40") == [GOOD]
        assert database.alignment_edits("DK40") == [PLACE]


@pytest.mark.parametrize("name", ["rotation_rad", "shift_y_um", "metric", "metric_before", "overlap", "residual_um"])
def test_a_place_that_is_not_a_number_is_refused_and_the_one_before_stays(url: str, name: str) -> None:
    with open_database(url) as database:
        database.take_in_sections("DK39", [GOOD])
    said = "DK39: the .* of slide001_S2 is inf; wanted a finite number"
    with pytest.raises(BrainstackError, match=said), open_database(url) as database:
        database.take_in_sections("DK39", [replace(ALONE, **{name: math.inf})])
    with open_database(url) as database:
        assert database.sections_aligned("DK39") == [GOOD]


def test_numbers_of_numpy_are_taken_in_as_numbers_here_too(url: str) -> None:
    found = replace(GOOD, metric=np.float32(0.5), mirrored=np.bool_(True), rotation_rad=np.float64(0.25))
    with open_database(url) as database:
        database.take_in_sections("DK39", [found])
    with open_database(url) as database:
        assert database.sections_aligned("DK39") == [replace(GOOD, metric=0.5, mirrored=True, rotation_rad=0.25)]


# What people said


def test_edits_come_back_in_the_order_in_which_they_were_made_and_with_the_animal(url: str) -> None:
    with open_database(url) as database:
        database.add_alignment_edit("DK39", PAIR_OUT)
        database.add_alignment_edit("DK39", PLACE)
    with open_database(url) as database:
        assert database.alignment_edits("DK39") == [PAIR_OUT, PLACE]
        assert database.animal_records("DK39").alignment_edits == (PAIR_OUT, PLACE)


@pytest.mark.parametrize("kind", ["place", "anchor", "follow"])
def test_what_is_said_of_a_section_replaces_what_was_said_before(url: str, kind: str) -> None:
    after = AlignmentEdit(kind, PLACE.section, "slide001_S2", person="bo", at="2024-05-03T10:00:00+00:00")
    with open_database(url) as database:
        for edit in (PLACE, PAIR_OUT, replace(PLACE, section="slide001_S2"), after):
            database.add_alignment_edit("DK39", edit)
    with open_database(url) as database:
        assert database.alignment_edits("DK39") == [PAIR_OUT, replace(PLACE, section="slide001_S2"), after]


def test_a_pair_is_left_out_once_and_others_stay_left_out(url: str) -> None:
    another, again = replace(PAIR_OUT, section="slide002_S1"), replace(PAIR_OUT, person="cy")
    with open_database(url) as database:
        for edit in (PAIR_OUT, another, again):
            database.add_alignment_edit("DK39", edit)
    with open_database(url) as database:
        assert database.alignment_edits("DK39") == [another, again]


def test_what_was_taken_back_is_no_longer_in_force(url: str) -> None:
    with open_database(url) as database:
        database.add_alignment_edit("DK39", PLACE)
        database.add_alignment_edit("DK39", PAIR_OUT)
    with open_database(url) as database:
        assert database.release_alignment_edit("DK39", "slide001_S2") == 0, "it is only one of a pair"
        assert database.release_alignment_edit("DK39", "slide001_S1", person="bo") == 1
        assert database.release_alignment_edit("DK39", "slide001_S1") == 0
    with open_database(url) as database:
        assert database.alignment_edits("DK39") == [PAIR_OUT]


@pytest.mark.parametrize("names", [("slide001_S1", "slide001_S2"), ("slide001_S2", "slide001_S1")])
def test_a_pair_is_taken_back_by_its_two_sections_in_either_order(url: str, names: tuple[str, str]) -> None:
    with open_database(url) as database:
        database.add_alignment_edit("DK39", PLACE)
        database.add_alignment_edit("DK39", PAIR_OUT)
    with open_database(url) as database:
        assert database.release_alignment_edit("DK39", *names) == 1
        assert database.alignment_edits("DK39") == [PLACE]


def test_what_was_replaced_or_taken_back_is_kept_with_who_and_when(url: str) -> None:
    with open_database(url) as database:
        database.add_alignment_edit("DK39", PLACE)
        database.add_alignment_edit("DK39", replace(PLACE, person="bo", at="2024-05-04T10:00:00+00:00"))
        database.release_alignment_edit("DK39", "slide001_S1", person="cy")
    query = text("SELECT person, active, released_by, released FROM alignment_edit ORDER BY id")
    with engine_for(url) as engine, engine.connect() as connection:
        rows = connection.execute(query).all()
    assert [tuple(row[:3]) for row in rows] == [("anna", 0, "bo"), ("bo", 0, "cy")]
    assert str(rows[0][3]).startswith("2024-05-04 10:00:00")
    assert rows[1][3] > rows[0][3]


def test_an_edit_that_does_not_say_when_is_of_now_and_others_are_kept_in_utc(url: str) -> None:
    with open_database(url) as database:
        database.add_alignment_edit("DK39", replace(PLACE, at=""))
        database.add_alignment_edit("DK39", replace(PAIR_OUT, at="2024-05-02T12:00:00.75+02:00"))
    with open_database(url) as database:
        now, then = database.alignment_edits("DK39")
    assert now.at > "2024-06"
    assert then.at == PAIR_OUT.at


def test_an_edit_that_cannot_be_is_refused_and_the_one_before_stays(url: str) -> None:
    with open_database(url) as database:
        database.add_alignment_edit("DK39", PLACE)
    for wrong, said in (
        (replace(PLACE, shift_x_um=math.nan), "the xshift of slide001_S1 is nan; wanted a finite number"),
        (replace(PLACE, kind="push"), "kind is 'push'; wanted one of place, anchor, follow, leave_out"),
    ):
        with pytest.raises(BrainstackError, match=said), open_database(url) as database:
            database.add_alignment_edit("DK39", wrong)
    with open_database(url) as database:
        assert database.alignment_edits("DK39") == [PLACE]


def test_the_alignment_of_an_animal_that_is_not_there(url: str) -> None:
    with open_database(url) as database:
        for ask in (database.sections_aligned, database.alignment_edits):
            with pytest.raises(BrainstackError, match="no animal 'DK93'"):
                ask("DK93")
        with pytest.raises(BrainstackError, match="no animal 'DK93'"):
            database.add_alignment_edit("DK93", PLACE)
        with pytest.raises(BrainstackError, match="no animal 'DK93'"):
            database.release_alignment_edit("DK93", "slide001_S1")
        with pytest.raises(BrainstackError, match="no animal 'DK93'"):
            database.take_in_sections("DK93", [])
