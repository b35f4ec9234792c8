"""Each chapter of the page stands alone: what cannot be made is a sentence in its place."""

from __future__ import annotations

import dataclasses
import json
import logging
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from by_hand import plan_of, run_by_hand, slide, write_slide
from report_page import Page, read_page

from brainstack.adding import add_animal
from brainstack.animal_folder import AnimalFolder
from brainstack.errors import BrainstackError
from brainstack.plan import Plan
from brainstack.planning import look, progress_of
from brainstack.records import Animal, Histology, ScanRun
from brainstack.report import page as page_module
from brainstack.report.animal import animal_chapter
from brainstack.report.brightness import brightness_chapter
from brainstack.report.group import group_report_of
from brainstack.report.page import CHAPTERS, page_of, report_of, write_report
from brainstack.report.pictures import PictureBox
from brainstack.report.source import Source
from brainstack.stamps import Stamps, Step

DAMAGED = {Step("Masks", 0, "slide001_S2"): "002.tif is all black"}


def source_of(plan: Plan, failed: dict[Step, str] | None = None) -> Source:
    box = PictureBox(plan.folder.root, plan.folder.report_pictures)
    return Source(plan, progress_of(plan), failed or {}, [], [], [], box, datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    plan = plan_of(tmp_path, [slide(1, 2), slide(2, 2)])
    run_by_hand(plan, Stamps(plan.folder.stamps))
    return plan


def read(text: str, folder: Path) -> Page:
    path = folder / "page.html"
    path.write_text(text)
    return read_page(path)


@pytest.mark.parametrize("name", [one.name for one in CHAPTERS])
@pytest.mark.parametrize("error", [KeyError("blue"), BrainstackError("odd")])
def test_a_chapter_that_cannot_be_made_is_a_sentence_and_hides_no_other(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, name: str,
    error: Exception,
) -> None:  # fmt: skip
    def fail(source: Source) -> Any:
        raise error

    chapters = [dataclasses.replace(one, make=fail) if one.name == name else one for one in CHAPTERS]
    monkeypatch.setattr(page_module, "CHAPTERS", tuple(chapters))
    with caplog.at_level(logging.WARNING):
        page = read(page_of(source_of(plan, DAMAGED)), tmp_path)

    assert page.text.count("could not be made") == 1
    assert "DK39 failed" in page.text, "the head stands"
    assert "1 step failed" in page.text
    assert "002.tif is all black" in page.text, "what failed is said also where its chapter is missing"
    assert all(one.name in page.ids for one in CHAPTERS)
    assert ("Traceback" in caplog.text) == (not isinstance(error, BrainstackError))
    assert "DK39 | report: The chapter" in caplog.text


def test_what_a_template_cannot_show_is_a_sentence_as_well(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chapters = [dataclasses.replace(one, make=lambda _: None) if one.name == "volume" else one for one in CHAPTERS]
    monkeypatch.setattr(page_module, "CHAPTERS", tuple(chapters))
    page = read(page_of(source_of(plan)), tmp_path)
    assert "The chapter “Volume” could not be made (UndefinedError" in page.text


def test_a_summary_that_cannot_be_counted_hides_nothing_and_is_not_done(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(source: Source) -> Any:
        raise TypeError("no number")

    monkeypatch.setattr(page_module, "summary_of", fail)
    good = read(page_of(source_of(plan)), tmp_path)
    assert "DK39 not known" in good.text
    assert "The summary could not be made (TypeError: no number)" in good.text
    assert all(one.name in good.ids for one in CHAPTERS)
    failed = read(page_of(source_of(plan, DAMAGED)), tmp_path)
    assert "DK39 failed" in failed.text
    assert "1 step failed" in failed.text


def test_strange_words_of_people_and_strange_files_cost_only_their_own_place(plan: Plan, tmp_path: Path) -> None:
    """A stain with a word in brackets, a histogram with semicolons, a list where Meta wrote a table."""
    histology = dataclasses.replace(plan.records.histology, counterstain="thionin [blue]")
    plan = dataclasses.replace(plan, records=dataclasses.replace(plan.records, histology=histology))
    for channel in (1, 2):
        table = plan.folder.histogram(channel, "DK39").with_suffix(".csv")
        table.parent.mkdir(parents=True, exist_ok=True)
        table.write_text("from;to;pixels\n0;9;100\n" if channel == 1 else "from,to,pixels\n0,9,100\n10,19,7\n")
        shared = plan.folder.small(f"channel_histogram_C{channel}")
        shared.parent.mkdir(parents=True, exist_ok=True)
        shared.write_text(json.dumps({"axis": {"end": 20}}))
    for name, content in (("DK39_slide001", [1, 2]), ("DK39_slide002", {"scan": {"objective": "10x"}, "file_size": 7})):
        meta = plan.folder.meta(name)
        meta.parent.mkdir(parents=True, exist_ok=True)
        meta.write_text(json.dumps(content))

    page = read(page_of(source_of(plan)), tmp_path)

    assert "The chapter" not in page.text, "none is lost"
    assert "(counterstain: thionin [blue])" in page.text
    first, second = brightness_chapter(source_of(plan)).channels
    assert "wanted from, to and counts, with commas between them" in first.missing
    assert second.plot
    one, other = animal_chapter(source_of(plan)).slides
    assert "is not what Meta wrote; delete it" in one.said[-1]
    assert other.objective == "10x"


def test_the_tiles_say_gaps_and_copies_in_words(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, [slide(1, 4, qc={2: 2}, replicates={1: 1})])
    page = read(page_of(source_of(plan)), tmp_path)
    assert "1 place left empty, as the section is bad (a gap)" in page.text
    assert "1 missing section, filled by a copy of a neighbour" in page.text
    for words in ("1 + 1", "(qc 2)", "copied 1 times"):
        assert words not in page.text


# Of an animal that is in a database


@pytest.fixture
def folder(data_root: Path, tmp_path: Path) -> AnimalFolder:
    for name in ("DK39", "DK40"):
        write_slide(tmp_path / name / f"{name}_slide001.czi")
        add_animal(Animal(name), Histology(name), ScanRun(name, str(tmp_path / name)), tmp_path / name)
    return AnimalFolder(data_root / "DK39")


def test_an_animal_of_which_nothing_can_be_said_hides_no_other(folder: AnimalFolder) -> None:
    folder.failed.parent.mkdir(parents=True, exist_ok=True)
    folder.failed.write_text("{")
    page = read_page(group_report_of(()))
    assert "2 animals" in page.text
    assert "DK39 Its row could not be made (JSONDecodeError" in page.text
    assert "DK40 nothing has run" in page.text


def test_where_no_plan_can_be_made_the_page_says_why_and_not_done(folder: AnimalFolder) -> None:
    write_report(look("DK39"))
    whole = folder.report.read_text()
    folder.report.write_text(whole.replace("nothing has run", "done"))
    folder.settings.write_text("[gain]\ntarget = \n")

    for _ in range(2):  # the second says it of what the first left
        with pytest.raises(BrainstackError, match=r"settings\.toml"):
            report_of("DK39")
        page = read_page(folder.report)
        assert "DK39 cannot be run As of" in page.text
        assert "settings.toml" in page.text
        assert "brainstack report DK39 makes this page anew" in page.text
        assert page.text.count("All that stands below is of the report before, of 20") == 1
        assert "What ran" in page.text
        assert "DK39 done" not in page.text

    folder.settings.unlink()
    page = read_page(report_of("DK39"))
    assert "DK39 nothing has run" in page.text
    assert "cannot be run" not in page.text


def test_where_there_was_no_page_before_it_is_a_small_one(folder: AnimalFolder) -> None:
    (folder.root / "czi").unlink()
    for _ in range(2):
        with pytest.raises(BrainstackError, match="is not there; wanted the folder of slide scans"):
            report_of("DK39")
        page = read_page(folder.report)
        assert "is not there; wanted the folder of slide scans" in page.text
        assert "All that stands below" not in page.text
        assert len(page.text) < 1000


def test_what_is_no_page_is_replaced(folder: AnimalFolder) -> None:
    folder.report.parent.mkdir(parents=True)
    folder.report.write_bytes(b"\xff\xfe no page")
    folder.settings.write_text("[gain\n")
    with pytest.raises(BrainstackError):
        report_of("DK39")
    assert "DK39 cannot be run" in read_page(folder.report).text


def test_an_animal_that_is_not_there_gets_no_page(folder: AnimalFolder) -> None:
    with pytest.raises(BrainstackError, match="DK41"):
        report_of("DK41")
    assert not (folder.root.parent / "DK41").exists()


def test_nothing_is_written_where_a_disk_is_not_mounted(folder: AnimalFolder) -> None:
    shutil.rmtree(folder.root)
    with pytest.raises(BrainstackError, match="is not there"):
        report_of("DK39")
    assert not folder.root.exists()


def test_a_page_that_cannot_be_made_at_all_says_so(folder: AnimalFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = look("DK39")
    write_report(plan)

    def fail(source: Source) -> str:
        raise RuntimeError("no page")

    monkeypatch.setattr(page_module, "page_of", fail)
    with pytest.raises(RuntimeError):
        write_report(plan)
    assert "RuntimeError: no page" in read_page(folder.report).text
