"""A run that cannot even be planned: it has a log, a note of how it ended, and a page that says so."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from by_hand import write_slide
from report_page import read_page

from brainstack.adding import add_animal
from brainstack.animal_folder import AnimalFolder
from brainstack.errors import BrainstackError
from brainstack.last_run import read_last_run
from brainstack.planning import look
from brainstack.records import Animal, Histology, ScanRun
from brainstack.report.page import report_of, write_report
from brainstack.report.runs import runs_of
from tasks import current
from tasks.run import Run

COMMAND = "luigi --module tasks Masks --animal DK39"


@pytest.fixture(autouse=True)
def _alone() -> Iterator[None]:
    """A run's log takes what these loggers say, and its plan is kept, which the next test does not want."""
    names = ("luigi", "luigi-interface", "luigi.scheduler", "brainstack")
    before = [(one, one.level, one.propagate, list(one.handlers)) for one in map(logging.getLogger, names)]
    current._progress.clear()
    yield
    current._progress.clear()
    for logger, level, propagate, handlers in before:
        for handler in set(logger.handlers) - set(handlers):
            handler.close()
        logger.level, logger.propagate, logger.handlers = level, propagate, handlers


@pytest.fixture
def folder(data_root: Path, tmp_path: Path) -> AnimalFolder:
    write_slide(tmp_path / "czi" / "DK39_slide001.czi")
    add_animal(Animal("DK39"), Histology("DK39"), ScanRun("DK39", str(tmp_path)), tmp_path / "czi")
    return AnimalFolder(data_root / "DK39")


def logs(folder: AnimalFolder) -> list[Path]:
    return sorted(folder.log("x").parent.glob("*.log"))


@pytest.mark.parametrize("broken", ["settings", "slides"])
def test_it_has_a_log_a_note_and_a_page_with_the_sentence(folder: AnimalFolder, broken: str) -> None:
    write_report(look("DK39"))
    folder.report.write_text(folder.report.read_text().replace("nothing has run", "done"))
    if broken == "settings":
        folder.settings.write_text("[gain]\ntarget = 'x'\n")
    else:
        folder.czi.unlink()

    with pytest.raises(BrainstackError) as refused:
        Run("DK39", COMMAND)

    page = read_page(folder.report)
    sentence = " ".join(str(refused.value).split())
    assert "DK39 cannot be run" in page.text
    assert sentence in page.text
    assert COMMAND in page.text
    assert "DK39 done" not in page.text
    (log,) = logs(folder)
    assert f"DK39 | gave up: {sentence}\n" in log.read_text()
    last = read_last_run(folder)
    assert last is not None
    assert (last.outcome, last.log, last.failed) == ("failed", str(log), 0)
    (run,) = runs_of(folder)
    assert (run.outcome, run.reason) == ("failed", sentence)


def test_once_that_is_mended_the_page_is_whole_and_tells_of_that_run(folder: AnimalFolder) -> None:
    folder.settings.write_text("[gain\n")
    with pytest.raises(BrainstackError):
        Run("DK39", COMMAND)
    folder.settings.unlink()

    page = read_page(report_of("DK39"))

    assert "DK39 failed" in page.text
    assert "ended before its time: " in page.text
    assert "cannot be run" not in page.text
    assert "Methods" in page.text


def test_a_run_whose_cluster_cannot_be_used_has_a_whole_page_with_the_sentence(
    folder: AnimalFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(animal: str, of: AnimalFolder) -> None:
        raise BrainstackError("there is no sbatch here")

    monkeypatch.setattr("tasks.cluster.begin", refuse)
    with pytest.raises(BrainstackError):
        Run("DK39", COMMAND)
    page = read_page(folder.report)
    assert "DK39 failed" in page.text
    assert "ended before its time: there is no sbatch here" in page.text
    assert "Methods" in page.text


def test_a_run_that_gives_up_later_has_its_page_at_once(folder: AnimalFolder) -> None:
    run = Run("DK39", COMMAND)
    assert not folder.report.exists()
    run.gave_up("No such layer.")
    page = read_page(folder.report)
    assert "DK39 failed" in page.text
    assert "ended before its time: No such layer." in page.text
    run._lock.close()


def test_a_run_that_could_not_be_asked_for_is_failed_with_its_reason(folder: AnimalFolder) -> None:
    run = Run("DK39", COMMAND)
    run.not_scheduled("Meta could not be planned")
    assert not run.finish()
    (logged,) = runs_of(folder)
    assert (logged.outcome, logged.reason) == ("failed", "Meta could not be planned")
    assert "Meta could not be planned" in read_page(folder.report).text


def test_a_log_notes_the_packages_that_the_run_works_with(folder: AnimalFolder) -> None:
    run = Run("DK39", COMMAND)
    run._lock.close()
    assert runs_of(folder)[0].packages["numpy"]


@pytest.mark.parametrize("animal", ["DK41", ""])
def test_an_animal_that_is_not_there_has_no_log(folder: AnimalFolder, animal: str) -> None:
    with pytest.raises(BrainstackError):
        Run(animal, COMMAND)
    assert sorted(path.name for path in folder.root.parent.iterdir() if path.is_dir()) == ["DK39"]


def test_a_run_beside_another_writes_neither_log_nor_page(folder: AnimalFolder) -> None:
    first = Run("DK39", COMMAND)
    with pytest.raises(BrainstackError, match="is being run by"):
        Run("DK39", COMMAND)
    assert len(logs(folder)) == 1
    assert not folder.report.exists()
    first._lock.close()
