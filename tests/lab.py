"""A data root with a small made-up animal, and the commands on it, for tests of whole runs."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from brainstack.animal_folder import AnimalFolder
from brainstack.database import open_database
from brainstack.records import Ran

BIN = Path(sys.executable).parent
CHECKOUT = Path(__file__).parents[1]
SIZE = ("--sections", "8", "--width-px", "600", "--height-px", "400")


@dataclass(frozen=True)
class Lab:
    """A data root with its database."""

    root: Path

    @property
    def folder(self) -> AnimalFolder:
        return AnimalFolder(self.root / "DEMO")

    @property
    def url(self) -> str:
        return f"sqlite:///{self.root / 'brainstack.db'}"

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("BRAINSTACK", "LUIGI"))}
        return kept | {"BRAINSTACK_DATA_ROOT": str(self.root), "COLUMNS": "200"}

    def start(self, *command: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(BIN / command[0]), *command[1:]], cwd=CHECKOUT, env=self.environment, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip

    def call(self, *command: str) -> subprocess.CompletedProcess[str]:
        process = self.start(*command)
        out, error = process.communicate(timeout=900)  # a busy machine takes minutes
        return subprocess.CompletedProcess(command, process.returncode, out, error)

    def brainstack(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.call("brainstack", *words)

    def luigi(self, *words: str) -> subprocess.CompletedProcess[str]:
        """`luigi --module tasks ...` with a scheduler of its own, or the one that the words name."""
        words = words or ("Animal",)
        scheduler = () if "--scheduler-port" in words else ("--local-scheduler",)
        return self.call("luigi", "--module", "tasks", *words, "--animal", "DEMO", *scheduler)

    def ran(self) -> list[Ran]:
        """All steps that were ever run."""
        with open_database(self.url) as database:
            return database.log_of("DEMO")

    def bytes(self) -> dict[str, bytes]:
        """Every file of the animal but those that speak of runs: path -> content, or where a link leads."""
        apart = {
            "logs",
            "records",
            "lock",
            "seen.json",
            "jobs",
            "driver",
            "last_run.json",
            "mesh_costs",
            "report_pictures.json",
        }
        found = {}
        for path in sorted(self.folder.root.rglob("*")):
            name = path.relative_to(self.folder.root)
            if name.parts[0] in ("czi", "report") or (
                name.parts[0] == ".brainstack" and len(name.parts) > 1 and name.parts[1] in apart
            ):
                continue
            if path.is_symlink():
                found[str(name)] = str(path.readlink()).encode()
            elif path.is_file():
                found[str(name)] = path.read_bytes()
        return found


class Counted:
    """Steps that were run since it was made."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._before = len(lab.ran())

    def by_stage(self) -> dict[str, int]:
        return dict(Counter(one.stage for one in self._lab.ran()[self._before :]))


def copy_of(lab: Lab, to: Path) -> Lab:
    shutil.copytree(lab.root, to / "data", symlinks=True)
    return Lab(to / "data")


@contextmanager
def entered(lab: Lab) -> Iterator[pytest.MonkeyPatch]:
    """The environment of this process leads to the lab, for the length of a block."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("BRAINSTACK_DATA_ROOT", str(lab.root))
        environment.delenv("BRAINSTACK_DATABASE_URL", raising=False)
        environment.delenv("LUIGI_CONFIG_PATH", raising=False)
        yield environment


@contextmanager
def luigid(lab: Lab, port: int = 0) -> Iterator[int]:
    """port : where it listened before, for one that is started anew."""
    if not port:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
    server = subprocess.Popen(
        [str(BIN / "luigid"), "--address", "127.0.0.1", "--port", str(port), "--logdir", str(lab.root)],
        cwd=lab.root, env=lab.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        for _ in range(200):
            try:
                asked(port, "task_list", {"status": "", "upstream_status": ""})
                break
            except OSError:
                time.sleep(0.1)
        yield port
    finally:
        server.terminate()
        server.wait()


def asked(port: int, what: str, data: dict[str, str]) -> dict:
    query = urllib.parse.urlencode({"data": json.dumps(data)})
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/{what}?{query}", timeout=10) as answer:
        return json.loads(answer.read())["response"]
