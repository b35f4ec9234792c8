"""What `python -m hpc plan` says of a real animal, and what is asked of it wrongly."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from lab import CHECKOUT, Lab

from brainstack.errors import BrainstackError
from tasks.cluster_commands import tasks_to_make


def hpc(lab: Lab, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hpc", *words]
    return subprocess.run(command, cwd=CHECKOUT, env=lab.environment, capture_output=True, text=True)


def test_before_the_slides_are_read_nothing_is_known_of_what_is_made_of_them(scanned: Lab) -> None:
    said = hpc(scanned, "plan", "Animal", "--animal", "DEMO")

    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout.startswith("DEMO: no task of a heavy stage has to be made.\n2 slides have not been read: ")
    assert "luigi --module tasks Meta --animal DEMO --local-scheduler" in said.stdout


def test_a_plan_counts_what_is_left_to_be_made(lab: Lab) -> None:
    """Each mask search of 8 sections by itself, then none: nothing that is done is counted."""
    (lab.folder.stamps / "MaskSearch.jsonl").unlink()
    lines = hpc(lab, "plan", "MaskSearch", "--animal", "DEMO").stdout.splitlines()

    assert lines[0].split() == ["stage", "tasks", "arrays", "jobs", "cores", "GB", "minutes", "core-hours"]
    assert lines[1].split() == ["MaskSearch", "8", "1", "1", "1", "2", "31", "0.0"]
    assert lines[2:] == ["0.0 core-hours. Nothing was submitted."]
    assert not list(lab.folder.root.glob(".brainstack/jobs/arrays/*"))
    said = hpc(lab, "plan", "Tifs", "--animal", "DEMO").stdout
    assert said == "DEMO: no task of a heavy stage has to be made.\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "No task was named; wanted one, such as: python -m hpc plan Animal --animal DK39"),
        (["Nothing", "--animal", "DK39"], "There is no task 'Nothing'; docs/stages.md lists them."),
        (["Animal"], "No animal was named; say which, such as --animal DK39."),
    ],
)
def test_what_is_asked_wrongly_is_told(words: list[str], said: str) -> None:
    with pytest.raises(BrainstackError, match=re.escape(said)):
        tasks_to_make(words)
