"""A run whose database is on a MariaDB server: the same, and its password is nowhere."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import mariadb_server
import pytest
from lab import SIZE, Lab

PASSWORD = "GEHEIM4711"


@dataclass(frozen=True)
class LabWithServer(Lab):
    server: mariadb_server.Server

    @property
    def url(self) -> str:
        return self.server.url("brains", user="lab", password=PASSWORD)

    @property
    def environment(self) -> dict[str, str]:
        return super().environment | {"BRAINSTACK_DATABASE_URL": self.url}


@pytest.fixture
def served(tmp_path: Path) -> Iterator[LabWithServer]:
    if reason := mariadb_server.why_not():
        pytest.skip(reason)
    (tmp_path / "data").mkdir()
    (tmp_path / "server").mkdir()
    server = mariadb_server.start(tmp_path / "server")
    server.sql(
        "CREATE DATABASE brains",
        f"CREATE USER lab@'127.0.0.1' IDENTIFIED BY '{PASSWORD}'",
        "GRANT ALL ON brains.* TO lab@'127.0.0.1'",
    )
    yield LabWithServer(tmp_path / "data", server)
    mariadb_server.stop(server, how=signal.SIGKILL)


@pytest.mark.slow
def test_a_run_tells_nobody_the_password_and_says_when_the_server_is_down(served: LabWithServer) -> None:
    calls = [served.brainstack("demo", *SIZE), served.luigi("Preps"), served.brainstack("status", "DEMO")]
    calls += [served.brainstack("where"), served.brainstack("database", "check")]
    assert [call.returncode for call in calls[:2]] == [0, 0], calls[1].stderr
    assert {one.stage for one in served.ran()} >= {"Meta", "Tifs"}

    mariadb_server.stop(served.server, how=signal.SIGKILL)
    down = [served.luigi("Preps"), served.brainstack("status", "DEMO"), served.brainstack("database", "check")]
    for call in down:
        assert call.returncode != 0
        assert "cannot be reached. See whether the server runs" in call.stdout + call.stderr
        assert "Traceback" not in call.stdout + call.stderr

    said = [call.stdout + call.stderr for call in calls + down]
    written = [path.read_bytes() for path in served.root.rglob("*") if path.is_file()]
    assert not [text for text in said if PASSWORD in text]
    assert not [content for content in written if PASSWORD.encode() in content]
