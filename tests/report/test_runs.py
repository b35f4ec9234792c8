"""What logs tell of runs."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from pathlib import Path

import pytest
from by_hand import plan_of, slide

from brainstack.last_run import DONE, FAILED, KILLED, RUNNING, STOPPED, WAITING, LastRun, note_begun
from brainstack.locking import locked
from brainstack.planning import progress_of
from brainstack.records import Ran
from brainstack.report.packages import packages_from_words, packages_here, packages_in_words
from brainstack.report.pictures import PictureBox
from brainstack.report.processing import processing_chapter
from brainstack.report.runs import runs_of
from brainstack.report.source import Source
from brainstack.report.summary import how_it_ended, summary_of

BEGUN = "2026-01-01 10:00:00 DK39 | started by process 1 on vm; brainstack 0.1.0\n"


@pytest.fixture
def source(tmp_path: Path) -> Source:
    plan = plan_of(tmp_path, [slide(1, 2)])
    box = PictureBox(plan.folder.root, plan.folder.report_pictures)
    return Source(plan, progress_of(plan), {}, [], [], [], box, datetime(2026, 1, 1, tzinfo=UTC))


def write_log(source: Source, *lines: str, name: str = "20260101-100000-1") -> Path:
    path = source.plan.folder.log(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(BEGUN + "".join(f"2026-01-01 10:00:09 {line}\n" for line in lines))
    return path


@pytest.mark.parametrize("outcome", [DONE, WAITING, FAILED, STOPPED])
def test_how_a_run_ended_is_what_its_log_says_last(source: Source, outcome: str) -> None:
    write_log(source, f"DK39 | ended, {outcome}: 3 made, 2 failed; what to do: ...", "(luigi 1 INFO) nothing more")
    (run,) = runs_of(source.plan.folder)
    assert (run.outcome, run.made, run.failed) == (outcome, 3, 2)


def test_a_run_that_left_no_word_was_killed(source: Source) -> None:
    write_log(source, "DK39 Clean CH1 section 001 slide001_S2 | done in 1.2 s")
    assert runs_of(source.plan.folder)[0].outcome == KILLED


def test_a_run_is_at_work_while_it_has_the_animal(source: Source) -> None:
    write_log(source, name="20260101-090000-1")
    write_log(source)
    with locked(source.plan.folder):
        assert [one.outcome for one in runs_of(source.plan.folder)] == [KILLED, RUNNING]


def test_of_an_older_brainstack_the_last_run_is_known_by_its_note(source: Source) -> None:
    path = write_log(source)
    note_begun(source.plan.folder, LastRun("2026-01-01T10:00:00+00:00", str(path), "process 1", outcome=DONE))
    assert runs_of(source.plan.folder)[0].outcome == DONE


def test_of_a_log_without_such_words_nothing_is_said(source: Source) -> None:
    path = write_log(source)
    path.write_text("2026-11-27 20:03:19,432 2555 INFO Informed scheduler\n")
    (run,) = runs_of(source.plan.folder)
    assert (run.outcome, run.failed) == ("", None)


def test_other_files_beside_the_logs_are_no_runs(source: Source) -> None:
    path = write_log(source)
    path.rename(path.with_name("2026-what-1.log"))
    assert runs_of(source.plan.folder) == ()


def test_what_another_animal_says_in_the_same_log_is_not_meant(source: Source) -> None:
    write_log(source, "DK39 | ended, done: 3 made, 0 failed", "DK39 | DK40 | ended, failed: 0 made, 9 failed",
              "DK40 | gave up: no")  # fmt: skip
    (run,) = runs_of(source.plan.folder)
    assert (run.outcome, run.failed, run.reason) == (DONE, 0, "")


def test_a_long_log_is_read_at_its_end_and_where_that_is_not_enough_as_a_whole(source: Source) -> None:
    write_log(source, "DK39 | ended, failed: 3 made, 2 failed", *["x" * 300] * 2000)
    assert runs_of(source.plan.folder)[0].outcome == FAILED


def test_the_table_has_how_each_run_ended_and_why(source: Source) -> None:
    write_log(source, "DK39 | ended, failed: 0 made, 2 failed", name="20260101-080000-1")
    write_log(source, "DK39 | ended, done: 0 made, 0 failed", name="20260101-090000-1")
    write_log(source, "DK39 | ended, waiting: 0 made, 0 failed", name="20260101-093000-1")
    write_log(source, "DK39 | gave up: the disk is full", "DK39 | ended, failed: 0 made, 0 failed")
    write_log(source, name="20260101-110000-1")
    rows = processing_chapter(source).runs
    assert [(one.outcome, one.failed, one.reason) for one in rows] == [
        ("was killed, or the computer went down", 0, "nothing was made"),
        ("failed", 0, "the disk is full"),
        ("waits for people to approve masks", 0, "nothing can be made before that"),
        ("done", 0, "nothing was to be made"),
        ("failed", 2, "nothing was made"),
    ]
    assert [one.look for one in rows] == ["failed", "failed", "stale", "", "failed"]


def test_all_runs_are_listed_also_those_that_are_folded_away(source: Source) -> None:
    for minute in range(20):
        write_log(source, "DK39 | ended, done: 0 made, 0 failed", name=f"20260101-10{minute:02d}00-1")
    chapter = processing_chapter(source)
    assert (len(chapter.runs), len(chapter.earlier_runs)) == (12, 8)
    assert chapter.earlier_runs[-1].began_at == "2026-01-01 10:00"


def test_what_ran_before_the_oldest_log_is_together_and_its_end_is_not_known(source: Source) -> None:
    write_log(source, "DK39 | ended, done: 0 made, 0 failed")
    old = Ran("Clean", 1, "slide001_S1", "2025-01-01T10:00:00+00:00", 1.0, 0.1, "server", error="is damaged")
    (_, before) = processing_chapter(dataclasses.replace(source, ran=[old])).runs
    assert (before.began_at, before.outcome, before.failed) == ("before 2025-01-01 10:00", "not noted", 1)


def test_an_animal_whose_last_run_gave_up_is_not_done(source: Source) -> None:
    write_log(source, "DK39 | gave up: the disk is full", "DK39 | ended, failed: 0 made, 0 failed")
    assert summary_of(source).state == "failed"
    ended = how_it_ended(source)
    assert ended is not None
    assert ended.sentence == "The last run, of 2026-01-01 10:00 UTC, ended before its time: the disk is full"
    assert ended.is_failure


def test_of_a_run_that_came_to_its_end_nothing_is_said_at_the_head(source: Source) -> None:
    assert how_it_ended(source) is None
    write_log(source, "DK39 | ended, failed: 3 made, 1 failed")
    assert how_it_ended(source) is None  # what failed is named there by itself


@pytest.mark.parametrize(("line", "words"), [("DK39 | ended, stopped: 1 made, 0 failed", "was stopped by a person"),
                                             ("DK39 | x", "was killed, or its computer went down")])  # fmt: skip
def test_a_run_that_was_ended_is_named_at_the_head(source: Source, line: str, words: str) -> None:
    write_log(source, line)
    ended = how_it_ended(source)
    assert ended is not None
    assert words in ended.sentence


def test_packages_are_read_as_they_are_written() -> None:
    here = packages_here()
    assert here["numpy"]
    assert packages_from_words(packages_in_words(here)) == here
    assert packages_from_words("") == {}
