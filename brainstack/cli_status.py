"""`brainstack status`: one animal or all of them, for people or, as JSON, for scripts."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress as Bar

from brainstack.errors import BrainstackError


def register(app: typer.Typer) -> None:
    app.command("status")(status)


def status(
    name: Annotated[
        str | None, typer.Argument(help="name of the animal, such as DK39; all animals when left out")
    ] = None,
    why: Annotated[
        str | None, typer.Option(metavar="SECTION", help="key or number: each step of this section, and why")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="all stages, and long lists whole")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="for scripts: JSON, and nothing else")] = False,
) -> None:
    """What is done, failed and stale, what mends it and what the next run makes: of one animal, or all in a row each.

    The exit status is 0 whatever is found, and 1 where the status cannot be told."""
    if why is not None and (name is None or as_json):
        raise BrainstackError("--why is about one section of one animal, in words: brainstack status DK39 --why 12")
    if name is None:
        _all(everything=everything, as_json=as_json)
    else:
        _one(name, why, everything=everything, as_json=as_json)


def _one(name: str, why: str | None, *, everything: bool, as_json: bool) -> None:
    from brainstack import status_json, status_screen
    from brainstack.planning import look, read_failed
    from brainstack.status import status_of
    from brainstack.status_of_section import show_section

    plan = look(name)
    failed = read_failed(plan.folder)
    if why is not None:
        show_section(plan, failed, why, Console())
    elif as_json:
        typer.echo(status_json.json_of(status_of(plan, failed)).encode())
    else:
        status_screen.show(status_of(plan, failed), Console(), everything=everything)


def _all(*, everything: bool, as_json: bool) -> None:
    from brainstack import status_json, status_of_all
    from brainstack.planning import animals_there

    names = animals_there()
    errors = Console(stderr=True)
    with Bar(console=errors, disable=not errors.is_terminal, transient=True) as bar:
        task = bar.add_task("looking at animals", total=len(names))
        rows = status_of_all.rows_of(names, lambda done, total: bar.update(task, completed=done, total=total))
    if as_json:
        typer.echo(status_json.json_of_all(rows).encode())
    else:
        status_of_all.show_all(rows, Console(), everything=everything)
