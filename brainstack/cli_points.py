"""`brainstack points`: layers of points, lines, boxes and ellipsoids in Neuroglancer."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from brainstack.cli_arguments import Name
from brainstack.errors import BrainstackError
from brainstack.points import CELLS, CENTRES, POLYGONS, Selection

points_app = typer.Typer(no_args_is_help=True, help="Layers of points, lines, boxes and ellipsoids in Neuroglancer.")

Layer = Annotated[str, typer.Argument(metavar="LAYER", help="what the layer is called, such as cells")]


class Type(StrEnum):
    """Of annotations, under Neuroglancer's names and the lab's."""

    POINT = "point"
    LINE = "line"
    BOX = "axis_aligned_bounding_box"
    ELLIPSOID = "ellipsoid"
    POLYLINE = "polyline"
    POLYGON_SEQUENCE = POLYGONS
    MARKED_CELL = CELLS
    STRUCTURE_COM = CENTRES


def register(app: typer.Typer) -> None:
    """app : of brainstack."""
    app.add_typer(points_app, name="points")


@points_app.command("add")
def add(
    name: Name,
    layer: Layer,
    csv: Annotated[Path | None, typer.Option(help="a CSV with x_um, y_um, z_um")] = None,
    state: Annotated[str | None, typer.Option(help="a state of Neuroglancer: a file with its JSON, or its number in "
                                                   "the database")] = None,
    database: Annotated[bool, typer.Option("--database", help="what people marked, now and later; needs --type")
                        ] = False,
    kind: Annotated[Type | None, typer.Option("--type", help="only these")] = None,
    structure: Annotated[str | None, typer.Option(help="of the database: only of this one, such as 7N_L")] = None,
    from_layer: Annotated[str | None, typer.Option("--layer", help="of a state or of the database: only this one")
                          ] = None,
) -> None:  # fmt: skip
    """Say what a layer is made from; it replaces what was said before. The next run makes the layer."""
    from brainstack import point_commands as commands

    if (csv is not None) + (state is not None) + database != 1:
        raise BrainstackError("It was not said what the layer is made from; give one of --csv, --state and --database.")
    if csv is not None:
        typer.echo(commands.add_csv(name, layer, csv, kind=kind and kind.value))
    elif state is not None:
        which = int(state) if state.isdigit() and not Path(state).exists() else Path(state)
        typer.echo(commands.add_state(name, layer, which, from_layer=from_layer, kind=kind and kind.value))
    elif kind is None:
        raise BrainstackError(f"--database needs --type: {', '.join((POLYGONS, CELLS, CENTRES))}.")
    else:
        typer.echo(commands.add_database(name, layer, Selection(kind.value, structure, from_layer)))


@points_app.command("list")
def list_(name: Name) -> None:
    """A line for each layer."""
    from brainstack import point_commands as commands

    for line in commands.listed(name) or ["no layers of points"]:
        typer.echo(line)


@points_app.command("remove")
def remove(name: Name, layer: Layer) -> None:
    """Take a layer away, with what it is made from."""
    from brainstack import point_commands as commands

    typer.echo(commands.remove(name, layer))
