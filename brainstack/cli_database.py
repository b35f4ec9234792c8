"""`brainstack database`: make the database, bring it up to date, see whether it is well."""

from __future__ import annotations

import typer

from brainstack.environment import database_url

database_app = typer.Typer(no_args_is_help=True, help="Make the database, bring it up to date, see whether it is well.")


@database_app.command("create")
def create() -> None:
    """Make the database and its tables, on a server as a user who may. One that is there stays as it is."""
    from brainstack.database.schema import make_on_server

    make_on_server(database_url())
    _bring_up_to_date()


@database_app.command("upgrade")
def upgrade() -> None:
    """Bring the tables to the version of this brainstack. Make a copy of the database before."""
    from brainstack.database.checking import version_in
    from brainstack.database.engine import shown
    from brainstack.errors import BrainstackError

    if not version_in(database_url()):
        name = shown(database_url())
        raise BrainstackError(f"There is no database {name} with tables; 'brainstack database create' makes it.")
    _bring_up_to_date()


@database_app.command("check")
def check() -> None:
    """See whether it can be reached, read and written, has all tables, and is of this version. Changes nothing."""
    from brainstack.database import checking

    state = checking.check(database_url())
    typer.echo(f"{state.name}: {state.kind}, version {state.version}")
    for warning in state.warnings:
        typer.echo(warning)
    if state.warnings:
        raise typer.Exit(1)
    typer.echo("All is well.")


def _bring_up_to_date() -> None:
    from brainstack.database import create_or_upgrade
    from brainstack.database.checking import version_in
    from brainstack.database.engine import shown
    from brainstack.database.schema import HEAD

    url = database_url()
    before = version_in(url)
    create_or_upgrade(url)
    what = {"": "made", HEAD: "there already"}.get(before, f"brought up from version {before}")
    typer.echo(f"{shown(url)}: {what}; version {HEAD}")
