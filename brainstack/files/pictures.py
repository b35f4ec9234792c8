"""Pictures for people: PNG files that a browser shows."""

from __future__ import annotations

from pathlib import Path

import cv2
import matplotlib
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from brainstack.files.whole import whole_file

matplotlib.use("Agg")  # a run has no screen


def write_png(path: Path, picture: NDArray[np.uint8]) -> None:
    """Write a picture (rows, columns) or (rows, columns, 3) RGB, uint8."""
    with whole_file(path) as part:
        stored = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
        _, encoded = cv2.imencode(".png", stored)
        part.write_bytes(encoded.tobytes())  # which, unlike OpenCV, says when the disk is full


def write_histogram(path: Path, counts: NDArray[np.int64], edges: NDArray[np.float64], title: str) -> None:
    """Write a bar plot with a logarithmic axis of counts: how many pixels have which grey value.

    counts : (bins,), or (3, bins) of red, green and blue, each drawn as a line of its colour. edges : (bins + 1,).
    """
    figure = Figure(figsize=(8, 4.5), dpi=100)
    axes = figure.add_axes((0.09, 0.12, 0.88, 0.8))  # a layout engine would take most of the time
    if counts.ndim == 1:
        axes.stairs(counts, edges, fill=True, color="#33527a")
    else:
        for colour, shade in zip(counts, ("#d62728", "#2ca02c", "#1f50d4"), strict=True):
            axes.stairs(colour, edges, color=shade, linewidth=1.4)
    axes.set_ylim(0.5, 2 * max(1, counts.max()))
    axes.set_yscale("log", nonpositive="clip")
    axes.minorticks_off()
    axes.set_xlim(0, edges[-1])
    axes.set_title(title, fontsize=10)
    axes.set_xlabel("grey value")
    axes.set_ylabel("pixels of tissue")
    axes.grid(alpha=0.3)
    with whole_file(path) as part:
        figure.savefig(part, format="png", metadata={"Software": None})
