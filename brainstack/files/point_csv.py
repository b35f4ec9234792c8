"""A layer of points as CSV: a row an annotation, its columns named by what they hold.

x_um, y_um, z_um        where it is: micrometres from the corner of the aligned volume
end_x_um ...            the other end: it is a line
corner_x_um ...         the opposite corner: it is a box
radius_x_um ...         its radii: it is an ellipsoid
polyline                rows with the same word here, one below the other, are one polyline
id                      a whole number of its own; 1, 2, 3 ... where there is no such column
<name>_ids              whole numbers, with spaces between: to which objects it is related
all others              what is said of it: numbers, words, or colours such as #ff8000. `name:text` for words that may
                        look like numbers
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainstack.errors import BrainstackError
from brainstack.files.point_columns import Column, Numbers, Said, Whole, Words
from brainstack.files.whole import whole_file
from brainstack.point_layer import (
    PROPERTY_TYPES,
    Kind,
    PointLayer,
    Property,
    Relationship,
    check_layer,
    same_size_starts,
)

PLACE = ("x_um", "y_um", "z_um")
SECOND: dict[str, Kind] = {"end_": "line", "corner_": "axis_aligned_bounding_box", "radius_": "ellipsoid"}
POLYLINE, ID, RELATED, TEXT = "polyline", "id", "_ids", ":text"
ROWS = 1 << 16
"""Read at once, so that the text of a million rows is never all in memory."""


def read_points(path: Path) -> PointLayer:
    """The layer in a CSV. Raises BrainstackError, with the number of the line, for what cannot be."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            names = [name.strip() for name in next(reader, [])]
            table = _Table(path, names)
            while rows := list(islice(_rows(reader), ROWS)):
                table.add(rows)
    except (UnicodeDecodeError, csv.Error) as error:
        raise BrainstackError(f"{path} cannot be read as CSV in UTF-8: {error}; save it so.") from error
    layer = table.layer()
    check_layer(layer, str(path))
    return layer


def _rows(reader: Any) -> Iterator[tuple[int, list[str]]]:
    return ((reader.line_num, row) for row in reader if row)


class _Table:
    """The columns of a CSV, of which rows are added."""

    def __init__(self, path: Path, names: Sequence[str]) -> None:
        self._path, self._names = path, names
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise BrainstackError(f"{path} has two columns {twice[0]}; give one another name.")
        self._prefixes = ["", *(prefix for prefix in SECOND if any(name.startswith(prefix) for name in _places(names)))]
        wanted = [prefix + name for prefix in self._prefixes for name in PLACE]
        if missing := [name for name in wanted if name not in names]:
            bare = [name for name in ("x", "y", "z", "section") if name in names]
            why = f" ({', '.join(bare)} do not say their unit)" if bare else ""
            raise BrainstackError(
                f"{path} has no column {', '.join(missing)}{why}; wanted micrometres from the corner of the aligned "
                "volume in columns of these names."
            )
        if len(self._prefixes) + (POLYLINE in names) > 2:
            raise BrainstackError(
                f"{path} has columns of several kinds ({', '.join(_places(names))}); wanted one kind."
            )
        self._columns: dict[str, Column] = {name: self._column(name, name in wanted) for name in names}
        self._lines: list[NDArray[np.int64]] = []

    def _column(self, name: str, is_place: bool) -> Column:
        if is_place:
            return Numbers(self._path, name)
        if name == ID or name.endswith(RELATED):
            return Whole(self._path, name, many=name != ID)
        if name == POLYLINE:
            return Words(self._path, name, most=None)
        return Words(self._path, name) if name.endswith(TEXT) else Said(self._path, name)

    def add(self, rows: Sequence[tuple[int, list[str]]]) -> None:
        lines = [line for line, _ in rows]
        if {len(row) for _, row in rows} != {len(self._names)}:
            line, count = next((line, len(row)) for line, row in rows if len(row) != len(self._names))
            raise BrainstackError(
                f"{self._path}, line {line}: there are {count} columns, wanted {len(self._names)}, as in the first "
                "line."
            )
        for name, column in zip(self._names, zip(*(row for _, row in rows), strict=True), strict=True):
            self._columns[name].add(list(map(str.strip, column)), lines)
        self._lines.append(np.array(lines))

    def layer(self) -> PointLayer:
        if not self._lines:
            raise BrainstackError(
                f"{self._path} has no annotations; wanted a row for each below the names of the columns."
            )
        lines = np.concatenate(self._lines)
        places = [np.stack([self._numbers(prefix + name) for name in PLACE], axis=1) for prefix in self._prefixes]
        if POLYLINE in self._names:
            kind: Kind = "polyline"
            first, starts = self._polylines(lines)
        else:
            kind = SECOND[self._prefixes[1]] if len(places) > 1 else "point"
            first, starts = np.arange(len(lines)), same_size_starts(kind, len(lines))
        ids = self._columns.get(ID)
        return PointLayer(
            kind,
            np.stack(places, axis=1).reshape(-1, 3),
            starts,
            ids.values()[first] if isinstance(ids, Whole) else np.arange(1, len(first) + 1, dtype=np.uint64),
            tuple(self._properties(first)),
            tuple(self._relationships(first)),
            lines[first],
        )

    def _numbers(self, name: str) -> NDArray[np.float64]:
        column = self._columns[name]
        assert isinstance(column, Numbers)
        return column.values()

    def _polylines(self, lines: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        column = self._columns[POLYLINE]
        assert isinstance(column, Words)
        codes = column.codes()
        first = np.flatnonzero(np.diff(codes, prepend=codes[0] - 1))
        again = np.flatnonzero(np.diff(np.sort(codes[first])) == 0)
        if len(again):
            word = np.sort(codes[first])[again[0]]
            line = lines[first[codes[first] == word][1]]
            raise BrainstackError(
                f"{self._path}, line {line}: polyline {column.words[word]} goes on here, but began above others; put "
                "its rows one below the other."
            )
        starts = np.append(first, len(codes))
        if (short := np.flatnonzero(np.diff(starts) < 2)).size:
            raise BrainstackError(
                f"{self._path}, line {lines[first[short[0]]]}: polyline {column.words[codes[first[short[0]]]]} has one "
                "point; wanted two or more."
            )
        return first, starts

    def _properties(self, first: NDArray[np.int64]) -> Iterator[Property]:
        taken: dict[str, str] = {}
        for name, column in self._columns.items():
            if not isinstance(column, Said) or column.is_empty or name == POLYLINE:
                continue
            plain = property_name(name.removesuffix(TEXT))
            if plain in taken:
                raise BrainstackError(
                    f"{self._path}: the columns {taken[plain]} and {name} would both be called {plain} in "
                    "Neuroglancer; give one another name."
                )
            taken[plain] = name
            told = name.removesuffix(TEXT)
            said = column.as_property(plain, told if told != plain else "")
            yield replace(said, values=said.values[first])

    def _relationships(self, first: NDArray[np.int64]) -> Iterator[Relationship]:
        for name, column in self._columns.items():
            if isinstance(column, Whole) and name != ID:
                counts, ids = column.counts(), column.values()
                starts = np.cumsum(counts) - counts
                chosen = (
                    [ids[starts[row] : starts[row] + counts[row]] for row in first]
                    if len(first) < len(counts)
                    else [ids]
                )
                yield Relationship(name.removesuffix(RELATED), counts[first], np.concatenate(chosen))


def _places(names: Iterable[str]) -> list[str]:
    """The names of columns that say a second place."""
    return [
        name for name in names for prefix in SECOND if name.removeprefix(prefix) in PLACE and name.startswith(prefix)
    ]


def property_name(text: str) -> str:
    """A name as Neuroglancer wants it: a small letter, then letters, digits and _."""
    plain = re.sub(r"[^a-zA-Z0-9_]", "_", text)
    plain = plain[:1].lower() + plain[1:]
    return plain if re.match(r"[a-z]", plain) else f"column_{plain.lstrip('_')}"


# Writing


def write_points(path: Path, layer: PointLayer) -> None:
    """Write a layer as CSV, whole or not at all; micrometres to the last digit. `read_points` gives the same layer."""
    prefix = next((prefix for prefix, kind in SECOND.items() if kind == layer.kind), "")
    names = [*PLACE, *(prefix + name for name in (PLACE if prefix else ())), ID]
    names += [POLYLINE] if layer.kind == "polyline" else []
    names += [_column_name(one) for one in layer.properties] + [f"{one.name}{RELATED}" for one in layer.relationships]
    with whole_file(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        for start in range(0, len(layer), ROWS):
            writer.writerows(_written(layer, np.arange(start, min(start + ROWS, len(layer)))))


def _column_name(one: Property) -> str:
    return (one.description or one.name) + (TEXT if one.labels else "")


def _written(layer: PointLayer, rows: NDArray[np.int64]) -> Iterator[tuple[Any, ...]]:
    if layer.kind == "polyline":
        counts = layer.starts[rows + 1] - layer.starts[rows]
        places = layer.places_um[layer.starts[rows[0]] : layer.starts[rows[-1] + 1]]
        rows = np.repeat(rows, counts)
    else:
        places = layer.places_um[layer.starts[rows[0]] : layer.starts[rows[-1] + 1]].reshape(len(rows), -1)
    ids = layer.ids[rows].tolist()
    columns = [*places.T.tolist(), ids, *([ids] if layer.kind == "polyline" else [])]
    columns += [_texts(one, rows) for one in layer.properties]
    columns += [_related(one, rows) for one in layer.relationships]
    return zip(*columns, strict=True)


def _texts(one: Property, rows: NDArray[np.int64]) -> list[Any]:
    values = one.values[rows]
    if one.labels:
        return [one.labels[value] for value in values.astype(int).tolist()]
    if PROPERTY_TYPES[one.type][1] > 1:
        return ["#" + bytes(colour).hex() for colour in values.astype(np.uint8)]
    return list((values if one.type == "float32" else values.astype(np.int64)).tolist())


def _related(one: Relationship, rows: NDArray[np.int64]) -> list[str]:
    starts = np.cumsum(one.counts) - one.counts
    return [" ".join(map(str, one.ids[starts[row] : starts[row] + one.counts[row]].tolist())) for row in rows]
