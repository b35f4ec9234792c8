"""Commands that a message or a page names exist, with their options."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

import tasks
from brainstack import cli

REPOSITORY = Path(__file__).parent.parent
CODE = [path for name in ("brainstack", "tasks", "hpc") for path in sorted((REPOSITORY / name).rglob("*.py"))]
TEMPLATES = sorted((REPOSITORY / "brainstack").rglob("*.html"))
PAGES = [*sorted(REPOSITORY.glob("*.md")), *sorted((REPOSITORY / "docs").glob("*.md"))]
NAME = "NAME"
"""In place of what a message puts there itself."""
QUOTED = re.compile(r"[`'\"]((?:brainstack|luigi --module|python -m hpc)\s[^`'\"]+)[`'\"]")
AT_THE_END = re.compile(
    r"(?:^|: |, then )((?:brainstack [a-z]|luigi --module tasks |python -m hpc )[^;,()`']*)", re.MULTILINE
)
"""A command that no quotes stand around, but words that lead to it. "brainstack" itself may begin a sentence."""
COMMANDS = typer.main.get_command(cli.app)
WORDS_OF_LUIGI = {
    *("--module", "--local-scheduler", "--workers", "--scheduler-port", "--scheduler-host", "--log-level", "--help"),
    *("--hpc-backend", "--hpc-settings"),
}


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """Every text in a file of code, with its line; what is put into it when it runs is NAME."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = (str(one.value) if isinstance(one, ast.Constant) else NAME for one in node.values)
            yield node.lineno, "".join(parts)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
            yield node.lineno, node.value


def commands_in(text: str) -> Iterator[str]:
    unquoted = [one for one in AT_THE_END.findall(text) if one != text or NAME in one]  # a title names nothing
    for found in (*QUOTED.findall(text), *unquoted):
        yield " ".join(found.split()).rstrip(".")


def wrong_in(command: str) -> str:
    """What is wrong with a command that people are told to type; "" where nothing is."""
    words = command.split()
    if words[0] == "brainstack":
        return _wrong_in_brainstack(words[1:])
    if words[0] == "luigi" and len(words) > 3 and words[2] == "tasks":
        return _wrong_in_luigi(words[3:])
    return ""


def _wrong_in_brainstack(words: list[str]) -> str:
    found: Any = COMMANDS
    context = found.make_context("brainstack", [], resilient_parsing=True)
    while hasattr(found, "resolve_command") and words and not words[0].startswith("-"):
        said = words[0]
        _, found, words = found.resolve_command(context, words)
        if found is None:
            return "" if said == NAME else f"there is no command {said}"
    known = {option for one in found.params for option in (*one.opts, *one.secondary_opts)} | {"--help"}
    unknown = [word for word in words if re.fullmatch(r"--[a-z-]+", word) and word not in known]
    return f"{found.name} has no {unknown[0]}" if unknown else ""


def _wrong_in_luigi(words: list[str]) -> str:
    task = words[0]
    if NAME in task or task.isupper():  # a word in capitals is for people to say
        return ""
    if task not in tasks.__all__:
        return f"there is no task {task}"
    known = {f"--{name.replace('_', '-')}" for name, _ in getattr(tasks, task).get_params()} | WORDS_OF_LUIGI
    unknown = [word for word in words if re.fullmatch(r"--[a-z-]+", word) and word not in known]
    return f"{task} has no {unknown[0]}" if unknown else ""


def test_every_command_in_a_message_exists() -> None:
    found, wrong = 0, []
    for path in CODE:
        for line, text in texts(path):
            for command in commands_in(text):
                found += 1
                if said := wrong_in(command):
                    wrong.append(f"{path.relative_to(REPOSITORY)}:{line}: {command}: {said}")
    assert found > 50
    assert wrong == []


@pytest.mark.parametrize("path", [*PAGES, *TEMPLATES], ids=lambda path: path.name)
def test_every_command_on_a_page_exists(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    blocks = [line for block in re.findall(r"```\w*\n(.*?)```", text, re.DOTALL) for line in block.splitlines()]
    inline = re.findall(r"`((?:brainstack|luigi --module) [^`]+)`|<code>((?:brainstack|luigi) [^<]+)</code>", text)
    typed = [line.split("#")[0] for line in blocks if line.startswith(("brainstack ", "luigi --module "))]
    wrong = [f"{one}: {said}" for one in [*typed, *("".join(pair) for pair in inline)] if (said := wrong_in(one))]
    examples = re.findall(r"^class (\w+)\(", text, re.MULTILINE)  # of a page that says how to write one
    assert [one for one in wrong if not one.endswith(tuple(f"no task {name}" for name in examples))] == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("take that back: brainstack align release DK39 x", ""),
        ("see `brainstack sttus DK39`", "there is no command sttus"),
        ("see `brainstack status DK39 --al`", "status has no --al"),
        ("run it: luigi --module tasks Masc --animal DK39", "there is no task Masc"),
        ("run it: luigi --module tasks Masks --animal DK39 --sections 3", "Masks has no --sections"),
        ("`brainstack slide DK39 12 --bad WHY` leaves it out", ""),
    ],
)
def test_what_is_wrong_is_found(text: str, says: str) -> None:
    assert [wrong_in(command) for command in commands_in(text)] == [says]
