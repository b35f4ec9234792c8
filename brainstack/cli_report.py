"""`brainstack report`: the page about an animal, or about several."""

from __future__ import annotations

from typing import Annotated

import typer

from brainstack.cli_arguments import Name


def register(app: typer.Typer) -> None:
    """app : of brainstack."""
    app.command()(report)


def report(
    name: Name,
    others: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="more animals, to compare")] = None,
) -> None:
    """Make the page about an animal, of what there is; of several, the page that compares them. Runs no stage."""
    if others:
        from brainstack.report.group import group_report_of

        typer.echo(group_report_of([name, *others]))
    else:
        from brainstack.report.page import report_of

        typer.echo(report_of(name))
