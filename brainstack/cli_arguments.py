"""What commands of `brainstack` are given alike."""

from __future__ import annotations

from typing import Annotated

import typer

Name = Annotated[str, typer.Argument(help="name of the animal, such as DK39")]
