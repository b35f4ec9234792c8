"""The commands that pages show, run as a person would type them in this checkout, or only understood."""

from __future__ import annotations

import os
import re
import shlex
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import typer
from luigi.cmdline_parser import CmdlineParser

import tasks
from brainstack import cli

REPOSITORY = Path(__file__).parent.parent
DOCS = REPOSITORY / "docs"
BIN = Path(sys.executable).parent
PAGES = [*sorted(REPOSITORY.glob("*.md")), *sorted(DOCS.glob("*.md"))]
OTHERS = (". ", "make ", "luigid ", "export ", "python -m hpc ", "python benchmarks/", "python docs/")
"""What commands may begin with that are neither brainstack's nor Luigi's."""
EXAMPLE = "Edges"
"""The stage that docs/add_a_stage.md adds; a test of its own does so."""


def understand(line: str, *, whole: bool = True) -> None:
    """Let brainstack or Luigi read a command with its options, without doing it; what it is piped to is left out.

    whole : False for one that is only named, perhaps without the animal's name.
    """
    line = line.partition(" | ")[0]
    if line.startswith("brainstack "):
        _understand_brainstack(shlex.split(line)[1:], line, whole=whole)
    elif line.startswith("luigi "):
        _understand_luigi(shlex.split(line)[1:], line)
    else:
        assert line.startswith(OTHERS), f"{line}: no command that is known here"


@cache
def brainstack() -> Any:
    """The command with all that is in it, made once: that takes longer than to read a line."""
    return typer.main.get_command(cli.app)


def _understand_brainstack(words: list[str], line: str, *, whole: bool) -> None:
    command = brainstack()
    context = command.make_context("brainstack", [], resilient_parsing=True)
    while hasattr(command, "resolve_command") and words:
        name, command, words = command.resolve_command(context, words)
        assert command, f"{line}: there is no command {name}"
    if not words:  # it is only named
        return
    try:
        command.make_context(line, words)
    except Exception as error:
        if whole or type(error).__name__ != "MissingParameter":
            raise


def _understand_luigi(words: list[str], line: str) -> None:
    if words[2] == EXAMPLE:
        return
    with CmdlineParser.global_instance(words) as parser:
        stage = words[2]
        assert words[:2] == ["--module", "tasks"], line
        assert stage in tasks.__all__, f"{line}: there is no stage {stage}"
        parser.get_task_obj()


class Walk:
    """Runs commands in this checkout, with a data root and a port of its own, which has the small made-up animal."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.port = free_port()
        path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
        self.environment = os.environ | {"BRAINSTACK_DATA_ROOT": str(root), "PATH": path, "COLUMNS": "120"}
        self.processes: list[subprocess.Popen[str]] = []

    def here(self, command: str) -> str:
        """The command as a person types it, with what is different here."""
        command = re.sub(r"(?<![\w/])data/", f"{self.root}/", command.replace(".venv/bin/", ""))
        command = command.replace("/path/to/czi/DK39_slide001", "/path/to/czi/DEMO_ID_0001_slide001")
        command = command.replace("/path/to/czi", str(self.root / "DEMO" / "czi"))
        return re.sub(r"^luigi ", f"luigi --scheduler-port {self.port} ", command)

    def run(self, command: str) -> str:
        return self.output(["bash", "-c", self.here(command)])

    def run_python(self, text: str, folder: Path = REPOSITORY) -> str:
        return self.output([sys.executable, "-c", self.here(text)], folder)

    def output(self, arguments: list[str], folder: Path = REPOSITORY) -> str:
        done = subprocess.run(
            arguments, cwd=folder, env=self.environment, stdin=subprocess.DEVNULL, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{arguments[-1]}\n{done.stdout}"
        return done.stdout

    def start(self, command: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            shlex.split(command), cwd=REPOSITORY, env=self.environment, stdin=subprocess.DEVNULL, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.processes.append(process)
        return process

    def start_luigid(self, command: str) -> None:
        self.start(f"{command} --port {self.port} --state-path {self.root / 'luigid.pickle'}")
        for _ in range(300):
            with socket.socket() as probe:
                if probe.connect_ex(("localhost", self.port)) == 0:
                    return
            time.sleep(0.1)
        raise AssertionError("luigid does not answer")

    def is_shown(self, command: str) -> bool:
        """True where the link that is printed leads to the client, and its first volume is served."""
        process = self.start(f"{command} --port 0")
        assert process.stdout
        link = re.search(r"http://\S+/", process.stdout.readline())
        assert link
        info_url = f"{link[0]}data/{command.split()[2]}/neuroglancer_data/C1T/info"
        with urllib.request.urlopen(link[0]) as page, urllib.request.urlopen(info_url) as info:
            return b"neuroglancer" in page.read().lower() and b'"data_type"' in info.read()

    def end(self) -> None:
        for process in self.processes:
            process.terminate()
            process.communicate(timeout=20)


@contextmanager
def walk_in(root: Path) -> Iterator[Walk]:
    walk = Walk(root)
    try:
        yield walk
    finally:
        walk.end()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return int(probe.getsockname()[1])


def edited(text: str, diff: str) -> str:
    """The text with the new lines of a diff put in, before or behind the one line of the text that it has with them."""
    lines = diff.splitlines()
    (beside,) = (line[1:] for line in lines if not line.startswith("+"))
    new = [line[1:] for line in lines if line.startswith("+")]
    assert text.splitlines().count(beside) == 1, f"not once in the file: {beside!r}"
    block = [beside, *new] if lines[0][1:] == beside else [*new, beside]
    return "\n".join("\n".join(block) if line == beside else line for line in text.splitlines()) + "\n"
