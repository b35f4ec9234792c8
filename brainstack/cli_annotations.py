"""`brainstack annotate`: points and shapes in and out; and `brainstack journal`: problems that people note."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from brainstack.cli_arguments import Name
from brainstack.points import CELLS, CENTRES, POLYGONS, Structure

annotate_app = typer.Typer(no_args_is_help=True, help="Points, centres of structures and polygons, in and out.")
journal_app = typer.Typer(no_args_is_help=True, help="Problems that people note about an animal or a section.")

By = Annotated[str | None, typer.Option(metavar="PERSON", help="who says so; by default, the user of this computer")]


class Kind(StrEnum):
    """Of annotations, under the lab's names."""

    POLYGON_SEQUENCE = POLYGONS
    MARKED_CELL = CELLS
    STRUCTURE_COM = CENTRES


AKind = Annotated[Kind | None, typer.Option("--type", help="of all of them, or of what does not say its own")]


def register(app: typer.Typer) -> None:
    """app : of brainstack."""
    app.add_typer(annotate_app, name="annotate")
    app.add_typer(journal_app, name="journal")


@annotate_app.command("import")
def import_(
    name: Name,
    file: Annotated[Path, typer.Argument(help="a CSV with x_um, y_um, z_um; or the JSON of a state of Neuroglancer")],
    kind: AKind = None,
    structure: Annotated[str, typer.Option(help="of what does not say its own, such as 7N_L")] = "",
    layer: Annotated[str | None, typer.Option(help="of a state: only this one")] = None,
    by: By = None,
) -> None:
    """Take in what was marked; it replaces what the same person marked of the same type, structure and layer."""
    from brainstack import annotating

    value = kind and kind.value
    for line in annotating.import_annotations(
        name, file, kind=value, structure=structure, layer=layer, person=_person(by)
    ):
        typer.echo(line)


@annotate_app.command("export")
def export(
    name: Name,
    file: Annotated[Path, typer.Argument(help="to be written: .csv, or .json for Neuroglancer")],
    kind: AKind = None,
    structure: Annotated[str | None, typer.Option(help="only of this one, such as 7N_L")] = None,
    layer: Annotated[str | None, typer.Option(help="only of this one")] = None,
) -> None:
    """Write what people marked."""
    from brainstack import annotating

    value = kind and kind.value
    typer.echo(annotating.export_annotations(name, file, kind=value, structure=structure, layer=layer))


@annotate_app.command("list")
def list_(
    name: Name,
    everything: Annotated[bool, typer.Option("--all", help="also what was replaced since")] = False,
) -> None:
    """A line for each time that somebody marked something."""
    from brainstack import annotating

    for line in annotating.list_annotations(name, everything=everything):
        typer.echo(line)


@annotate_app.command("structure")
def structure_(
    abbreviation: Annotated[str, typer.Argument(help="large and small letters count")],
    description: Annotated[str, typer.Option(help="its name")] = "",
    label: Annotated[int, typer.Option(min=0, help="that segmentations give it")] = 0,
) -> None:
    """Add a structure to those that are known."""
    from brainstack import annotating

    annotating.add_structure(Structure(abbreviation, description, label))


@journal_app.command("add")
def note(
    name: Name,
    entry: Annotated[str, typer.Argument(help="what is wrong")],
    section: Annotated[str, typer.Option(help="its key; without it, the whole animal")] = "",
    channel: Annotated[int, typer.Option(min=0, help="counted from 1; 0 for all")] = 0,
    at_um: Annotated[tuple[float, float] | None, typer.Option(metavar="X Y", help="where on the section, from the top "
                                                              "left corner of its scan")] = None,
    by: By = None,
) -> None:  # fmt: skip
    """Note a problem."""
    from brainstack import noting

    person = _person(by)
    typer.echo(noting.note(name, entry, section=section, channel=channel, mark_um=at_um, person=person))


@journal_app.command("list")
def notes(
    name: Name,
    everything: Annotated[bool, typer.Option("--all", help="also what is done with")] = False,
) -> None:
    """The problems that are open; below each, when it was done with and opened again, by whom, and what was done."""
    from brainstack import noting

    for line in noting.listed(name, everything=everything):
        typer.echo(line)


@journal_app.command("done")
def done(
    name: Name,
    number: Annotated[int, typer.Argument(help="of the note")],
    fix: Annotated[str, typer.Option(help="what was done about it")] = "",
    by: By = None,
) -> None:
    """Say that nothing is left to be done about a problem."""
    from brainstack import noting

    noting.done(name, number, fix, person=_person(by))


@journal_app.command("reopen")
def reopen(name: Name, number: Annotated[int, typer.Argument(help="of the note")], by: By = None) -> None:
    """Say that there is something left to be done about a problem after all."""
    from brainstack import noting

    noting.reopen(name, number, person=_person(by))


def _person(by: str | None) -> str:
    from brainstack import aligning

    return aligning.user() if by is None else aligning.checked_person(by)
