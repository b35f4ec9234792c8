"""`brainstack contrast`: how bright each channel is shown."""

from __future__ import annotations

from typing import Annotated

import typer

from brainstack.cli_arguments import Name
from brainstack.errors import BrainstackError

By = Annotated[str | None, typer.Option(metavar="PERSON", help="who says so; by default, the user of this computer")]


def register(app: typer.Typer) -> None:
    """app : of brainstack."""
    app.command("contrast")(contrast)


def contrast(
    name: Name,
    channel: Annotated[int | None, typer.Option(min=1, help="counted from 1; without it, all are shown")] = None,
    low: Annotated[int | None, typer.Option(min=0, help="grey value as scanned that is shown black")] = None,
    high: Annotated[int | None, typer.Option(min=1, help="grey value as scanned that is shown white")] = None,
    computed: Annotated[bool, typer.Option("--computed", help="as gain and histogram say, again")] = False,
    why: Annotated[str, typer.Option(help="is kept with what is said")] = "",
    by: By = None,
) -> None:
    """Show the grey values that web pictures and Neuroglancer show black and white, or set them for a channel."""
    from brainstack import aligning
    from brainstack.contrast import lines, set_contrast
    from brainstack.planning import look
    from brainstack.slides_shown import said

    is_said = (low, high) != (None, None)
    if not is_said and not computed:
        for line in lines(look(name)):
            typer.echo(line)
        return
    if channel is None or (is_said and (low is None or high is None)) or (is_said and computed):
        raise BrainstackError(
            "Half of a contrast was given; wanted --channel with both --low and --high, or with --computed."
        )
    person = aligning.user() if by is None else aligning.checked_person(by)
    levels = None if low is None or high is None else (low, high)
    changed = set_contrast(name, channel, levels, person=person, reason=why)
    for one in changed:
        typer.echo(said(one))
    if not changed:
        typer.echo("It is so already; nothing was changed.")
