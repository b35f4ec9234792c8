"""`brainstack database import`: take over the lab's own database."""

from __future__ import annotations

import os
from typing import Annotated

import typer

URL = "BRAINSTACK_LAB_DATABASE_URL"


def register(database_app: typer.Typer) -> None:
    """database_app : of `brainstack database`."""
    database_app.command("import")(import_)


def import_(
    source: Annotated[str | None, typer.Option("--from", metavar="URL", help="of the lab's database, without a "
                                               f"password; or the variable {URL}")] = None,
    animal: Annotated[list[str] | None, typer.Option(help="only this one; may be repeated")] = None,
) -> None:  # fmt: skip
    """Take over the animals of the lab's own database, and say what could not be. That database stays as it is."""
    from brainstack.lab_database import import_lab

    for line in import_lab(source or os.environ.get(URL, ""), from_words=source is not None, only=animal or ()):
        typer.echo(line)
