from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest
from by_hand import plan_of, slide

from brainstack.errors import BrainstackError
from brainstack.plan import Plan
from brainstack.run_log import LineFormatter, line_of, open_log, words_of
from brainstack.run_progress import RunLog, StageProgress, luigi_log
from brainstack.stamps import Step


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return plan_of(tmp_path, [slide(1), slide(2)])


def logged(name: str, level: int, message: str) -> str:
    """A line of the log, without its time."""
    line = LineFormatter("DK39").format(logging.LogRecord(name, level, "x.py", 1, message, (), None))
    found = re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (.*)", line)
    assert found
    return found[1]


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (Step("Clean", 2, "slide002_S1"), "Clean CH2 section 002 slide002_S1"),
        (Step("Tifs", 1, "DK39_slide002"), "Tifs CH1 slide DK39_slide002"),
        (Step("Elastix", 0, "slide001_S1..slide002_S2"), "Elastix pair 000..003 slide001_S1..slide002_S2"),
        (Step("NeuroglancerImage", 1, "002"), "NeuroglancerImage CH1 002"),
        (Step("Gain", 1), "Gain CH1"),
        (Step("Canvas"), "Canvas"),
    ],
)
def test_a_line_names_animal_stage_channel_and_what_it_is_about(plan: Plan, step: Step, words: str) -> None:
    assert words_of(plan, step) == words
    assert line_of(plan, step, "started") == f"DK39 {words} | started"
    assert logged("brainstack", logging.INFO, line_of(plan, step, "started")) == f"DK39 {words} | started"


def test_what_does_not_name_the_animal_gets_its_name() -> None:
    assert logged("brainstack", logging.INFO, "one word") == "DK39 | one word"
    assert logged("brainstack.database.network_disk", logging.WARNING, "it is slow") == "DK39 | warning: it is slow"


def test_what_others_say_is_told_apart() -> None:
    said = logged("luigi-interface", logging.INFO, "Done scheduling tasks")
    assert re.fullmatch(r"\(luigi-interface \d+ INFO\) Done scheduling tasks", said)


@pytest.mark.usefixtures("loggers")
def test_what_luigi_says_is_beside_the_log_and_the_progress_reads_both(plan: Plan) -> None:
    path = open_log(plan.folder, told=(BrainstackError,))
    step = Step("Clean", 2, "slide002_S1")
    logging.getLogger("luigi-interface").info("Informed scheduler that task   Clean_DK39_1a   has status   PENDING")
    logging.getLogger("brainstack").info("%s", line_of(plan, step, "done in 1.0 s"))
    logging.getLogger("luigi.scheduler").info("Starting pruning of task graph")
    logging.getLogger("luigi-interface").error("it broke", exc_info=ValueError("a fault of brainstack"))
    logging.getLogger("luigi-interface").error("its step failed", exc_info=BrainstackError("which the step has said"))

    text = path.read_text()
    said = [line[20:] for line in text.splitlines()]
    assert said[0] == "DK39 Clean CH2 section 002 slide002_S1 | done in 1.0 s"
    assert re.fullmatch(r"\(luigi-interface \d+ ERROR\) it broke", said[1])
    assert text.endswith("\nValueError: a fault of brainstack\n"), "of a fault, all that is known"
    luigis = luigi_log(path).read_text()
    assert all(words in luigis for words in ("Informed scheduler", "it broke", "which the step has said"))
    assert "Clean CH2" not in luigis
    assert [one.name for one in path.parent.glob("*.log")] == [path.name]
    assert RunLog(path).progress().stages == (StageProgress("Clean", 1, 1, 1, 0),)
