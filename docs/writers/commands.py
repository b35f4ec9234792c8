"""The page of commands: those of `brainstack`, the tasks of `luigi`, and `python -m hpc`."""

from __future__ import annotations

import inspect
import types
from collections import defaultdict
from collections.abc import Callable, Iterator
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import typer
from typer.models import ArgumentInfo, OptionInfo

from brainstack import cli
from brainstack.stages import STAGES
from writers.settings import cell


def commands_page() -> str:
    ours = [line for words, function in sorted(of_brainstack(cli.app, "brainstack")) for line in one(words, function)]
    return "\n".join([*head(), *ours, *of_luigi(), *of_the_cluster()]) + "\n"


def head() -> list[str]:
    return [
        "# Commands\n",
        "Written by `make docs` from the code. `--help` behind a command says the same, and the exit status is 0 only",
        "where all that was asked for was done. What is about a section takes its key or its number.",
    ]


# brainstack


def of_brainstack(app: typer.Typer, words: str) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Each command of an app, and of the apps in it, with the function that does it."""
    for info in app.registered_commands:
        assert info.callback
        name = info.name or info.callback.__name__.replace("_", "-")
        yield f"{words} {name}", info.callback
    for group in app.registered_groups:
        assert group.typer_instance
        yield from of_brainstack(group.typer_instance, f"{words} {group.name}")


def one(words: str, function: Callable[..., Any]) -> Iterator[str]:
    """What is said of a command."""
    given = list(parameters(function))
    arguments = [parameter for parameter in given if isinstance(parameter.info, ArgumentInfo)]
    yield f"\n## {words}\n"
    yield " ".join(inspect.cleandoc(function.__doc__ or "").split("\n\n")[0].split()) + "\n"
    yield "```text\n" + " ".join([words, *(argument.usage for argument in arguments), "[options]"]) + "\n```\n"
    if given:
        yield "| | what | |"
        yield "|---|---|---|"
    for parameter in given:
        yield f"| {parameter.shown} | {cell(parameter.help)} | {cell(parameter.value)} |"


class Parameter:
    """An argument or an option of a command."""

    def __init__(self, name: str, hint: Any, default: Any) -> None:
        self.hint, self.info = get_args(hint)[:2]
        self.default = default
        self.name = name.replace("_", "-")
        self.help = self.info.help or ""

    @property
    def needed(self) -> bool:
        return self.default is inspect.Parameter.empty

    @property
    def usage(self) -> str:
        word = self.info.metavar or self.name.upper()
        return word if self.needed else f"[{word}]"

    @property
    def kind(self) -> Any:
        """The type, without None and without list[...]."""
        kind = self.hint
        if get_origin(kind) in (Union, types.UnionType):
            kind = next(one for one in get_args(kind) if one is not type(None))
        return get_args(kind)[0] if get_origin(kind) in (list, tuple) else kind

    @property
    def shown(self) -> str:
        """How it is written on the command line."""
        if isinstance(self.info, ArgumentInfo):
            return f"`{self.usage}`"
        said = (self.info.default, *(self.info.param_decls or ()))
        declared = [one for one in said if isinstance(one, str) and one.startswith("-")]
        if not declared:
            declared = [f"--{self.name}"]
            if self.kind is bool:
                declared = [f"--{self.name}/--no-{self.name}"]
        return ", ".join(f"`{one}`" for one in declared)

    @property
    def value(self) -> str:
        """Of what kind it is, within what limits, and what it is where it is not given."""
        kind = self.kind
        if isinstance(kind, type) and issubclass(kind, Enum):
            words = ", ".join(f"`{one.value}`" for one in kind)
        else:
            words = {int: "a whole number", float: "a number", Path: "a path", bool: ""}.get(kind, "text")
        limits = [f"from {self.info.min}" * (self.info.min is not None), f"to {self.info.max}" * bool(self.info.max)]
        return "; ".join(one for one in (" ".join([words, *filter(None, limits)]).strip(), self.otherwise) if one)

    @property
    def otherwise(self) -> str:
        if self.needed:
            return "has to be given"
        if self.default in (None, "", False) or self.default == []:
            return ""
        return f"otherwise `{self.default.value if isinstance(self.default, Enum) else self.default}`"


def parameters(function: Callable[..., Any]) -> Iterator[Parameter]:
    hints = get_type_hints(function, include_extras=True)
    for name, one in inspect.signature(function).parameters.items():
        hint = hints[name]
        if get_origin(hint) is Annotated and isinstance(get_args(hint)[1], ArgumentInfo | OptionInfo):
            yield Parameter(name, hint, one.default)


# luigi


def of_luigi() -> Iterator[str]:
    import tasks

    whose: dict[tuple[str, str], list[str]] = defaultdict(list)
    for stage in ("Animal", *STAGES):
        for name, parameter in getattr(tasks, stage).get_params():
            described = (parameter.description or "").partition(" Choices:")[0]
            whose[f"--{name.replace('_', '-')}", described].append(stage)
    yield "\n## luigi --module tasks\n"
    yield "A [stage](stages.md), with all that it needs; `Animal` is all of them:\n"
    yield "```text\nluigi --module tasks STAGE --animal DK39 [options]\n```\n"
    yield "| option | what | of |"
    yield "|---|---|---|"
    for (option, described), stages in whose.items():
        listed = "all" if len(stages) == len(STAGES) + 1 else ", ".join(stages)
        yield f"| `{option}` | {cell(described)} | {listed} |"
    yield "| `--local-scheduler` | without `luigid` | Luigi's own, of all |"
    yield "| `--workers` | so many processes | Luigi's own, of all |"
    yield "| `--hpc-backend` | where heavy stages are made: `local`, `slurm`, `salloc` | all |"


# The cluster


def of_the_cluster() -> Iterator[str]:
    import contextlib
    import io

    from hpc.__main__ import main

    said = io.StringIO()
    with contextlib.suppress(SystemExit), contextlib.redirect_stdout(said):
        main(["--help"])
    yield "\n## python -m hpc\n"
    yield "What is on a [cluster](cluster.md):\n"
    yield "| command | what |"
    yield "|---|---|"
    listed = said.getvalue().partition("COMMAND\n")[2].partition("\n\n")[0]
    for entry in listed.replace("\n              ", " ").splitlines():
        name, _, what = entry.strip().partition(" ")
        yield f"| `{name}` | {cell(' '.join(what.split()))} |"
