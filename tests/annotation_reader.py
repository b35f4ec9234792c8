"""A reader of precomputed annotations by the specification, which shares no code with the writer.

https://github.com/google/neuroglancer/blob/master/src/datasource/precomputed/annotations.md
Keys are looked up and listed by tensorstore; what is stored under them is taken apart here, number by number.
"""

from __future__ import annotations

import itertools
import json
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tensorstore

Place = tuple[float, ...]
FORMATS = {"uint32": "<I", "int32": "<i", "float32": "<f", "uint16": "<H", "int16": "<h", "uint8": "<B", "int8": "<b",
           "rgb": "<3B", "rgba": "<4B"}  # fmt: skip
SIZES = {
    name: struct.calcsize(form) // (3 if name == "rgb" else 4 if name == "rgba" else 1)
    for name, form in FORMATS.items()
}


@dataclass
class Annotation:
    """places : a point, two ends, two corners, middle and radii, or all of a polyline."""

    id: int
    places: list[Place]
    properties: dict[str, Any]
    related: dict[str, list[int]] = field(default_factory=dict)


class Layer:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.info: dict[str, Any] = json.loads((path / "info").read_text())
        self.kind: str = self.info["annotation_type"]

    def by_id(self) -> dict[int, Annotation]:
        """All annotations of the index by id."""
        found = {}
        for key, data in self._all(self.info["by_id"]).items():
            one, at = self._record(data, 0, key)
            for relationship in self.info["relationships"]:
                (count,) = struct.unpack_from("<I", data, at)
                one.related[relationship["id"]] = list(struct.unpack_from(f"<{count}Q", data, at + 4))
                at += 4 + 8 * count
            assert at == len(data), "bytes are left"
            found[key] = one
        return found

    def related(self, name: str) -> dict[int, list[Annotation]]:
        """Object -> its annotations."""
        (one,) = (one for one in self.info["relationships"] if one["id"] == name)
        return {key: self._list(data) for key, data in self._all(one).items()}

    def level(self, number: int) -> dict[tuple[int, int, int], list[Annotation]]:
        """Cell -> its annotations."""
        level = self.info["spatial"][number]
        cells = list(itertools.product(*map(range, level["grid_shape"])))
        if "sharding" not in level:
            files = {cell: self.path / level["key"] / "_".join(map(str, cell)) for cell in cells}
            assert {path.name for path in (self.path / level["key"]).iterdir()} <= {one.name for one in files.values()}
            return {cell: self._list(path.read_bytes()) for cell, path in files.items() if path.exists()}
        by_code = {morton(cell, level["grid_shape"]): cell for cell in cells}
        return {by_code[key]: self._list(data) for key, data in self._all(level).items()}

    def bounds_of(self, number: int, cell: tuple[int, int, int]) -> tuple[Place, Place]:
        size = self.info["spatial"][number]["chunk_size"]
        low = [lower + place * side for lower, place, side in zip(self.info["lower_bound"], cell, size, strict=True)]
        return tuple(low), tuple(one + side for one, side in zip(low, size, strict=True))

    def _all(self, index: dict[str, Any]) -> dict[int, bytes]:
        folder = self.path / index["key"]
        if "sharding" not in index:
            return {int(path.name): path.read_bytes() for path in folder.iterdir()} if folder.exists() else {}
        base = f"file://{folder}/"
        spec = {"driver": "neuroglancer_uint64_sharded", "base": base, "metadata": index["sharding"]}
        store = tensorstore.KvStore.open(spec).result()
        found = {int.from_bytes(key, "big"): bytes(store[key]) for key in store.list().result()}
        assert found, "nothing in it"
        return found

    def _list(self, data: bytes) -> list[Annotation]:
        (count,) = struct.unpack_from("<Q", data)
        at, found = 8, []
        for _ in range(count):
            one, at = self._record(data, at, 0)
            found.append(one)
        ids = struct.unpack_from(f"<{count}Q", data, at)
        assert at + 8 * count == len(data), "bytes are left"
        for one, number in zip(found, ids, strict=True):
            one.id = number
        return found

    def _record(self, data: bytes, at: int, number: int) -> tuple[Annotation, int]:
        count = 1 if self.kind == "point" else 2
        if self.kind == "polyline":
            (count,) = struct.unpack_from("<I", data, at)
            at += 4
        numbers = struct.unpack_from(f"<{3 * count}f", data, at)
        at, begin = at + 12 * count, at + 12 * count
        properties = {}
        for size in (4, 2, 1):
            for one in self.info["properties"]:
                if SIZES[one["type"]] == size:
                    value = struct.unpack_from(FORMATS[one["type"]], data, at)
                    at += struct.calcsize(FORMATS[one["type"]])
                    words = dict(zip(one.get("enum_values", ()), one.get("enum_labels", ()), strict=True))
                    properties[one["id"]] = words[value[0]] if words else value if len(value) > 1 else value[0]
        filled = -(at - begin) % 4
        assert data[at : at + filled] == bytes(filled)
        return Annotation(number, [numbers[3 * n : 3 * n + 3] for n in range(count)], properties), at + filled


def morton(cell: tuple[int, int, int], grid: list[int]) -> int:
    """The compressed Morton code: https://github.com/google/neuroglancer/blob/master/src/datasource/precomputed/volume.md"""
    code = out = 0
    for bit in range(64):
        for place, size in zip(cell, grid, strict=True):
            if 2**bit < size:
                code |= (place >> bit & 1) << out
                out += 1
    return code
