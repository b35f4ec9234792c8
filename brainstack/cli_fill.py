"""`brainstack animal fill`: what people write about an animal, and no code reads."""

from __future__ import annotations

from typing import Annotated

import typer

from brainstack.cli_arguments import Name
from brainstack.errors import BrainstackError


def register(animal_app: typer.Typer) -> None:
    """animal_app : of `brainstack animal`."""
    animal_app.command("fill")(fill)


def fill(
    name: Name,
    values: Annotated[list[str], typer.Argument(metavar="COLUMN=TEXT...", help="such as "
                                                "histology.fixative_method=PFA, or animal.strain= to empty it")],
    why: Annotated[str, typer.Option(help="is kept with what is said")] = "",
    by: Annotated[str | None, typer.Option(metavar="PERSON", help="who says so; by default, the user of this "
                                           "computer")] = None,
) -> None:  # fmt: skip
    """Fill in columns that are for people: strain, fixative_method, comments ... Nothing is made again for them."""
    from brainstack import aligning
    from brainstack.filling_in import fill_in
    from brainstack.slides_shown import said

    pairs = [word.partition("=") for word in values]
    if wrong := [column for column, sign, _ in pairs if not sign]:
        raise BrainstackError(f"{wrong[0]!r} says nothing; wanted COLUMN=TEXT, such as animal.strain=C57BL/6.")
    person = aligning.user() if by is None else aligning.checked_person(by)
    changed = fill_in(name, {column: text for column, _, text in pairs}, person=person, reason=why)
    for one in changed:
        typer.echo(said(one))
    if not changed:
        typer.echo("It is so already; nothing was changed.")
