"""What people read is true: the commands run, the paths are there, the sentences are said, the licences are listed."""

from __future__ import annotations

import os
import re
import shlex
import socket
import subprocess
import sys
import time
import tomllib
import urllib.request
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from types import ModuleType

import pytest
import typer
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from brainstack import cli

REPOSITORY = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
README = (REPOSITORY / "README.md").read_text()
PAGES = [*sorted(REPOSITORY.glob("*.md")), *sorted((REPOSITORY / "docs").glob("*.md"))]
SMALL = "--sections 8 --width-px 750 --height-px 500 --thumbnail-factor 2"
"""The made-up animal of the tests: as `make demo`, with a hundredth of the pixels."""


def commands(text: str) -> list[str]:
    """The lines of all blocks of bash."""
    return [line for block in re.findall(r"```bash\n(.*?)```", text, re.DOTALL) for line in block.splitlines()]


# The commands


@pytest.mark.slow
def test_the_commands_of_the_readme_run(walk: Walk) -> None:
    made = []
    for command in commands(README):
        if command.startswith(("make test", ". ")):
            continue
        if command.startswith("luigid"):
            walk.start_luigid(command)
        elif "brainstack view" in command:
            assert walk.is_shown(command)
        else:
            made.append(walk.run(command))

    assert any("Look at it with: brainstack view DK39" in said for said in made)
    assert any("All is done." in said for said in made), "brainstack status"
    assert "DK39: 2 slides, 8 sections, 4 of them gaps" in walk.run("brainstack status DK39")
    volumes = walk.root / "DK39" / "neuroglancer_data"
    assert sorted(path.name for path in volumes.iterdir()) == ["C1T", "C2T", "C3T", "shell"]


class Walk:
    """Runs commands as a person would, in this checkout, with a data root, a port and small slides of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.port = free_port()
        path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
        self.environment = os.environ | {"BRAINSTACK_DATA_ROOT": str(root), "PATH": path}
        self.processes: list[subprocess.Popen[str]] = []

    def here(self, command: str) -> str:
        """The command as a person types it, with what is different here."""
        if command == "make demo":
            recipe = self.output("make -n demo")
            command = next(line for line in recipe.splitlines() if "brainstack demo" in line)
        command = command.replace(".venv/bin/", "").replace("brainstack demo", f"brainstack demo {SMALL}")
        command = command.replace("/path/to/czi", str(self.root / "DEMO" / "czi"))
        return re.sub(r"^luigi ", f"luigi --scheduler-port {self.port} ", command)

    def run(self, command: str) -> str:
        return self.output(self.here(command))

    def output(self, command: str) -> str:
        arguments = ["bash", "-c", command]
        done = subprocess.run(
            arguments, cwd=REPOSITORY, env=self.environment, stdin=subprocess.DEVNULL, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{command}\n{done.stdout}"
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


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def walk(data_root: Path) -> Iterator[Walk]:
    walk = Walk(data_root)
    yield walk
    walk.end()


def test_make_knows_what_the_readme_asks_of_it() -> None:
    for command in {one for page in PAGES for one in commands(page.read_text()) if one.startswith("make ")}:
        subprocess.run(["make", "-n", *command.split()[1:]], cwd=REPOSITORY, check=True, capture_output=True)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_their_options_exist(page: Path) -> None:
    text = page.read_text()
    for line in {*commands(text), *re.findall(r"`(brainstack [a-z][^`]*)`", text)}:
        if line.startswith("brainstack "):
            understand(line.split("#")[0])


def understand(line: str) -> None:
    """Let the command line read a command with its options, without doing it."""
    command, words = typer.main.get_command(cli.app), shlex.split(line)[1:]
    context = command.make_context("brainstack", [], resilient_parsing=True)
    while hasattr(command, "resolve_command") and words:
        name, command, words = command.resolve_command(context, words)
        assert command, f"{line}: there is no command {name}"
    if words:  # without any it is only named
        command.make_context(line, words)


# What the pages say


def test_the_pages_are_as_written_from_the_code(docs: ModuleType) -> None:
    for path, text in docs.pages().items():
        assert path.read_text() == text, f"{path.name} is old; type: make docs"


def test_the_picture_has_every_stage_and_nothing_that_is_not_read(docs: ModuleType) -> None:
    from brainstack.stages import ASKED_FOR, STAGES

    every = re.findall(r"^    (\w+) --> (\w+)$", README, re.MULTILINE)
    arrows = [(source, stage) for source, stage in every if stage != "neuroglancer"]
    reads = docs.reads()

    assert {stage for arrow in arrows for stage in arrow} == {*STAGES} - ASKED_FOR
    assert all(source in reads[stage] for source, stage in arrows)
    assert ("Elastix", "PairCheck") in arrows
    assert ("Masks", "Clean") not in arrows, "it follows from Masks -> Canvas -> Clean"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_paths_lead_somewhere(page: Path) -> None:
    text = page.read_text()
    links = [link for link in re.findall(r"\]\(([^)#\s]+)", text) if "://" not in link]
    paths = re.findall(r"`((?:brainstack|tasks|config|docs|tests)/[\w./]+)`", text)
    examples = {"brainstack/images/brighten.py", "tests/images/test_brighten.py", "tasks/brighten.py"}

    assert [link for link in links if not (page.parent / link).exists()] == []
    assert [path for path in paths if path not in examples and not (REPOSITORY / path).exists()] == []


def test_the_sentences_that_the_readme_explains_are_said() -> None:
    table = README.partition("| it says |")[2].partition("\n\n")[0]
    quoted = re.findall(r"^\| `([^`]+)`", table, re.MULTILINE)
    code = "".join(path.read_text() for name in ("brainstack", "tasks") for path in (REPOSITORY / name).rglob("*.py"))

    assert len(quoted) >= 8
    assert [sentence for sentence in quoted if sentence not in code] == []


def test_every_table_of_the_database_is_described() -> None:
    from brainstack.database.tables import Table

    page = (REPOSITORY / "docs" / "database.md").read_text()
    assert set(re.findall(r"^\| `(\w+)`", page, re.MULTILINE)) == set(Table.metadata.tables)


# Licences


def test_every_package_that_is_named_has_its_licence_listed() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    extras = [one for some in project["optional-dependencies"].values() for one in some]
    listed = re.findall(r"^\| ([\w-]+) \|", (REPOSITORY / "LICENSES.md").read_text(), re.MULTILINE)

    named = {Requirement(one).name for one in [*project["dependencies"], *extras]}
    assert named == {*listed} - {"package"}


def test_every_package_under_a_gpl_is_listed() -> None:
    page = (REPOSITORY / "LICENSES.md").read_text()
    assert [name for name in sorted(installed({"brainstack"})) if is_gpl(name) and name not in page.lower()] == []


def installed(names: set[str]) -> set[str]:
    """These packages and all that they bring along, extras left out, as far as they are installed."""
    found: set[str] = set()
    while names - found:
        name = (names - found).pop()
        found.add(name)
        try:
            wanted = [Requirement(one) for one in metadata(name).get_all("Requires-Dist") or []]
        except PackageNotFoundError:
            continue
        names |= {canonicalize_name(one.name) for one in wanted if not one.marker or one.marker.evaluate({"extra": ""})}
    return found


def is_gpl(name: str) -> bool:
    try:
        says = metadata(name)
    except PackageNotFoundError:
        return False
    licence = [says.get("License-Expression", ""), (says.get("License") or "")[:100], *says.get_all("Classifier", [])]
    return bool(re.search(r"GPL|GNU", " ".join(one for one in licence if one)))
