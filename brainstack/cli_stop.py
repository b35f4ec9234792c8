"""`brainstack stop`: ends a run that somebody started, in a terminal or on the review page."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from brainstack.cli_arguments import Name
from brainstack.errors import BrainstackError

INTERRUPTED = 130
"""Exit status of what a Ctrl-C ended, as shells have it."""


def register(app: typer.Typer) -> None:
    """app : of brainstack."""
    app.command()(stop)


def stop(
    name: Name,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="tell it, and do not wait until it has ended")] = False,
) -> None:
    """Stop a run of an animal on this computer, as Ctrl-C in its terminal would: what is finished stays."""
    from brainstack import running
    from brainstack.environment import animal_folder

    folder = animal_folder(name)
    if not folder.root.is_dir():
        raise BrainstackError(f"There is no animal in {folder.root}; `brainstack animal list` lists those there are.")
    holder = running.stop_run(folder)
    try:
        typer.echo(f"{name}: {holder} was told to stop. What is finished stays.")
        if folder.jobs.is_dir():
            typer.echo(
                f"Its jobs on a cluster, if it has any, go on; `python -m hpc cancel --animal {name}` ends them."
            )
        if no_wait:
            return
        with Console(stderr=True).status("waiting for it to end; Ctrl-C ends the waiting only"):
            running.wait_until_ended(folder, holder)
    except KeyboardInterrupt:
        typer.echo(f"It goes on ending by itself; `brainstack status {name}` says what is left.", err=True)
        raise typer.Exit(INTERRUPTED) from None
    typer.echo(f"{name}: {running.said_at_end(folder, holder)}")
