"""What people are told to type again, and how a run that cannot go on ends in the notes of its animal."""

from __future__ import annotations

from pathlib import Path

import luigi
import pytest
from by_hand import write_slide
from luigi.rpc import RPCError

from brainstack.adding import add_animal
from brainstack.animal_folder import AnimalFolder
from brainstack.errors import BrainstackError
from brainstack.last_run import read_last_run
from brainstack.records import Animal, Histology, ScanRun
from tasks import Animal as AnimalTask
from tasks import Export, Masks
from tasks.luigid import Luigid
from tasks.run import Run
from tasks.worker import QuickScheduler, command_of, leave_with_a_sentence


@pytest.mark.parametrize(
    ("task", "command"),
    [
        (AnimalTask(animal="DK39"), "Animal --animal DK39"),
        (AnimalTask(animal="DK39", resolution="full"), "Animal --animal DK39 --resolution full"),
        (Export(animal="DK39", format="ome-tiff"), "Export --animal DK39 --format ome-tiff"),
        (Masks(animal="DK39", section="12"), "Masks --animal DK39 --section 12"),
    ],
)
def test_the_command_is_the_one_that_was_given(task: luigi.Task, command: str) -> None:
    assert command_of(task, Luigid("http://localhost:8082")) == f"luigi --module tasks {command}"
    assert command_of(task, QuickScheduler()) == f"luigi --module tasks {command} --local-scheduler"


@pytest.mark.usefixtures("loggers")
@pytest.mark.parametrize("error", [BrainstackError("no such layer"), OSError(28, "No space left", "/x"), RPCError("x")])
def test_a_run_that_ends_with_a_sentence_has_failed_and_its_log_has_the_sentence(
    data_root: Path, tmp_path: Path, error: Exception
) -> None:
    write_slide(tmp_path / "czi" / "DK39_slide001.czi")
    add_animal(Animal("DK39"), Histology("DK39"), ScanRun("DK39", str(tmp_path)), tmp_path / "czi")
    run = Run("DK39", "luigi --module tasks Masks --animal DK39")
    with pytest.raises(SystemExit) as ended, leave_with_a_sentence({"DK39": run}):
        raise error
    last = read_last_run(AnimalFolder(data_root / "DK39"))
    assert last is not None
    assert (last.outcome, last.made, last.failed) == ("failed", 0, 0)
    log = Path(last.log).read_text()
    assert str(ended.value).removeprefix("brainstack: ") in log
    assert log.rstrip().endswith("brainstack status DK39, then luigi --module tasks Masks --animal DK39")
    run._lock.close()
    run.gave_up("once more")
    assert read_last_run(AnimalFolder(data_root / "DK39")) == last
