"""A layer of points, lines, boxes, ellipsoids or polylines in Neuroglancer's precomputed form.

https://github.com/google/neuroglancer/blob/master/src/datasource/precomputed/annotations.md, and for polylines the
schema beside it, src/datasource/precomputed/annotation.yml

Each annotation is written by its id, in the cells of one level of the spatial index, and for each object that it is
related to. What is written of one is always a multiple of four bytes, so that all is put together as words of 32 bits.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainstack.errors import BrainstackError
from brainstack.files.annotation_levels import Level, Size, levels_of
from brainstack.files.uint64_index import Words, write_index
from brainstack.files.whole import whole_folder, write_json
from brainstack.point_layer import PROPERTY_TYPES, PointLayer, Property, Relationship, check_inside, check_layer

Ints = NDArray[np.int64]

ANNOTATIONS = "neuroglancer_annotations_v1"
COUNT_WORDS = ID_WORDS = 2
"""A list begins with how many there are, and ends with their ids: 64 bits each."""


def write_annotations(path: Path, layer: PointLayer, *, name: str, size_um: Size, most_in_cell: int) -> dict[str, Any]:
    """Write a layer to the folder `path`, whole or not at all; what stood there is replaced. Returns its `info`.

    name : of the layer's file, for what is said of it. size_um : of the volume along x, y, z; the layer's bounds.
    most_in_cell : annotations of a cell of the spatial index at most.
    Raises BrainstackError for a layer that cannot be, or that reaches out of the volume.
    """
    check_layer(layer, name)
    check_inside(layer, name, size_um)
    records = _records(layer)
    with whole_folder(path) as part:
        by_id = _write_by_id(part / "by_id", layer, records)
        relationships = [_write_related(part, layer, one, records) for one in layer.relationships]
        levels = levels_of(layer, size_um, most_in_cell=most_in_cell)
        spatial = [_write_level(part, number, level, layer, records, size_um) for number, level in enumerate(levels)]
        info = {
            "@type": ANNOTATIONS,
            "dimensions": {axis: [1e-6, "m"] for axis in "xyz"},
            "lower_bound": [0.0, 0.0, 0.0],
            "upper_bound": list(map(float, size_um)),
            "annotation_type": layer.kind,
            "properties": [_property_info(one) for one in in_order(layer.properties)],
            "relationships": relationships,
            "by_id": by_id,
            "spatial": spatial,
        }
        write_json(part / "info", info)
    return info


def is_annotations(path: Path) -> bool:
    """Whether a folder holds a layer of annotations."""
    try:
        info = json.loads((path / "info").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(info, dict) and info.get("@type") == ANNOTATIONS


def in_order(properties: Iterable[Property]) -> list[Property]:
    """As they are written: those of four bytes, of two, of one. Readers differ in what they make of another order.

    uint32 comes first, as Neuroglancer's own reader in Python (2.41) looks for it at multiples of three bytes.
    """
    return sorted(properties, key=lambda one: (-PROPERTY_TYPES[one.type][0].itemsize, one.type != "uint32"))


def _property_info(one: Property) -> dict[str, Any]:
    info: dict[str, Any] = {"id": one.name, "type": one.type}
    if one.description:
        info["description"] = one.description
    if one.labels:
        info |= {"enum_values": list(range(len(one.labels))), "enum_labels": list(one.labels)}
    return info


# Records


@dataclass(frozen=True, eq=False)
class _Records:
    """What is written of each annotation wherever it stands: its places, its properties, filled up to whole words.

    words : of all, one after the other. starts : (count + 1,), the word at which each begins.
    """

    words: Words
    starts: Ints

    def of(self, rows: Ints) -> tuple[Words, Ints]:
        """The words of some of them, and how many each has."""
        sizes = self.starts[rows + 1] - self.starts[rows]
        return self.words[_runs(self.starts[rows], sizes)], sizes


def _runs(starts: Ints, sizes: Ints) -> Ints:
    """The numbers start, start + 1, ... of each run, one run after the other."""
    ends = np.cumsum(sizes)
    return np.repeat(starts - (ends - sizes), sizes) + np.arange(ends[-1] if len(ends) else 0)


def _starts(sizes: Ints) -> Ints:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])


def _records(layer: PointLayer) -> _Records:
    tail = _property_words(layer)
    places = layer.places_um.astype("<f4").view("<u4").reshape(-1)
    head = 1 if layer.kind == "polyline" else 0  # how many places it has
    counts = np.diff(layer.starts)
    starts = _starts(head + 3 * counts + tail.shape[1])
    words = np.empty(int(starts[-1]), "<u4")
    if head:
        words[starts[:-1]] = counts
    words[_runs(starts[:-1] + head, 3 * counts)] = places
    words[(starts[1:] - tail.shape[1])[:, None] + np.arange(tail.shape[1])] = tail
    return _Records(words, starts)


def _property_words(layer: PointLayer) -> NDArray[np.uint32]:
    """(count, words): the properties of each annotation."""
    columns = []
    for one in in_order(layer.properties):
        dtype, many = PROPERTY_TYPES[one.type]
        columns.append(
            np.ascontiguousarray(one.values.reshape(len(layer), many), dtype).view("u1").reshape(len(layer), -1)
        )
    size = sum(column.shape[1] for column in columns)
    padded = np.zeros((len(layer), -(-size // 4) * 4), "u1")
    if columns:
        padded[:, :size] = np.concatenate(columns, axis=1)
    return padded.view("<u4")


# Indexes


def _write_by_id(folder: Path, layer: PointLayer, records: _Records) -> dict[str, Any]:
    """Each annotation under its id, with all objects that it is related to."""
    related = [(one.counts, _starts(one.counts)) for one in layer.relationships]
    sizes = np.diff(records.starts)
    for counts, _ in related:
        sizes = sizes + 1 + 2 * counts

    def pieces(rows: Ints) -> tuple[Words, Ints]:
        starts = _starts(sizes[rows])
        words = np.empty(int(starts[-1]), "<u4")
        found, at = records.of(rows)
        words[_runs(starts[:-1], at)] = found
        at = starts[:-1] + at
        for one, (counts, firsts) in zip(layer.relationships, related, strict=True):
            words[at] = counts[rows]
            ids = one.ids[_runs(firsts[rows], counts[rows])]
            words[_runs(at + 1, 2 * counts[rows])] = ids.astype("<u8").view("<u4")
            at = at + 1 + 2 * counts[rows]
        return words, starts

    return {"key": folder.name, "sharding": write_index(folder, layer.ids, sizes * 4, pieces, gzip=False)}


@dataclass(frozen=True, eq=False)
class _Lists:
    """Lists of annotations. rows : the annotations, list by list. starts : (lists + 1,), each one's first in `rows`."""

    layer: PointLayer
    records: _Records
    rows: Ints
    starts: Ints

    def sizes_bytes(self) -> Ints:
        each = self.records.starts[self.rows + 1] - self.records.starts[self.rows] + ID_WORDS
        before = _starts(each)
        return 4 * (COUNT_WORDS + before[self.starts[1:]] - before[self.starts[:-1]])

    def pieces(self, which: Ints) -> tuple[Words, Ints]:
        """Some of the lists as they are stored: how many there are, their records, their ids."""
        counts = self.starts[which + 1] - self.starts[which]
        rows = self.rows[_runs(self.starts[which], counts)]
        found, each = self.records.of(rows)
        before = _starts(each)
        edges = _starts(counts)
        record_words = before[edges[1:]] - before[edges[:-1]]
        starts = _starts(COUNT_WORDS + record_words + ID_WORDS * counts)
        words = np.empty(int(starts[-1]), "<u4")
        words[_runs(starts[:-1], np.full(len(which), COUNT_WORDS))] = counts.astype("<u8").view("<u4")
        words[_runs(starts[:-1] + COUNT_WORDS, record_words)] = found
        ids = self.layer.ids[rows].astype("<u8").view("<u4")
        words[_runs(starts[1:] - ID_WORDS * counts, ID_WORDS * counts)] = ids
        return words, starts


def _write_related(part: Path, layer: PointLayer, one: Relationship, records: _Records) -> dict[str, Any]:
    """The annotations of each object."""
    key = "related_" + re.sub(r"\W", "_", one.name)
    rows = np.repeat(np.arange(len(layer)), one.counts)
    # An object that is named twice has the annotation once.
    order = np.lexsort((rows, one.ids))
    ids, rows = one.ids[order], rows[order]
    is_new = np.append(True, (ids[1:] != ids[:-1]) | (rows[1:] != rows[:-1]))[: len(ids)]
    objects, starts = np.unique(ids[is_new], return_index=True)
    info: dict[str, Any] = {"id": one.name, "key": key}
    if not len(objects):
        return info
    lists = _Lists(layer, records, rows[is_new], np.append(starts, int(is_new.sum())))
    return info | {"sharding": write_index(part / key, objects, lists.sizes_bytes(), lists.pieces, gzip=True)}


def _write_level(
    part: Path, number: int, level: Level, layer: PointLayer, records: _Records, size_um: Size
) -> dict[str, Any]:
    """The annotations of each cell; of a level of one cell as a plain file, which takes one request and not three."""
    lists = _Lists(layer, records, level.rows, level.starts)
    info = {
        "key": f"spatial{number}",
        "grid_shape": list(level.grid_xyz),
        "chunk_size": [size / cells for size, cells in zip(size_um, level.grid_xyz, strict=True)],
        "limit": level.most,
    }
    folder = part / str(info["key"])
    if level.grid_xyz == (1, 1, 1):
        words, _ = lists.pieces(np.arange(1))
        folder.mkdir()
        (folder / "0_0_0").write_bytes(words.tobytes())
        return info
    return info | {"sharding": write_index(folder, level.codes, lists.sizes_bytes(), lists.pieces, gzip=True)}


def read_info(path: Path) -> dict[str, Any]:
    """The `info` of a layer. Raises BrainstackError where the folder holds none."""
    if not is_annotations(path):
        raise BrainstackError(f"{path} holds no layer of annotations; make it with `brainstack points add`.")
    info: dict[str, Any] = json.loads((path / "info").read_text(encoding="utf-8"))
    return info
