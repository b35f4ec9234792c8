"""`brainstack reviewer`: who may use the review page of a lab (`brainstack review --accounts`)."""

from __future__ import annotations

import getpass
import sys
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from brainstack.errors import BrainstackError

reviewer_app = typer.Typer(no_args_is_help=True, help="Say who may use the review page of a lab.")

AName = Annotated[str, typer.Argument(metavar="NAME", help="as they log in with, such as anna")]


class RoleName(StrEnum):
    """What a reviewer may do; each may do what those before it may."""

    LOOK = "look"
    EDIT = "edit"
    RUN = "run"


ARole = Annotated[RoleName, typer.Option(help="look: see everything; edit: change it; run: start runs as well")]


@reviewer_app.command()
def add(name: AName, role: ARole = RoleName.LOOK) -> None:
    """Add a reviewer. The password is asked for on a terminal, or else read from the standard input."""
    from brainstack import reviewing

    name = reviewing.checked_name(name)
    reviewing.add_reviewer(name, _asked_password(name), role.value)
    typer.echo(f"{name} may {role} now; whoever serves the page with `brainstack review --accounts` lets them in.")


@reviewer_app.command("list")
def list_reviewers() -> None:
    """List all reviewers and their roles."""
    from brainstack import reviewing

    table = Table("name", "role", "since")
    for one in reviewing.known_reviewers():
        table.add_row(one.name, one.role, one.since[:10])
    if table.row_count:
        Console().print(table)
    else:
        typer.echo("There is no reviewer yet; `brainstack reviewer add NAME` adds one.")


@reviewer_app.command("set")
def set_role(name: AName, role: ARole) -> None:
    """Change what a reviewer may do; it holds at once."""
    from brainstack import reviewing

    reviewing.set_role(name, role.value)
    typer.echo(f"{name} may {role} now.")


@reviewer_app.command()
def remove(name: AName) -> None:
    """Let a reviewer in no more, and log them out. What they decided stays, under their name."""
    from brainstack import reviewing

    reviewing.remove_reviewer(name)
    typer.echo(f"{name} is let in no more.")


@reviewer_app.command()
def password(name: AName) -> None:
    """Give a reviewer another password, asked for as by `add`, and log them out everywhere."""
    from brainstack import reviewing

    reviewing.change_password(name, _asked_password(name))
    typer.echo(f"{name} has a new password, and is logged out everywhere.")


def _asked_password(name: str) -> str:
    """Twice on a terminal, where it is not shown; else the first line of the standard input."""
    if not sys.stdin.isatty():
        given = sys.stdin.readline().rstrip("\r\n")
        if not given:
            raise BrainstackError("The password is read from the standard input, and nothing came; give it there.")
        return given
    given = getpass.getpass(f"Password for {name}: ")
    if getpass.getpass("Again: ") != given:
        raise BrainstackError("The two passwords are not the same; nothing was changed. Run the command again.")
    return given
