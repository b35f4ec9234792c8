from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from brainstack.database import open_database, run_in_transaction
from brainstack.errors import BrainstackError
from brainstack.records import Slide, SlideScan
from brainstack.said import Decided, Decision

ScanOf = Callable[..., SlideScan]


@pytest.fixture
def with_slides(url: str, scan_of: ScanOf) -> str:
    """DK39 with a slide of eight scenes, and one that was scanned twice."""
    scans = (("a.czi", 1, 1, 8), ("b.czi", 2, 1, 2), ("b_rescan2.czi", 2, 2, 3))
    with open_database(url) as database:
        for name, number, rescan, scenes in scans:
            scan = scan_of(name, scenes=scenes)
            database.take_in_slide("DK39", scan, slide_number=number, rescan=rescan, file_size=1)
    return url


def decide(url: str, *decisions: Decision, **more: str) -> list[Decided]:
    return run_in_transaction(url, lambda database: database.decide("DK39", decisions, **more))


def undo(url: str, **which: Any) -> list[Decided]:
    return run_in_transaction(url, lambda database: database.undo("DK39", **which))


def slides_in(url: str) -> tuple[Slide, ...]:
    with open_database(url) as database:
        return database.animal_records("DK39").slides


def everything(url: str) -> Any:
    with open_database(url) as database:
        return database.animal_records("DK39")


EACH = [
    Decision("side_sectioned_first", "DESC"),
    Decision("section_thickness_um", "25.5"),
    Decision("orientation", "coronal"),
    Decision("rotation", "3"),
    Decision("flip", "flop"),
    Decision("pixel_size_um", "0.5"),
    Decision("status", "Bad", 1),
    Decision("rescan_use", "adds", 2, rescan=2),
    Decision("scene_order", "2,1,3,4,5,6,7,8", 1),
    Decision("verdict", "bad", 1, 2),
    Decision("verdict", "out of focus", 1, 8),
    Decision("verdict", "end", 1, 7),
    Decision("verdict", "dropped", 1, 1),
    Decision("replicates", "2", 1, 3),
    Decision("replicates", "2", 1, 7),
    Decision("moved_after", "slide002_S1", 1, 3),
    Decision("moved_after", "first", 2, 1, rescan=1),
    Decision("turns", "1 flop", 1, 7),
]


@pytest.mark.parametrize("decision", EACH, ids=lambda one: f"{one.what} {one.value}")
def test_what_was_decided_is_done_kept_and_can_be_undone(with_slides: str, decision: Decision) -> None:
    before = everything(with_slides)
    (kept,) = decide(with_slides, decision, person="Zoë", reason="it's 😀; DROP TABLE slide")
    assert (kept.what, kept.new) == (decision.what, decision.value)
    assert (kept.slide, kept.scene) == (decision.slide, decision.scene)
    assert (kept.person, kept.reason) == ("Zoë", "it's 😀; DROP TABLE slide")
    assert everything(with_slides) != before
    (taken_back,) = undo(with_slides, person="Ana")
    assert everything(with_slides) == before
    assert (taken_back.number, taken_back.undone_by) == (kept.number, "Ana")
    with open_database(with_slides) as database:
        assert database.decided("DK39") == [taken_back]


def test_what_is_so_already_is_no_decision(with_slides: str) -> None:
    assert decide(with_slides, Decision("status", "Good", 1), Decision("verdict", "good", 1, 1)) == []


def test_a_dropped_scene_that_is_kept_is_good_and_comes_back_as_dropped(with_slides: str) -> None:
    decide(with_slides, Decision("verdict", "dropped", 1, 1))
    (kept,) = decide(with_slides, Decision("verdict", "kept", 1, 1))
    assert (kept.old, kept.new) == ("dropped", "good")
    undo(with_slides)
    assert [scene.number for scene in slides_in(with_slides)[0].scenes] == [2, 3, 4, 5, 6, 7, 8]


def test_what_one_command_decided_is_undone_together(with_slides: str) -> None:
    decide(with_slides, Decision("status", "Bad", 2, rescan=1))
    before = everything(with_slides)
    made = decide(with_slides, Decision("verdict", "bad", 1, 2), Decision("replicates", "1", 1, 2))
    assert {one.command for one in made} == {made[0].number}
    assert [one.what for one in undo(with_slides)] == ["replicates", "verdict"]
    assert everything(with_slides) == before


def test_the_last_decision_of_a_slide_or_scene_is_undone_and_then_the_one_before(with_slides: str) -> None:
    decide(with_slides, Decision("verdict", "bad", 1, 2))
    decide(with_slides, Decision("verdict", "bad", 1, 3))
    decide(with_slides, Decision("status", "Bad", 2, rescan=1))
    assert [one.scene for one in undo(with_slides, slide=1, scene=2)] == [2]
    assert [one.scene for one in undo(with_slides, slide=1)] == [3]
    with pytest.raises(BrainstackError, match="nothing was decided of slide 1 that could be undone"):
        undo(with_slides, slide=1)


def test_a_decision_is_undone_by_its_number_once(with_slides: str) -> None:
    (first,) = decide(with_slides, Decision("verdict", "bad", 1, 2))
    decide(with_slides, Decision("verdict", "bad", 1, 3))
    undo(with_slides, number=first.number, person="Ana")
    assert [scene.qc for scene in slides_in(with_slides)[0].scenes[:3]] == [0, 0, 2]
    with pytest.raises(BrainstackError, match="undone already, by Ana"):
        undo(with_slides, number=first.number)
    with pytest.raises(BrainstackError, match="has no decision 999"):
        undo(with_slides, number=999)


def test_what_was_changed_again_since_is_not_undone_under_it(with_slides: str) -> None:
    (first,) = decide(with_slides, Decision("verdict", "bad", 1, 2))
    decide(with_slides, Decision("verdict", "out of focus", 1, 2))
    before = everything(with_slides)
    with pytest.raises(BrainstackError, match=r"'bad', but it is 'out of focus' now.*undo that first"):
        undo(with_slides, number=first.number)
    assert everything(with_slides) == before


def test_what_somebody_said_again_for_a_reason_of_their_own_is_not_undone_under_it(with_slides: str) -> None:
    (mine,) = decide(with_slides, Decision("verdict", "bad", 1, 2), person="anna")
    (theirs,) = decide(with_slides, Decision("verdict", "bad", 1, 2), person="boris", reason="torn")
    with pytest.raises(BrainstackError, match=f"boris said so again since, in decision {theirs.number}; undo that"):
        undo(with_slides, number=mine.number)
    undo(with_slides, number=theirs.number)
    undo(with_slides, number=mine.number)


def test_a_pixel_size_that_the_scan_gave_comes_back_as_not_given(with_slides: str) -> None:
    (kept,) = decide(with_slides, Decision("pixel_size_um", "0.5"))
    assert kept.old == "0.325 as scanned"
    undo(with_slides)
    scan_run = everything(with_slides).scan_run
    assert (scan_run.resolution_um, scan_run.resolution_given) == (0.325, False)


@pytest.mark.parametrize(
    ("decision", "says"),
    [
        (Decision("verdict", "awful", 1, 1), "wanted one of good, out of focus, bad, end"),
        (Decision("verdict", "bad", 1, 9), "8 scenes, but not scene 9"),
        (Decision("verdict", "bad", 3, 1), "no slide 3"),
        (Decision("status", "Bad", 2), "say which one is meant with --rescan"),
        (Decision("rescan_use", "adds", 1), "the first scan of slide 1"),
        (Decision("orientation", "diagonal"), "orientation is 'diagonal'"),
        (Decision("mood", "good"), "nothing that can be decided"),
    ],
    ids=lambda one: f"{one.what} {one.value}" if isinstance(one, Decision) else "",
)
def test_a_decision_that_cannot_be_changes_nothing(with_slides: str, decision: Decision, says: str) -> None:
    before = everything(with_slides)
    with pytest.raises(BrainstackError, match=says):
        decide(with_slides, Decision("side_sectioned_first", "DESC"), decision)
    assert everything(with_slides) == before
    with open_database(with_slides) as database:
        assert database.decided("DK39") == []


def test_decisions_stay_when_a_slide_is_read_again(with_slides: str, scan_of: ScanOf) -> None:
    decide(with_slides, Decision("rescan_use", "adds", 2, rescan=2), Decision("moved_after", "first", 2, 3, 2))
    before = everything(with_slides)
    with open_database(with_slides) as database:
        scan = scan_of("b_rescan2.czi", scenes=3)
        database.take_in_slide("DK39", scan, slide_number=2, rescan=2, file_size=1)
    assert everything(with_slides) == before


def test_the_history_is_of_one_slide_where_it_is_asked_for(with_slides: str) -> None:
    decide(with_slides, Decision("rotation", "1"), Decision("status", "Bad", 1))
    with open_database(with_slides) as database:
        assert [one.what for one in database.decided("DK39", 1)] == ["status"]
        assert [one.what for one in database.decided("DK39")] == ["rotation", "status"]


def test_what_is_said_of_an_animal_adds_the_rows_that_another_program_left_out(url: str) -> None:
    with open_database(url) as database:
        for table in ("histology", "scan_run"):
            database._session.execute(text(f"DELETE FROM {table}"))
    said = [
        Decision("side_sectioned_first", "ASC"),
        Decision("section_thickness_um", "30.0"),
        Decision("rotation", "0"),
        Decision("flip", "flop"),
    ]
    changed = decide(url, *said)
    assert [(one.what, one.old, one.new) for one in changed] == [
        ("side_sectioned_first", "", "ASC"),
        ("section_thickness_um", "20.0", "30.0"),
        ("rotation", "", "0"),
        ("flip", "none", "flop"),
    ]
    records = everything(url)
    assert (records.histology.side_sectioned_first, records.histology.section_thickness_um) == ("ASC", 30.0)
    assert (records.scan_run.rotation, records.scan_run.flip) == (0, "flop")
