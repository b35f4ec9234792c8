"""The stack from the side and from above, before and after its alignment: ragged edges are jitter, bent ones drift."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple

import cv2
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from brainstack.images.alignment_plots import DPI, WIDE_PX, WORDS_PT, readable, whole_numbers

Plane = NDArray[np.float32]

SLAB_SHARE = 0.03
"""Of the canvas: thin, so that outlines and layers are sharp, and thick enough that a vessel is no hole."""


class Slab(NamedTuple):
    """The middle of a section. side : (rows,), mean over its middle columns. top : (columns,), over its middle rows."""

    side: Plane
    top: Plane


class StackViews(NamedTuple):
    """A stack cut through its middle, a column for each slot: side (rows, slots), top (columns, slots)."""

    side: Plane
    top: Plane


def slab_of(image: NDArray[Any], share: float = SLAB_SHARE) -> Slab:
    """image : (rows, columns), any type. share : of the canvas that the slab is thick; at least one pixel."""
    rows, columns = (_middle(length, share) for length in image.shape)
    return Slab(image[:, columns].mean(axis=1, dtype=np.float32), image[rows].mean(axis=0, dtype=np.float32))


def _middle(length: int, share: float) -> slice:
    thick = max(1, round(length * share))
    first = (length - thick) // 2
    return slice(first, first + thick)


def stack_views(slabs: Iterable[tuple[int, Slab]], canvas: tuple[int, int], slots: int) -> StackViews:
    """slabs : of each section its number and its slab; one at a time is held. canvas : (rows, columns). slots : of the
    stack; those without a section stay 0."""
    views = StackViews(*(np.zeros((length, slots), np.float32) for length in canvas))
    for number, slab in slabs:
        for view, line in zip(views, slab, strict=True):
            view[:, number] = line
    return views


ALONG_PX, ACROSS_PX = 650, 460
"""Of a view along the stack, and across it at most."""
LEFT_PX, ABOVE_PX, BELOW_PX = 110, 160, 85
"""Room for words beside a view."""
CELL_PX = WIDE_PX // 2, ABOVE_PX + ACROSS_PX + BELOW_PX
"""(width, height) of a view with its words: a quarter of the picture, so that the report, which has no room for two
beside each other on a telephone, can part them."""


def views_figure(
    before: StackViews, after: StackViews, *, pixel_size_um: float, thickness_um: float, title: str
) -> Figure:
    """From the side in the upper half, from above in the lower, before on the left, after on the right, in one grey
    scale.

    Lengths across the stack have the same scale everywhere; those along it are stretched to fill the picture, by a
    factor that stands there. thickness_um : from one section to the next. title : what all are of.
    """
    pixel_mm, section_mm = pixel_size_um / 1000, thickness_um / 1000
    stack_mm = before.side.shape[1] * section_mm
    across_mm = [pixel_mm * max(len(one), len(other)) for one, other in zip(before, after, strict=True)]
    px_per_mm = min(ACROSS_PX / max(across_mm), ALONG_PX / stack_mm)
    white = _white([*before, *after])
    stretch = ALONG_PX / (stack_mm * px_per_mm)

    figure = Figure(figsize=(2 * CELL_PX[0] / DPI, 2 * CELL_PX[1] / DPI), dpi=DPI)
    for row, (name, label) in enumerate((("from the side", "rows (mm)"), ("from above", "columns (mm)"))):
        for column, (when, views) in enumerate((("before", before), ("after", after))):
            view_mm = pixel_mm * len(views[row])
            axes = _cell(figure, row, column, f"{title}\n{name}, {when} alignment", px_per_mm * across_mm[row])
            shown = resized(views[row], max(1, round(px_per_mm * view_mm)), ALONG_PX)
            _draw_view(axes, shown, view_mm, stack_mm, section_mm, white=white)
            axes.set_ylim(across_mm[row], 0)
            axes.set_ylabel(label)
            axes.set_xlabel(f"along the stack (mm), drawn {stretch:.3g} times as long")
            readable(axes)
    return figure


def _cell(figure: Figure, row: int, column: int, title: str, high_px: float) -> Axes:
    """Axes at the upper end of a quarter, with its title; high_px : of the axes."""
    wide, high = 2 * CELL_PX[0], 2 * CELL_PX[1]
    top_px = high - row * CELL_PX[1]
    figure.text((column + 0.5) / 2, (top_px - 14) / high, title, fontsize=WORDS_PT, ha="center", va="top")
    left_px, high_px = column * CELL_PX[0] + LEFT_PX, max(1, round(high_px))
    bottom_px = top_px - ABOVE_PX - high_px
    return figure.add_axes((left_px / wide, bottom_px / high, ALONG_PX / wide, high_px / high))


def _draw_view(axes: Axes, shown: Plane, view_mm: float, stack_mm: float, section_mm: float, *, white: float) -> None:
    """Axes whose 0 is the middle of the first section, and the first row or column of the canvas."""
    edges = (-0.5 * section_mm, stack_mm - 0.5 * section_mm, view_mm, 0)
    axes.imshow(shown, extent=edges, cmap="gray", vmin=0, vmax=white, interpolation="nearest", aspect="auto")
    axes.set_facecolor("black")
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.yaxis.set_major_locator(MaxNLocator(6))
    numbers = axes.secondary_xaxis(
        "top", functions=(partial(np.multiply, 1 / section_mm), partial(np.multiply, section_mm))
    )
    numbers.set_xlabel("section number", labelpad=8)
    numbers.xaxis.set_major_locator(whole_numbers(8))
    readable(numbers)


def _white(planes: Sequence[Plane]) -> float:
    """The grey value that is drawn white: but for a few pixels the brightest of all."""
    lit = np.concatenate([plane[plane > 0] for plane in planes])
    return float(np.quantile(lit, 0.995)) if lit.size else 1.0


def resized(plane: Plane, rows: int, columns: int) -> Plane:
    """A picture of so many pixels, each the mean of what it covers: no section spreads into one beside it, nor is one
    left out."""
    times = [-(-wanted // found) for wanted, found in zip((rows, columns), plane.shape, strict=True)]
    fine = plane.repeat(times[0], axis=0).repeat(times[1], axis=1)
    return np.asarray(cv2.resize(fine, (columns, rows), interpolation=cv2.INTER_AREA), np.float32)
