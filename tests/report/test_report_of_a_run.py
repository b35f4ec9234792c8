"""The report that a run leaves, of the small made-up animal."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile
from lab import Lab, copy_of
from report_page import Page, read_page

from brainstack.last_run import read_last_run
from brainstack.planning import look
from brainstack.report.page import report_of, write_report

pytestmark = pytest.mark.slow

CHAPTERS = ("animal", "sections", "masks", "brightness", "alignment", "volume", "troubles", "processing", "settings",
            "methods")  # fmt: skip
STRANGE = 'it\'s <b>odd</b> & "long" </script>'
"""What a person may write."""


@pytest.fixture(scope="module")
def good(finished: Lab) -> Page:
    return read_page(finished.folder.report)


@pytest.fixture(scope="module")
def failed(finished: Lab, tmp_path_factory: pytest.TempPathFactory) -> tuple[Lab, str]:
    """The animal after a run that failed: the mask that a person made of section 2 has nothing left of it; section 5 is
    a gap, scene 1 of slide 2 is followed by a copy, and a file of section 0 is damaged. What the run said."""
    lab = copy_of(finished, tmp_path_factory.mktemp("failed"))
    decided = [
        lab.brainstack("animal", "set", "DEMO", "--slide", "2", "--scene", "2", "--qc", "1", "--why", STRANGE),
        lab.brainstack("animal", "set", "DEMO", "--slide", "2", "--scene", "1", "--replicate", "1"),
    ]
    assert [one.returncode for one in decided] == [0, 0], decided
    mask = lab.folder.numbered("thumbnail_masked", 2)
    empty = np.zeros_like(tifffile.imread(mask))
    mask.unlink()
    tifffile.imwrite(mask, empty)
    run = lab.luigi("Masks")
    assert run.returncode == 30, run.stderr
    return lab, run.stderr


def test_a_run_ends_with_a_report_and_says_where_it_is(failed: tuple[Lab, str]) -> None:
    lab, said = failed
    assert f"Its report: {lab.folder.report}" in said.replace("\n", "")


def test_all_chapters_are_there_and_every_link_leads_somewhere(good: Page) -> None:
    assert [one for one in good.ids if one in CHAPTERS] == list(CHAPTERS)
    assert len(good.ids) == len(set(good.ids))
    assert {one.removeprefix("#") for one in good.links} <= set(good.ids)
    assert "could not be made" not in good.text


def test_the_file_needs_no_other(good: Page, finished: Lab) -> None:
    """Two pictures for each of 8 sections, a label and a preview for each of 2 slides, views, pairs, cuts, flickers."""
    assert all(one.startswith("data:image/") for one in good.sources)
    assert len(good.sources) >= 2 * 8 + 2 * 2 + 2 + 3 + 10
    text = finished.folder.report.read_text()
    assert '<link rel="stylesheet"' not in text
    assert 'src="http' not in text


def test_all_is_said_of_an_animal_where_all_is_well(good: Page) -> None:
    for words in (
        "DEMO done", "8 sections on 2 slides", "Channel 1: DAPI", "Channel 3: Cy5", "Nothing failed.",
        "No mask was changed by hand.", "All pairs, also those further apart", "8 of 8", "C1T 1 DAPI",
        "brainstack view DEMO", "[tifs] thumbnail_factor", "Klein S, Staring M, Murphy K",
    ):  # fmt: skip
        assert words in good.text, words
    for number in range(8):
        assert f"s-slide00{number // 4 + 1}_S{number % 4 + 1}" in good.ids


def test_a_failed_run_has_a_report_with_the_sentence(failed: tuple[Lab, str]) -> None:
    lab, _ = failed
    page = read_page(lab.folder.report)

    assert "DEMO failed" in page.text
    assert "1 step failed" in page.text
    assert "002.tif is all black (its brightest value is 0 of 255); paint the tissue white" in page.text
    assert "Masks failed" in page.text  # the section's card
    assert re.search(r"UTC\) ended made failed took .*? stages \S+ \S+ failed \d+ 1 ", page.text), "the table of runs"
    assert {one.removeprefix("#") for one in page.links if one.startswith("#")} <= set(page.ids)


def test_what_people_decided_stands_at_the_section_and_in_the_list(failed: tuple[Lab, str]) -> None:
    page = read_page(failed[0].folder.report)

    assert "it is a gap: its slot stays empty" in page.text
    assert "its scene is marked as out of focus" in page.text
    assert "(qc 1)" not in page.text
    assert "a copy of it fills the place behind it, where a section is missing" in page.text
    assert "places behind it that it fills too, as sections are missing there: 0 → 1" in page.text
    assert "copy of scene 1" in page.text
    assert "One section of bad quality was left empty." in page.text
    assert STRANGE in page.text, "what a person wrote is shown as they wrote it"
    assert "<b>odd</b>" not in failed[0].folder.report.read_text()


def test_the_report_task_makes_it_anew_and_runs_nothing(failed: tuple[Lab, str]) -> None:
    lab, _ = failed
    before, ran = lab.folder.report.stat().st_mtime_ns, len(lab.ran())

    made = lab.luigi("Report")

    assert made.returncode == 0, made.stderr
    assert made.stderr == f"written: {lab.folder.report}\n"
    assert lab.folder.report.stat().st_mtime_ns > before
    assert len(lab.ran()) == ran
    assert "1 step failed" in read_page(lab.folder.report).text


def test_the_command_makes_it_as_well(failed: tuple[Lab, str]) -> None:
    lab, _ = failed
    made = lab.brainstack("report", "DEMO")
    assert (made.returncode, made.stdout.strip()) == (0, str(lab.folder.report)), made.stderr


def test_a_report_that_cannot_be_made_is_a_sentence(failed: tuple[Lab, str]) -> None:
    lab, _ = failed
    for words in (("Report", "--animal", "DK1"), ("Report",), ("GroupReport", "--animals", "DEMO,DK1,DK2")):
        made = lab.call("luigi", "--module", "tasks", *words, "--local-scheduler")
        assert made.returncode != 0
        assert len(made.stderr.splitlines()) == 1, made.stderr
        assert made.stderr.startswith("brainstack: ")
    assert "There are no animals DK1, DK2; this database has DEMO" in made.stderr


def test_the_group_page_compares_animals_and_leads_to_their_reports(failed: tuple[Lab, str]) -> None:
    lab, _ = failed
    added = lab.brainstack("animal", "add", "DK2", "--czi", str(lab.folder.czi))
    assert added.returncode == 0, added.stderr

    made = lab.call("luigi", "--module", "tasks", "GroupReport", "--local-scheduler")

    assert made.returncode == 0, made.stderr
    page = read_page(lab.root / "group_report.html")
    assert "2 animals" in page.text
    assert "DEMO failed 9 1 1" in page.text, "sections, gaps, failed steps"
    assert "DK2 nothing has run 0 0" in page.text
    assert page.links == ["DEMO/report/DEMO.html"], "DK2 has no report yet"
    assert (lab.root / page.links[0]).exists()


def test_a_picture_that_is_gone_or_damaged_is_a_sentence(
    finished: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = copy_of(finished, tmp_path)
    monkeypatch.setenv("BRAINSTACK_DATA_ROOT", str(lab.root))
    folder = lab.folder
    for kind in ("web", "normalized"):
        shutil.rmtree(folder.keyed(kind, "x", 1).parent)
    folder.scene_picture("DEMO_ID_0001_slide001_S1_C1.tif").write_bytes(b"no picture")
    for path in (folder.alignment_picture("views"), folder.mask_areas, folder.histogram(2, "DEMO").with_suffix(".csv")):
        path.unlink()
    folder.alignment_metrics.write_text("saved by another program\n")

    page = read_page(report_of("DEMO"))

    assert all(one.startswith("data:image/") for one in page.sources)
    assert "DEMO_ID_0001_slide001_S1_C1.png is no picture, or damaged" in page.text
    assert "There is no histogram: ChannelHistogram was not made yet." in page.text
    assert "is not the table of the alignment; delete it" in page.text
    assert "There is no table of masks: MaskAreas was not made yet." in page.text


def test_a_run_that_cannot_be_planned_leaves_no_page_that_says_done(finished: Lab, tmp_path: Path) -> None:
    """Settings that cannot be read; then slides that are away; then all is right again."""
    lab = copy_of(finished, tmp_path)
    assert "DEMO done" in read_page(lab.folder.report).text
    logs = lab.folder.log("x").parent
    before, settings = len(list(logs.glob("*.log"))), lab.folder.settings.read_text()

    lab.folder.settings.write_text("[gain]\ntarget = [\n")
    run = lab.luigi()
    assert run.returncode == 1
    assert len(list(logs.glob("*.log"))) == before + 1
    page = read_page(lab.folder.report)
    assert "DEMO cannot be run" in page.text
    assert "settings.toml" in page.text
    assert "luigi --module tasks Animal --animal DEMO" in page.text
    assert "DEMO done" not in page.text
    assert len(page.sources) > 20, "the pictures of before are still there to look at"
    last = read_last_run(lab.folder)
    assert last is not None
    assert last.outcome == "failed"

    lab.folder.settings.write_text(settings)
    away = lab.folder.czi.rename(tmp_path / "away")
    made = lab.brainstack("report", "DEMO")
    assert made.returncode == 1
    page = read_page(lab.folder.report)
    assert "is not there; wanted the folder of slide scans" in page.text
    assert "settings.toml" not in page.text.partition("All that stands below")[0]

    away.rename(lab.folder.czi)
    run = lab.luigi()
    assert run.returncode == 0, run.stderr
    page = read_page(lab.folder.report)
    assert "DEMO done" in page.text
    assert "cannot be run" not in page.text
    assert " done 0 nothing was to be made " in page.text, "the table of runs"
    assert re.search(r" failed 0 \S*settings\.toml", page.text), "the table of runs, with the reason"


def test_a_report_of_a_stopped_run_waits_for_no_picture(
    finished: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = copy_of(finished, tmp_path)
    monkeypatch.setenv("BRAINSTACK_DATA_ROOT", str(lab.root))
    kept = lab.folder.report_pictures
    kept.unlink()

    page = read_page(write_report(look("DEMO"), quick=True))

    assert "The picture was left out, as the run was stopped." in page.text
    assert not kept.exists()


def test_before_anything_has_run_there_is_a_report_too(
    scanned: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = copy_of(scanned, tmp_path)
    monkeypatch.setenv("BRAINSTACK_DATA_ROOT", str(lab.root))

    page = read_page(report_of("DEMO"))

    assert "DEMO nothing has run" in page.text
    assert "2 CZI files not read yet" in page.text
    assert "could not be made" not in page.text
    assert page.sources == []


def test_the_report_and_its_pictures_are_no_leftovers(finished: Lab) -> None:
    tidied = finished.brainstack("tidy", "DEMO", "--dry-run")
    assert tidied.returncode == 0, tidied.stderr
    assert "report" not in tidied.stdout
