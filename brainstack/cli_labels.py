"""`brainstack labels`: label volumes and their meshes in Neuroglancer."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from brainstack.cli_arguments import Name
from brainstack.labels import POLYGONS, SECTIONS, VOLUME

labels_app = typer.Typer(no_args_is_help=True, help="Label volumes and their meshes in Neuroglancer.")

Layer = Annotated[str, typer.Argument(metavar="LAYER", help="what the layer is called, such as nuclei")]


class Kind(StrEnum):
    """Of what labels are made from."""

    SECTIONS = SECTIONS
    VOLUME = VOLUME
    POLYGONS = POLYGONS


def register(app: typer.Typer) -> None:
    """app : of brainstack."""
    app.add_typer(labels_app, name="labels")


@labels_app.command("add")
def add(
    name: Name,
    layer: Layer,
    sections: Annotated[Path | None, typer.Option(help="a folder of label TIFFs, drawn on aligned sections and called "
                                                       "by their number, such as 012.tif")] = None,
    volume: Annotated[Path | None, typer.Option(help="a label volume: NIfTI, NRRD or TIFF")] = None,
    polygons: Annotated[bool, typer.Option("--polygons", help="what people drew, now and later, in the database")
                        ] = False,
    names: Annotated[Path | None, typer.Option(help="a CSV with label, name, and perhaps description and color; by "
                                                    "default, the table of structures says them")] = None,
    voxel_um: Annotated[tuple[float, float, float] | None, typer.Option(
        metavar="X Y Z", help="of a volume: the sides of a voxel, where its file does not say them")] = None,
    offset_um: Annotated[tuple[float, float, float] | None, typer.Option(
        metavar="X Y Z", help="of a volume: where its corner lies in the brain; by default, half a voxel before "
                              "the origin of its file, which is the middle of the first voxel; 0 where it has none")
                              ] = None,
    from_layer: Annotated[str | None, typer.Option("--layer", help="of polygons: only this layer of Neuroglancer")
                          ] = None,
) -> None:  # fmt: skip
    """Say what a layer of labels is made from; it replaces what was said before. The next run makes the layer."""
    from brainstack import label_commands as commands

    source = commands.source_of(
        layer, sections=sections, volume=volume, polygons=polygons, names=names, voxel_um=voxel_um,
        offset_um=offset_um, from_layer=from_layer,
    )  # fmt: skip
    for line in commands.add(name, source):
        typer.echo(line)


@labels_app.command("list")
def list_(name: Name) -> None:
    """A line for each layer."""
    from brainstack import label_commands as commands

    for line in commands.listed(name):
        typer.echo(line)


@labels_app.command("remove")
def remove(name: Name, layer: Layer) -> None:
    """Take a layer away, with its meshes; what it was made from is left."""
    from brainstack import label_commands as commands

    typer.echo(commands.remove(name, layer))


@labels_app.command("costs")
def costs(
    name: Name, layer: Annotated[str, typer.Argument(metavar="LAYER", help="shell, or what a layer is called")]
) -> None:
    """What each way to mesh a layer costs, of those that DifferentMesh tried."""
    from brainstack import label_commands as commands

    typer.echo(commands.costs(name, layer))
