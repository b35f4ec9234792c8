"""Pictures of an alignment: shifts along the stack, how well pairs fit, and the matrix of pairs.

All are 1600 pixels wide. What is good is grey; what people should look at differs in colour, brightness and shape, so
that it is told apart by those who see colours otherwise too.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator, StrMethodFormatter
from numpy.typing import NDArray

from brainstack.records import PairTransform, SectionAlignment

Line = NDArray[np.float64]
Numbers = Mapping[str, int]
"""Key of a section -> its number in the stack."""

DPI = 100
WIDE_PX = 1600
WORDS_PT, TITLE_PT = 17, 20
"""Of the pictures that the report shows: on A4, where 1600 pixels have 180 mm, words are 7.5 points high."""


class Look(NamedTuple):
    label: str
    colour: str
    shape: str


LOOKS = {
    "": Look("not judged", "#7c8894", "."),
    "good": Look("good", "#7c8894", "o"),
    "by hand": Look("placed by hand", "#0072b2", "D"),
    "doubtful": Look("doubtful", "#e69f00", "^"),
    "failed": Look("failed", "#8b0a50", "X"),
}
"""How a section or pair is drawn, by its verdict or that a person placed it; the later ones on top."""
EDGE: dict[str, Any] = {"markeredgecolor": "white", "markeredgewidth": 0.6}
PALE = "#c4ccd4"


def png(figure: Figure) -> bytes:
    """The figure as a PNG file; the same figure gives the same bytes."""
    file = BytesIO()
    figure.savefig(file, format="png", metadata={"Software": None})
    return file.getvalue()


# Along the stack


def shifts_figure(sections: Sequence[SectionAlignment], numbers: Numbers, title: str) -> Figure:
    """Shift and rotation of each section along the stack. A failed one has none, and is marked at the bottom.

    sections : in the order of the stack.
    """
    figure, panels = _panels_along_stack(title)
    series = {
        "shift to the right (µm)": [one.shift_x_um for one in sections],
        "shift downwards (µm)": [one.shift_y_um for one in sections],
        "rotation, clockwise (degrees)": [math.degrees(one.rotation_rad) for one in sections],
    }
    at = np.array([numbers[one.section] for one in sections], float)
    words = ["by hand" if one.by_hand else one.verdict for one in sections]
    for axes, (label, values) in zip(panels, series.items(), strict=True):
        levels = np.where([word == "failed" for word in words], np.nan, values)
        axes.plot(at, levels, color=PALE, linewidth=0.8)
        axes.set_ylabel(label)
        _draw_marked(axes, at, levels, words)
    _draw_legend(figure, words, "sections:")
    return figure


def similarity_figure(
    sections: Sequence[SectionAlignment], pairs: Sequence[PairTransform], numbers: Numbers, title: str
) -> Figure:
    """How well each section fits on the next: correlation before and after, shared tissue, and residual.

    sections : in the order of the stack. Pairs further apart than neighbours, unless they failed, are drawn by their
    residual only. What could not be measured is marked at the bottom.
    """
    figure, (likeness, overlap, residual) = _panels_along_stack(title)
    place = {one.section: place for place, one in enumerate(sections)}
    beside = [one for one in pairs if place[one.moving] - place[one.fixed] == 1]
    far = [one for one in pairs if place[one.moving] - place[one.fixed] > 1 and one.verdict != "failed"]
    at, words = _between(beside, numbers), [one.verdict for one in beside]

    before, after = _known(one.metric_before for one in beside), _known(one.metric for one in beside)
    likeness.vlines(at, before, after, color=PALE, linewidth=0.8)
    likeness.plot(at, before, marker="_", markersize=_mark_size(len(at)), **BLACK)
    likeness.set_ylabel("correlation (1 is best)")
    likeness.set_ylim(float(np.nanmin([0.0, *before, *after])) - 0.05, 1.05)
    _draw_marked(likeness, at, after, words)
    overlap.set_ylabel("tissue that both have\n(share of the smaller one's)")
    overlap.set_ylim(-0.05, 1.05)
    _draw_marked(overlap, at, _known(one.overlap for one in beside), words)
    residual.set_ylabel(f"residual (µm)\nless than {SMALLEST_UM:g} is drawn at {SMALLEST_UM:g}")
    residual.set_yscale("log")
    residual.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    residual.set_ylim(SMALLEST_UM * 0.6, 1.5 * _top_um([*beside, *far]))
    residual.plot(_between(far, numbers), _residual_um(far), marker=".", markersize=3, **BLACK)
    _draw_marked(residual, at, _residual_um(beside), words)
    bar = Line2D([], [], marker="_", markersize=11, label="before alignment", **BLACK)
    dot = Line2D([], [], marker=".", markersize=5, label="pairs further apart (residual only)", **BLACK)
    _draw_legend(figure, words, "pairs of neighbours, after alignment:", others=[bar, dot])
    return figure


BLACK: dict[str, Any] = {"color": "#111111", "linestyle": ""}
SMALLEST_UM = 0.1
"""Smaller residuals are all alike: a hundredth of a thumbnail's pixel."""


def _top_um(pairs: Iterable[PairTransform]) -> float:
    """The next power of ten above all residuals, at least 100 micrometres: a scale that seldom changes."""
    worst = max((one.residual_um for one in pairs if one.residual_um is not None), default=0.0)
    return float(10 ** math.ceil(math.log10(max(worst, 100.0))))


def _known(values: Iterable[float | None]) -> Line:
    return np.array([math.nan if value is None else value for value in values], float)


def _residual_um(pairs: Iterable[PairTransform]) -> Line:
    return np.maximum(_known(one.residual_um for one in pairs), SMALLEST_UM)


def _between(pairs: Iterable[PairTransform], numbers: Numbers) -> Line:
    """Where pairs are drawn: in the middle between their sections."""
    return np.array([(numbers[one.fixed] + numbers[one.moving]) / 2 for one in pairs], float)


def _panels_along_stack(title: str) -> tuple[Figure, list[Axes]]:
    """Three panels above each other."""
    figure = Figure(figsize=(WIDE_PX / DPI, 9.6), dpi=DPI)
    panels = list(figure.subplots(3, 1, sharex=True))
    figure.subplots_adjust(left=0.065, right=0.945, top=0.9, bottom=0.06, hspace=0.08)
    figure.text(0.5, 0.963, title, fontsize=14, ha="center")
    for axes in panels:
        axes.grid(alpha=0.3)
        axes.margins(x=0.01)
    panels[-1].set_xlabel("section number")
    panels[-1].xaxis.set_major_locator(whole_numbers())
    return figure, panels


def whole_numbers(most: int = 24) -> MaxNLocator:
    return MaxNLocator(nbins=most, integer=True, min_n_ticks=1)


def readable(axes: Any) -> None:
    """Ticks and labels of Axes, or of an axis beside them, as large as a picture on paper needs."""
    axes.tick_params(labelsize=WORDS_PT)
    for axis in (axes.xaxis, axes.yaxis):
        axis.label.set_size(WORDS_PT)


def _mark_size(count: int) -> float:
    """In points: smaller where there are many."""
    return 8 if count <= 60 else 5 if count <= 200 else 4


def _draw_marked(axes: Axes, at: Line, levels: Line, words: Sequence[str]) -> None:
    """Each value with the look of its word; what is NaN goes to the bottom of the panel, which gets room for it."""
    if not np.isfinite(levels).all():
        axes.plot(at, levels, linestyle="")
        axes.autoscale_view()  # where no limits are set, these are the values'
        to_data = (axes.transScale + axes.transLimits).inverted()
        axes.set_ylim(bottom=to_data.transform((0, -0.12))[1])
        axes.text(1.005, 0.05, "no value", transform=axes.transAxes, fontsize=9, va="center")
    for word, look in LOOKS.items():
        size = _mark_size(len(at)) * (1 if look.colour == LOOKS["good"].colour else 1.7)
        style = EDGE | {"color": look.colour, "markersize": size, "linestyle": "", "zorder": 3}
        chosen = np.array([one == word for one in words], bool)
        known, lost = chosen & np.isfinite(levels), chosen & ~np.isfinite(levels)
        axes.plot(at[known], levels[known], marker=look.shape, **style)
        axes.plot(at[lost], np.full(lost.sum(), 0.05), marker=look.shape, transform=axes.get_xaxis_transform(), **style)


def _draw_legend(
    figure: Figure, words: Sequence[str], of: str, *, others: Sequence[Line2D] = (), height: float = 0.932,
    words_pt: float = 11,
) -> None:  # fmt: skip
    """One line below the title: each look that occurs, and how often."""
    entries = [
        Line2D([], [], color=look.colour, marker=look.shape, linestyle="", markersize=9,
               label=f"{look.label} ({words.count(word)})")
        for word, look in LOOKS.items() if word in words
    ]  # fmt: skip
    handles = [Line2D([], [], linestyle="", label=of), *entries, *others]
    figure.legend(handles=handles, loc="center", bbox_to_anchor=(0.5, height), ncols=len(handles), frameon=False,
                  fontsize=words_pt, handletextpad=0.2)  # fmt: skip


# The matrix of pairs

SQUARE = 60
"""The matrix of so many sections can be read at this size."""
STRIP = 110
"""Sections beside each other in a strip of a longer stack: 12 pixels each, room for a cross."""

UNMARKED = ("", "good")
"""Verdicts of pairs whose colour says all."""

Cells = Mapping[tuple[int, int], PairTransform]
"""(column, row) of a picture -> the pair that is drawn there."""


def pairs_figure(
    sections: Sequence[SectionAlignment], pairs: Sequence[PairTransform], numbers: Numbers, title: str
) -> Figure:
    """The residual of each pair as a colour, failed ones crossed out: section by section, or, of a long stack, the band
    beside the diagonal laid flat: section by distance, in strips.

    sections : in the order of the stack.
    """
    slots = max(numbers.values(), default=0) + 1
    norm = LogNorm(1, _top_um(pairs), clip=True)
    if slots <= SQUARE:
        figure, panels = _square(pairs, numbers, range(slots), norm)
    else:
        place = {one.section: place for place, one in enumerate(sections)}
        apart = {(numbers[one.fixed], place[one.moving] - place[one.fixed]): one for one in pairs}
        figure, panels = _strips(apart, slots, norm)
    inches = figure.get_figheight()
    figure.text(0.5, 1 - 0.42 / inches, title, fontsize=TITLE_PT, ha="center")
    drawn = [one.verdict for one in pairs if one.verdict not in UNMARKED]
    empty = Line2D([], [], color="white", marker="s", linestyle="", markersize=14, markeredgecolor="#111111",
                   label="no such pair, or no residual")  # fmt: skip
    _draw_legend(figure, drawn, f"pairs ({len(pairs)}):", others=[empty], height=1 - 0.78 / inches, words_pt=WORDS_PT)
    room = figure.add_axes((0.895, BELOW / inches, 0.015, 1 - (ABOVE + BELOW) / inches))
    bar = figure.colorbar(panels[0].images[0], cax=room, format=FuncFormatter(_level))
    bar.set_label("residual (µm)")
    for axes in (*panels, room):
        readable(axes)
    return figure


ABOVE, BELOW = 1.1, 0.9
"""Inches above and below what is drawn, for words."""


def _level(residual_um: float, _: Any) -> str:
    """Of the colours: less than 1 µm has the colour of 1."""
    return "≤ 1" if residual_um <= 1 else f"{residual_um:g}"


def _square(pairs: Iterable[PairTransform], numbers: Numbers, slots: range, norm: LogNorm) -> tuple[Figure, list[Axes]]:
    inches = 10
    figure = Figure(figsize=(WIDE_PX / DPI, inches), dpi=DPI)
    axes = figure.add_axes((0.065, BELOW / inches, 0.81, 1 - (ABOVE + BELOW) / inches))
    cells = {(numbers[one.fixed], numbers[one.moving]): one for one in pairs}
    _draw_cells(axes, cells | {(row, column): one for (column, row), one in cells.items()}, slots, slots, norm)
    axes.set_xlabel("section number")
    axes.set_ylabel("section number")
    return figure, [axes]


def _strips(apart: Cells, slots: int, norm: LogNorm) -> tuple[Figure, list[Axes]]:
    """apart : pairs by the number of the first section, and by how many sections the second is behind it."""
    count, reach = -(-slots // STRIP), max((distance for _, distance in apart), default=1)
    strip_inches, between = 0.35 * max(reach, 2), 0.6
    inches = ABOVE + BELOW + count * (strip_inches + between) - between
    figure = Figure(figsize=(WIDE_PX / DPI, inches), dpi=DPI)
    panels = list(np.atleast_1d(figure.subplots(count, 1)))
    figure.subplots_adjust(left=0.065, right=0.875, top=1 - ABOVE / inches, bottom=BELOW / inches,
                           hspace=between / strip_inches)  # fmt: skip
    for strip, axes in enumerate(panels):
        _draw_cells(axes, apart, range(strip * STRIP, (strip + 1) * STRIP), range(1, reach + 1), norm)
    figure.text(0.02, 0.5, "sections apart", fontsize=WORDS_PT, rotation=90, ha="center", va="center")
    panels[-1].set_xlabel("section number (of the first of the two)")
    return figure, panels


def _draw_cells(axes: Axes, cells: Cells, columns: range, rows: range, norm: LogNorm) -> None:
    inside = {cell: one for cell, one in cells.items() if cell[0] in columns and cell[1] in rows}
    residual_um = np.full((len(rows), len(columns)), np.nan)
    for (column, row), one in inside.items():
        residual_um[row - rows.start, column - columns.start] = math.nan if one.residual_um is None else one.residual_um
    edges = (columns.start - 0.5, columns.stop - 0.5, rows.stop - 0.5, rows.start - 0.5)
    axes.imshow(residual_um, norm=norm, cmap="viridis", extent=edges, interpolation="nearest", aspect="auto")
    for word, look in LOOKS.items():
        at = [cell for cell, one in inside.items() if one.verdict == word and word not in UNMARKED]
        axes.plot([column for column, _ in at], [row for _, row in at], look.shape, color=look.colour,
                  markersize=min(14, 900 / len(columns)), **EDGE)  # fmt: skip
    axes.xaxis.set_major_locator(whole_numbers())
    axes.yaxis.set_major_locator(whole_numbers())
