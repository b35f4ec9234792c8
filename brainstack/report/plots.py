"""Plots as SVG, a part of the page: sharp in print, their text is text, and a dot leads to the section that it is of.

Drawn here and not by Matplotlib, which takes longer for one of them than all of a report of a small animal may take,
and whose dots neither lead anywhere nor say what they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape

from brainstack.report.scales import Axis, linear, number

WIDE, LEFT, RIGHT = 920, 96, 30
TOP, BOTTOM, BETWEEN = 14, 46, 16
LINE = 16
MANY = 150
"""Pixels; the page shows them as they are where it is wide enough. MANY : dots of a panel, beyond which those that are
good are drawn smaller."""


@dataclass(frozen=True)
class Look:
    """How a dot is drawn. shape : see SHAPES."""

    label: str
    colour: str
    shape: str


LOOKS = {
    "": Look("not judged", "#7c8894", "dot"),
    "good": Look("good", "#66727e", "dot"),
    "before": Look("before alignment", "#111111", "dash"),
    "by hand": Look("by hand", "#0072b2", "diamond"),
    "mended": Look("found with the neighbours' help", "#009e73", "square"),
    "doubtful": Look("doubtful", "#e69f00", "triangle"),
    "failed": Look("failed", "#8b0a50", "cross"),
}
"""By verdict. Told apart by shape and brightness too, in print and by those who see colours otherwise; the later ones
lie on top."""
SHAPES = {
    "dot": "M-3.4 0a3.4 3.4 0 1 0 6.8 0a3.4 3.4 0 1 0-6.8 0Z",
    "dash": "M-4 -0.8H4V0.8H-4Z",
    "diamond": "M0 -5.4L5.4 0L0 5.4L-5.4 0Z",
    "square": "M-4.2 -4.2H4.2V4.2H-4.2Z",
    "triangle": "M0 -5.8L5.6 4.6H-5.6Z",
    "cross": "M-5.4 -3.2L-3.2 -5.4L0 -2.2L3.2 -5.4L5.4 -3.2L2.2 0L5.4 3.2L3.2 5.4L0 2.2L-3.2 5.4L-5.4 3.2L-2.2 0Z",
}
"""Paths about (0, 0)."""


@dataclass(frozen=True)
class Dot:
    """y : None where there is no value: it is drawn below the axis. said : what it is, shown where the pointer rests.
    leads_to : the id on the page of what it is of; "" for none."""

    x: float
    y: float | None
    look: str = "good"
    said: str = ""
    leads_to: str = ""


@dataclass(frozen=True)
class Curve:
    """A line through points (x, y), broken where y is None. dash : as SVG has it; "" for none. steps : of a histogram:
    flat from each x to the next. label : in the legend; "" for none."""

    points: Sequence[tuple[float, float | None]]
    colour: str = "#b4bdc6"
    width: float = 1.2
    dash: str = ""
    is_filled: bool = False
    label: str = ""


@dataclass(frozen=True)
class Upright:
    """A vertical line with what it means."""

    x: float
    label: str
    colour: str


@dataclass(frozen=True)
class Panel:
    """One of several plots above each other. label : of its axis, with the unit; lines are parted by a line break."""

    label: str
    axis: Axis
    curves: Sequence[Curve] = ()
    dots: Sequence[Dot] = ()
    uprights: Sequence[Upright] = ()
    shaded: tuple[float, float] | None = None
    height: int = 150


def figure(panels: Sequence[Panel], axis: Axis, label: str, title: str, *, width: int = WIDE) -> str:
    """Panels above each other on one axis from left to right. label : of that axis. title : for those who do not see
    it."""
    legend = _legend(panels)
    top = TOP + (LINE + 6 if legend else 0)
    tops = [top + sum(one.height + BETWEEN for one in panels[:place]) for place in range(len(panels))]
    bottom = tops[-1] + panels[-1].height
    parts = [legend]
    for panel, at in zip(panels, tops, strict=True):
        parts += _drawn(panel, axis, at, width, is_last=panel is panels[-1])
    parts.append(_text(LEFT + (width - LEFT - RIGHT) / 2, bottom + 38, label, "middle", "name"))
    return _svg(parts, width, bottom + BOTTOM, title)


def bars(rows: Sequence[tuple[str, float, str]], title: str, *, width: int = WIDE, left: int = 150) -> str:
    """A bar a row, from left to right. rows : name, length, and what is written behind it."""
    longest = max((length for _, length, _ in rows), default=0.0) or 1.0
    room = width - left - 200
    parts = []
    for place, (name, length, said) in enumerate(rows):
        y = 6 + place * 22
        wide = max(1.0, room * length / longest)
        parts.append(_text(left - 8, y + 12, name, "end"))
        parts.append(f'<rect x="{left}" y="{y}" width="{wide:.1f}" height="15" fill="#33527a" rx="1.5"/>')
        parts.append(_text(left + wide + 7, y + 12, said, "start", "quiet"))
    return _svg(parts, width, 12 + 22 * len(rows), title)


def _drawn(panel: Panel, axis: Axis, top: int, width: int, *, is_last: bool) -> Iterable[str]:
    right, bottom = width - RIGHT, top + panel.height

    def across(value: float) -> float:
        return LEFT + axis.share(value) * (right - LEFT)

    def down(value: float) -> float:
        return bottom - panel.axis.share(value) * panel.height

    if panel.shaded:
        start, end = (across(value) for value in panel.shaded)
        yield f'<rect x="{start:.1f}" y="{top}" width="{end - start:.1f}" height="{panel.height}" fill="#f1ecd9"/>'
    yield from (_line(LEFT, down(tick), right, down(tick), "#e3e7eb") for tick in panel.axis.ticks)
    yield from (_line(across(tick), top, across(tick), bottom, "#eef1f3") for tick in axis.ticks)
    yield from (_text(LEFT - 8, down(tick) + 4, number(tick), "end") for tick in panel.axis.ticks)
    if is_last:
        yield from (_text(across(tick), bottom + 18, number(tick), "middle") for tick in axis.ticks)
    for curve in panel.curves:
        yield from _curve([(across(x), None if y is None else down(y)) for x, y in curve.points], curve, bottom)
    yield f'<path d="M{LEFT} {top}V{bottom}H{right}" fill="none" stroke="#56616c"/>'
    yield from _uprights(panel, across, top, bottom)
    is_crowded = len(panel.dots) > MANY
    for name, look in LOOKS.items():
        is_small = is_crowded and look.shape in ("dot", "dash")
        yield from (_dot(one, across(one.x), bottom - 7 if one.y is None else down(one.y), is_small=is_small)
                    for one in panel.dots if one.look == name)  # fmt: skip
    for place, line in enumerate(lines := panel.label.split("\n")):
        x, y = (22 if len(lines) == 1 else 13 + LINE * place), top + panel.height / 2
        turned = f'class="name" transform="translate({x:.0f} {y:.0f}) rotate(-90)" text-anchor="middle"'
        yield f"<text {turned}>{escape(line)}</text>"
    if any(one.y is None for one in panel.dots):
        yield _text(right, bottom - 4, "no value", "end", "quiet")


def _uprights(panel: Panel, across: Callable[[float], float], top: int, bottom: int) -> Iterable[str]:
    """Each line with its words at the top: of the first to its left, where there is room, of others to the right."""
    for place, one in enumerate(panel.uprights):
        x, y = across(one.x), top + 13 + place * LINE
        is_left = x > WIDE * 0.8 or (place == 0 and x > LEFT + 90)
        at, anchor = (x - 6, "end") if is_left else (x + 6, "start")
        yield f'<path d="M{x:.1f} {top}V{bottom}" stroke="{one.colour}" stroke-width="1.4"/>'
        words = f'x="{at:.1f}" y="{y}" text-anchor="{anchor}" style="fill:{one.colour}"'
        yield f'<text {words} class="mark">{escape(one.label)}</text>'


def _curve(points: Sequence[tuple[float, float | None]], curve: Curve, bottom: float) -> Iterable[str]:
    pieces: list[list[tuple[float, float]]] = [[]]
    for x, y in points:
        if y is None:
            pieces.append([])
        else:
            pieces[-1].append((x, y))
    dash = f' stroke-dasharray="{curve.dash}"' if curve.dash else ""
    for piece in pieces:
        if not piece:
            continue
        path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in piece)
        if curve.is_filled:
            path += f"L{piece[-1][0]:.1f} {bottom:.1f}L{piece[0][0]:.1f} {bottom:.1f}Z"
            yield f'<path d="{path}" fill="{curve.colour}" stroke="none"/>'
        else:
            yield f'<path d="{path}" fill="none" stroke="{curve.colour}" stroke-width="{curve.width}"{dash}/>'


def _dot(dot: Dot, x: float, y: float, *, is_small: bool = False) -> str:
    """is_small : one of many that are not to be looked at."""
    look = LOOKS[dot.look]
    said = f"<title>{escape(dot.said)}</title>" if dot.said else ""
    edge = "" if look.shape == "dash" else ' stroke="#fff" stroke-width="0.8"'
    scale = " scale(0.6)" if is_small else ""
    place = f'transform="translate({x:.1f} {y:.1f}){scale}" fill="{look.colour}"'
    drawn = f'<path d="{SHAPES[look.shape]}" {place}{edge}>{said}</path>'
    return f'<a href="#{escape(dot.leads_to)}">{drawn}</a>' if dot.leads_to else drawn


def _legend(panels: Sequence[Panel]) -> str:
    """Each look that occurs, but where all are good, and each line that has a name."""
    found = {dot.look for panel in panels for dot in panel.dots}
    shown = [one for name, one in LOOKS.items() if name in found] if found - {"good"} else []
    curves = {one.label: one for panel in panels for one in panel.curves if one.label}
    parts, x = [], LEFT
    for look in shown:
        parts.append(f'<path d="{SHAPES[look.shape]}" transform="translate({x + 6} {TOP})" fill="{look.colour}"/>')
        parts.append(_text(x + 16, TOP + 4, look.label, "start"))
        x += 34 + round(6.6 * len(look.label))
    for curve in curves.values():
        dash = f' stroke-dasharray="{curve.dash}"' if curve.dash else ""
        parts.append(f'<path d="M{x} {TOP}h22" stroke="{curve.colour}" stroke-width="{max(curve.width, 1.6)}"{dash}/>')
        parts.append(_text(x + 28, TOP + 4, curve.label, "start"))
        x += 46 + round(6.6 * len(curve.label))
    return "".join(parts)


def _line(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    return f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" stroke="{colour}"/>'


def _text(x: float, y: float, words: str, anchor: str, kind: str = "") -> str:
    kinds = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{kinds}>{escape(words)}</text>'


def _svg(parts: Iterable[str], width: float, height: float, title: str) -> str:
    return (
        f'<svg class="plot" viewBox="0 0 {width} {height:.0f}" width="{width}" height="{height:.0f}" role="img" '
        f'aria-label="{escape(title)}">{"".join(parts)}</svg>'
    )


def strips(names: Sequence[str], measures: Sequence[tuple[str, Sequence[float | None]]], title: str) -> str:
    """A small plot for each measure, three beside each other: a row for each name, a dot where its value lies, from 0.

    measures : what is measured, with its unit, and a value for each name; None where it is not known.
    """
    beside, gap = 3, 26
    left = min(170, 24 + round(8.4 * max((len(name) for name in names), default=0)))
    wide, high = (WIDE - (beside - 1) * gap) / beside, 50 + 18 * len(names)
    parts = []
    for place, (label, values) in enumerate(measures):
        row, column = divmod(place, beside)
        x, y = column * (wide + gap), row * (high + gap)
        start = x + (left if column == 0 else 8)
        known = [value for value in values if value is not None]
        is_counted = all(value == round(value) for value in known)
        axis = linear([*known, 0.0], most=3, include=(0.0,), whole=is_counted)
        across = [None if value is None else start + axis.share(value) * (x + wide - 8 - start) for value in values]
        parts.append(_text(start, y + 13, label, "start", "name"))
        for tick in axis.ticks:
            at = start + axis.share(tick) * (x + wide - 8 - start)
            parts += [_line(at, y + 22, at, y + 26 + 18 * len(names), "#e3e7eb"),
                      _text(at, y + 42 + 18 * len(names), number(tick), "middle")]  # fmt: skip
        for line, (name, value, dot_at) in enumerate(zip(names, values, across, strict=True)):
            middle = y + 34 + 18 * line
            parts.append(_line(start, middle, x + wide - 8, middle, "#eef1f3"))
            if column == 0:
                parts.append(_text(x + left - 10, middle + 4, name, "end"))
            if value is None or dot_at is None:
                parts.append(_text(start + 4, middle + 4, "not known", "start", "quiet"))
            else:
                parts.append(_dot(Dot(0, value, "by hand", f"{name}: {value:.4g}"), dot_at, middle))
    rows = -(-len(measures) // beside)
    return _svg(parts, WIDE, rows * (high + gap), title)
