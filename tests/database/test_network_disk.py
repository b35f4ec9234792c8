"""SQLite's file on a disk in a network. Only what kind of file system it is on is made up."""

from __future__ import annotations

import logging
import multiprocessing
import os
import sqlite3
from pathlib import Path

import pytest

from brainstack.database import network_disk, open_database, waiting
from brainstack.database.checking import check
from brainstack.database.network_disk import filesystem_of, is_on_network
from brainstack.database.waiting import DatabaseBusy

MOUNTS = """\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:40 / /data rw shared:2 - nfs4 server:/data rw,vers=4.2
31 30 254:1 / /data/local rw - xfs /dev/vdb rw
32 22 0:41 /x /the\\040lab rw master:3 - cifs //server/lab rw
33 22 0:42 / /far rw - fuse.sshfs far:/ rw
34 22 0:43 / /layers rw - fuse.fuse-overlayfs fuse-overlayfs rw
"""


@pytest.mark.parametrize(
    ("file", "kind", "network"),
    [
        ("/data/b.db", "nfs4", True),
        ("/data/DK39/b.db", "nfs4", True),
        ("/database/b.db", "ext4", False),
        ("/data/local/b.db", "xfs", False),
        ("/the lab/b.db", "cifs", True),
        ("/far/b.db", "fuse.sshfs", True),
        ("/layers/b.db", "fuse.fuse-overlayfs", False),
    ],
)
def test_the_file_system_is_the_one_mounted_nearest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, kind: str, network: bool
) -> None:
    (tmp_path / "mountinfo").write_text(MOUNTS)
    monkeypatch.setattr(network_disk, "MOUNTS", tmp_path / "mountinfo")
    assert filesystem_of(Path(file)) == kind
    assert is_on_network(Path(file)) == network


def test_a_system_that_does_not_say_is_taken_as_local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network_disk, "MOUNTS", tmp_path / "nothing")
    assert not is_on_network(tmp_path / "b.db")


@pytest.fixture
def far_url(sqlite_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """As url, of SQLite on a disk in a network."""
    monkeypatch.setattr(network_disk, "filesystem_of", lambda _: "nfs4")
    far = tmp_path / "far.sqlite"
    (tmp_path / "brainstack.sqlite").rename(far)
    return f"sqlite:///{far}"


def lock_of(url: str) -> Path:
    return Path(f"{url.removeprefix('sqlite:///')}.lock")


def test_one_is_warned_once(far_url: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            with open_database(far_url) as database:
                database.animals()
    (record,) = caplog.records
    assert "far.sqlite is on a disk in a network (nfs4)" in record.getMessage()
    assert "disk in a network" in check(far_url).warnings[0]


def test_who_writes_holds_the_lock_until_the_end_and_who_reads_does_not(far_url: str) -> None:
    with open_database(far_url) as database:
        database.animal_records("DK39")
        assert not lock_of(far_url).exists()
        database.set_orientation("DK39", 1, "none")
        assert lock_of(far_url).read_text() == f"process {os.getpid()} on {os.uname().nodename}"
    assert not lock_of(far_url).exists()


def test_a_writer_on_another_computer_is_waited_for(far_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "BUSY_TIMEOUT_S", 0.05)
    lock_of(far_url).write_text("process 1 on far-away")
    told = pytest.raises(DatabaseBusy, match=r"process 1 on far-away\)\. Wait .* remove .*far\.sqlite\.lock")
    with told, open_database(far_url) as database:
        database.set_orientation("DK39", 1, "none")
    assert lock_of(far_url).exists()


def test_what_a_killed_process_of_this_computer_left_is_taken_away(far_url: str) -> None:
    ended = multiprocessing.get_context("spawn").Process(target=int)
    ended.start()
    ended.join()
    lock_of(far_url).write_text(f"process {ended.pid} on {os.uname().nodename}")
    with open_database(far_url) as database:
        database.set_orientation("DK39", 1, "none")
    assert not lock_of(far_url).exists()


def test_a_block_that_fails_lets_go(far_url: str) -> None:
    def fails() -> None:
        with open_database(far_url) as database:
            database.set_orientation("DK39", 1, "none")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fails()
    assert not lock_of(far_url).exists()


def test_a_write_ahead_log_is_given_up(far_url: str) -> None:
    connection = sqlite3.connect(far_url.removeprefix("sqlite:///"))
    connection.execute("PRAGMA journal_mode = WAL")
    connection.close()
    with open_database(far_url) as database:
        assert database.animals() == ["DK39"]
    connection = sqlite3.connect(far_url.removeprefix("sqlite:///"))
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    connection.close()
