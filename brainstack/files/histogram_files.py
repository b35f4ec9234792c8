"""Histograms: drawn, as PNG files that a browser shows, and their numbers as CSV."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from brainstack.files.whole import whole_file

matplotlib.use("Agg")  # a run has no screen

COLOURS = ("#d62728", "#2ca02c", "#1f50d4")
"""In which red, green and blue are drawn."""


@dataclass(frozen=True)
class Mark:
    """A vertical line on a histogram: at a grey value, with what it means."""

    level: float
    label: str
    colour: str = "#c23b22"


def write_histogram(
    path: Path,
    counts: NDArray[np.int64],
    edges: NDArray[np.int64],
    title: str,
    *,
    tallest: int,
    marks: Sequence[Mark] = (),
    of: str = "pixels of tissue",
    beside: str = "",
) -> None:
    """Write a plot with a logarithmic axis of counts: how many pixels have which grey value.

    counts : (bins,), or (3, bins) of red, green and blue, each drawn as a line of its colour. edges : (bins + 1,) grey
    values. tallest : pixels at the top. marks : those beyond the last edge are named, and not drawn. of : what was
    counted. beside : what the axis does not show, in words.
    """
    figure = Figure(figsize=(8, 4.8), dpi=100)
    axes = figure.add_axes((0.09, 0.11, 0.88, 0.71))  # a layout engine would take most of the time
    if counts.ndim == 1:
        axes.stairs(counts, edges, fill=True, color="#33527a")
    else:
        for colour, shade in zip(counts, COLOURS, strict=True):
            axes.stairs(colour, edges, color=shade, linewidth=1.4)
    axes.set_ylim(0.5, tallest)
    axes.set_yscale("log", nonpositive="clip")
    axes.minorticks_off()
    axes.set_xlim(0, edges[-1])
    _draw_marks(axes, marks, int(edges[-1]))
    figure.text(0.53, 0.955, title, fontsize=10, ha="center")
    axes.set_xlabel("grey value" + (f"; {beside}" if beside else ""))
    axes.set_ylabel(of)
    axes.grid(alpha=0.3)
    with whole_file(path) as part:
        figure.savefig(part, format="png", metadata={"Software": None})


def _draw_marks(axes: Axes, marks: Sequence[Mark], end: int) -> None:
    """Each line over all of the bars, and its words above them, in two columns, in the colour of the line."""
    rows = -(-len(marks) // 2)
    for place, mark in enumerate(marks):
        is_inside = 0 <= mark.level <= end
        if is_inside:
            axes.axvline(mark.level, color=mark.colour, linewidth=1.2)
        words = f"| {mark.label} ({mark.level:.0f})" + ("" if is_inside else ", beyond this axis")
        column, row = divmod(place, rows)
        axes.text(0.5 * column, 1.02 + 0.055 * (rows - 1 - row), words, transform=axes.transAxes, fontsize=8,
                  color=mark.colour)  # fmt: skip


def write_counts(path: Path, counts: NDArray[np.int64], starts: NDArray[np.int64], highest: int) -> None:
    """Write a histogram's numbers as CSV: rows with `from` and `to`, their first and last grey value.

    counts : (rows,), written as `pixels`; or (3, rows), as `red`, `green`, `blue`. starts : (rows,), the first grey
    value of each. highest : of the type, where the last row ends.
    """
    columns = counts[np.newaxis] if counts.ndim == 1 else counts
    names = ("pixels",) if counts.ndim == 1 else ("red", "green", "blue")
    last = np.append(starts[1:] - 1, highest)
    with whole_file(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("from", "to", *names))
        writer.writerows(zip(starts.tolist(), last.tolist(), *columns.tolist(), strict=True))
