"""`brainstack animal delete`: forget an animal. Its files stay."""

from __future__ import annotations

from typing import Annotated

import typer

from brainstack.cli_arguments import Name


def register(animal_app: typer.Typer) -> None:
    """animal_app : of `brainstack animal`."""
    animal_app.command("delete")(delete)


def delete(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="it is meant: all that people said of it goes too")] = False,
) -> None:
    """Delete all that the database knows of an animal, for ever. No file is touched."""
    from brainstack.deleting import delete_animal

    typer.echo(delete_animal(name, sure=yes))
