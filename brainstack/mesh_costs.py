"""What each way to mesh a layer of labels costs, for people to choose."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from brainstack.errors import BrainstackError
from brainstack.files.whole import whole_file

OWN = "own"
"""What a layer's own meshes are called among the others."""

HEADINGS = ("variant", "mip", "error um", "triangles", "bytes", "seconds", "mean um", "95 % um", "largest um")


@dataclass(frozen=True)
class MeshCost:
    """What the meshes of a layer cost. variant : OWN, or such as "mip_1_err_20". triangles : of the finest level of
    detail. bytes : of all levels. seconds : that they took, None where it was not measured. mean_um, most_um,
    largest_um : how far they are from the full surface (mip 0, no error) on average, in 95 % of places, and at most.
    """

    variant: str
    mip: int
    error_um: float
    triangles: int
    bytes: int
    seconds: float | None
    mean_um: float
    most_um: float
    largest_um: float

    def to_json(self) -> dict[str, object]:
        """For a file; `read_costs` reads it."""
        return asdict(self)


def variant_name(mip: int, error_um: float) -> str:
    """What meshes of a level of the volume, made with an error, are called."""
    return f"mip_{mip}_err_{error_um:g}"


def read_costs(folder: Path) -> list[MeshCost]:
    """All that is known of a layer, the cheapest last."""
    costs = []
    for path in sorted(folder.glob("[!.]*.json")):
        try:
            costs.append(MeshCost(**json.loads(path.read_text())))
        except (ValueError, TypeError) as error:
            raise BrainstackError(f"{path} is damaged; delete it, and make those meshes again.") from error
    return sorted(costs, key=lambda one: (-one.triangles, one.variant))


def write_table(path: Path, costs: Iterable[MeshCost]) -> None:
    """Write them as CSV."""
    with whole_file(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADINGS)
        writer.writerows(_cells(one) for one in costs)


def table(costs: Sequence[MeshCost]) -> str:
    """The same for a terminal."""
    rows = [HEADINGS, *(_cells(one, grouped=True) for one in costs)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    return "\n".join(
        "  ".join(cell.ljust(width) if not column else cell.rjust(width)
                  for column, (cell, width) in enumerate(zip(row, widths, strict=True))).rstrip()
        for row in rows
    )  # fmt: skip


def _cells(one: MeshCost, *, grouped: bool = False) -> tuple[str, ...]:
    comma = "," if grouped else ""
    seconds = "" if one.seconds is None else f"{one.seconds:.1f}"
    return (
        one.variant, str(one.mip), f"{one.error_um:g}", f"{one.triangles:{comma}}", f"{one.bytes:{comma}}", seconds,
        f"{one.mean_um:.2f}", f"{one.most_um:.2f}", f"{one.largest_um:.2f}",
    )  # fmt: skip
