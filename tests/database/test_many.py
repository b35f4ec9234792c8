"""Many who write at the same time: nothing is lost, nothing is twice."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import text

from brainstack.database import open_database, run_in_transaction
from brainstack.database.engine import engine_for
from brainstack.database.session import Database
from brainstack.database.waiting import DatabaseBusy, again_while_busy
from brainstack.errors import BrainstackError
from brainstack.records import AlignmentEdit, Animal, Histology, Ran, ScanRun

PROCESSES, TRANSACTIONS, WRITES = 8, 100, 5
"""So many writes in each of so many transactions of each process: 500."""
fork = multiprocessing.get_context("fork")
"""As Luigi starts its workers; and no time is spent on imports."""
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")  # of xdist, from 3.12 on


def write_many(url: str, process: int) -> None:
    """Writes are steps of the log; each transaction adds 1 to a number that all of them share."""
    for number in range(TRANSACTIONS):
        run_in_transaction(url, partial(write, process=process, number=number))


def write(database: Database, process: int, number: int) -> None:
    """It reads a number, and writes it plus one: the others must not write in between."""
    start = datetime(2024, 5, 1, process, tzinfo=UTC) + timedelta(seconds=WRITES * number)
    for one in range(WRITES):
        at = (start + timedelta(seconds=one)).isoformat()
        ran = Ran("clean", process, f"s{number}_{one}", at, 1.0, 1.0, "node")
        database.take_in_log("DK39", [ran])
    before_um = database.animal_records("DK39").histology.section_thickness_um
    database.set_section_thickness("DK39", before_um + 1)


def together(target: object, *arguments: tuple[object, ...]) -> list[int | None]:
    processes = [fork.Process(target=target, args=one) for one in arguments]  # type: ignore[arg-type]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return [process.exitcode for process in processes]


@pytest.mark.slow
def test_no_write_of_many_processes_is_lost(url: str) -> None:
    with open_database(url) as database:
        database.set_section_thickness("DK39", 1)
    assert together(write_many, *((url, process) for process in range(PROCESSES))) == [0] * PROCESSES
    with open_database(url) as database:
        log = database.log_of("DK39")
        thickness_um = database.animal_records("DK39").histology.section_thickness_um
    assert Counter(one.channel for one in log) == dict.fromkeys(range(PROCESSES), TRANSACTIONS * WRITES)
    assert len({(one.channel, one.item) for one in log}) == len(log)
    assert thickness_um == 1 + PROCESSES * TRANSACTIONS


def add_the_animal(url: str) -> None:
    with open_database(url) as database:
        database.add_animal(Animal("B2"), Histology("B2"), ScanRun("B2", "/scans"))


def test_one_of_several_who_add_the_same_animal_is_the_first(url: str) -> None:
    codes = together(add_the_animal, (url,), (url,))
    assert sorted(codes, key=str) == [0, 1]
    with open_database(url) as database:
        assert database.animals() == ["B2", "DK39"]


def write_until_killed(url: str, ready: Path) -> None:
    for number in range(100_000):
        with open_database(url) as database:
            for channel in (1, 2, 3):
                database.take_in_log("DK39", [Ran("clean", channel, f"s{number}", "2024-05-01T10:00:00", 1, 1, "node")])
        ready.touch()


def test_a_kill_leaves_no_half_of_a_transaction_and_no_lock(url: str, tmp_path: Path) -> None:
    process = fork.Process(target=write_until_killed, args=(url, tmp_path / "ready"))
    process.start()
    while not (tmp_path / "ready").exists():
        time.sleep(0.01)
    time.sleep(0.1)
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join()
    with open_database(url) as database:
        database.set_orientation("DK39", 1, "none")
        counts = Counter(one.item for one in database.log_of("DK39"))
    assert set(counts.values()) == {3}


# Trying again


def test_work_is_done_again_while_others_are_in_the_way() -> None:
    tries = []

    def work() -> str:
        tries.append(time.monotonic())
        if len(tries) < 4:
            raise DatabaseBusy("held")
        return "done"

    assert again_while_busy(work) == "done"
    assert len(tries) == 4


def test_one_does_not_try_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("brainstack.database.waiting.AGAIN_FOR_S", 0.1)

    def work() -> None:
        raise DatabaseBusy("held")

    with pytest.raises(DatabaseBusy):
        again_while_busy(work)


def test_what_a_person_must_mend_is_not_tried_again(url: str) -> None:
    tries = []

    def work(database: Database) -> None:
        tries.append(1)
        database.animal_records("nobody")

    with pytest.raises(BrainstackError, match="no animal 'nobody'"):
        run_in_transaction(url, work)
    assert len(tries) == 1


def test_a_block_that_read_first_and_then_writes_goes_through_as_well(url: str) -> None:
    def work(database: Database) -> None:
        database.animal_records("DK39")
        database.add_alignment_edit("DK39", AlignmentEdit("place", "a_S1"))

    run_in_transaction(url, work)
    with open_database(url) as database:
        assert len(database.alignment_edits("DK39")) == 1


# No connection across a fork


def test_a_child_has_a_connection_of_its_own_and_leaves_the_parents_alone(url: str) -> None:
    with open_database(url) as database:
        database.animals()
        child = os.fork()
        if child == 0:
            code = 1
            try:
                with open_database(url) as own:
                    code = 0 if own.animals() == ["DK39"] else 2
            finally:
                os._exit(code)
        assert os.waitpid(child, 0)[1] == 0
        database.set_orientation("DK39", 1, "none")
    with open_database(url) as database:
        assert database.animal_records("DK39").scan_run.rotation == 1


def test_no_connection_is_left_open(server_url: str) -> None:
    with open_database(server_url) as database:
        database.set_orientation("DK39", 1, "none")
    count = text("SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()")
    with engine_for(server_url) as engine, engine.connect() as connection:
        until = time.monotonic() + 10  # the server needs a moment to notice
        while connection.scalar(count) and time.monotonic() < until:
            time.sleep(0.05)
        assert connection.scalar(count) == 0
