"""`brainstack view`, `state` and `screenshot`: an animal in Neuroglancer."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from brainstack.cli_arguments import Name
from brainstack.errors import BrainstackError
from brainstack.screenshot import Layout, size_of

PORT = 8090


def register(app: typer.Typer) -> None:
    """app : of brainstack."""
    app.command()(view)
    app.command()(state)
    app.command()(screenshot)


def view(
    name: Annotated[str | None, typer.Argument(help="of the animal, such as DK39; without it, all animals")] = None,
    port: Annotated[int, typer.Option(help="of this computer; 0 for any that is free")] = PORT,
    host: Annotated[str, typer.Option(help="address that is listened at; 0.0.0.0 for all computers of the network, "
                                           "who may then read all volumes")] = "127.0.0.1",
) -> None:  # fmt: skip
    """Serve animals with a Neuroglancer client that shows all their layers, and print the link. Needs no internet."""
    from brainstack.environment import animal_folder, data_root, public_url
    from brainstack.planning import look
    from brainstack.showing import AnimalsOnDisk, keep_state, shown
    from brainstack.viewer_server import ViewerServer, how_to_open
    from brainstack.viewing import state_of

    if name is not None:
        state_of(look(name))  # says so where there is nothing to be seen
    animals = AnimalsOnDisk(data_root()) if name is None else {name: shown(animal_folder(name))}
    server = ViewerServer(animals, port=port, host=host, public_url=public_url())
    if name is not None:
        try:
            keep_state(name, public_url() or server.url.rstrip("/"))
        except BrainstackError as error:  # of somebody who may read the database only
            typer.echo(f"The state was not kept in the database: {error}", err=True)
    server.start()
    typer.echo(how_to_open(server.url))
    if public_url():
        typer.echo(f"Others open {public_url()}/{name or ''}")
    sys.stdout.flush()
    server.run()


def state(
    name: Name,
    to: Annotated[Path | None, typer.Option(metavar="FILE.json", help="write the state there as well")] = None,
) -> None:
    """Keep what `view` shows of an animal in the database, as Neuroglancer's state, and print its link."""
    from brainstack.environment import public_url
    from brainstack.files.whole import write_json
    from brainstack.showing import keep_state

    base = public_url() or f"http://127.0.0.1:{PORT}"
    number, kept = keep_state(name, base)
    typer.echo(f"State {number} of the database shows {', '.join(layer['name'] for layer in kept['layers'])}.")
    typer.echo(f"{base}/{name}")
    if not public_url():
        typer.echo("That is this computer's own: [viewer] public_url in luigi.cfg says where others reach it.")
    if to is not None:
        write_json(to, kept)
        typer.echo(f"written: {to}")


def screenshot(
    name: Name,
    file: Annotated[Path, typer.Argument(metavar="FILE.png", help="to be written")],
    size: Annotated[str, typer.Option(metavar="WIDTHxHEIGHT", help="of the page in pixels")] = "1280x800",
    layout: Annotated[Layout, typer.Option(help="which panels")] = Layout.FOUR_PANELS,
    section: Annotated[int | None, typer.Option(min=0, help="number of the one shown; by default the middle")] = None,
) -> None:
    """Write a picture of what `view` shows, once all of it is drawn. Needs Chromium, and no screen."""
    from brainstack.planning import look
    from brainstack.screenshot import write_screenshot

    write_screenshot(look(name), file, size=size_of(size), layout=layout, section=section)
    typer.echo(f"written: {file}")
