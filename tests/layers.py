"""Layers of points for tests: made up, of each kind, with properties and relationships."""

from __future__ import annotations

import numpy as np

from brainstack.point_layer import Kind, PointLayer, Property, Relationship, same_size_starts

SIZE_UM = (1500.0, 1000.0, 880.0)


def made_up(kind: Kind, count: int, *, seed: int = 1, size_um: float = 30.0) -> PointLayer:
    """Annotations that are about `size_um` large, everywhere in a volume of SIZE_UM."""
    random = np.random.default_rng(seed)
    middles = random.uniform(0.1, 0.9, (count, 3)) * SIZE_UM
    starts = same_size_starts(kind, count)
    if kind == "point":
        places = middles
    elif kind == "ellipsoid":
        places = np.stack([middles, random.uniform(0.1, 1, (count, 3)) * size_um], axis=1).reshape(-1, 3)
    elif kind == "polyline":
        counts = random.integers(2, 6, count)
        starts = np.append(0, np.cumsum(counts))
        places = np.repeat(middles, counts, axis=0) + random.uniform(-1, 1, (int(starts[-1]), 3)) * size_um
    else:
        places = np.stack([middles, middles + random.uniform(-1, 1, (count, 3)) * size_um], axis=1).reshape(-1, 3)
    counts = random.integers(0, 4, count)
    related = Relationship("structure", counts, random.integers(1, 40, counts.sum()).astype(np.uint64))
    properties = (
        Property("sort", "uint8", random.integers(0, 3, count), ("round", "long", "other"), "Sort of cell"),
        Property("score", "float32", random.random(count).astype("f4")),
        Property("colour", "rgb", random.integers(0, 256, (count, 3))),
        Property("shift", "int16", random.integers(-900, 900, count)),
        Property("shade", "rgba", random.integers(0, 256, (count, 4))),
        Property("large", "uint32", random.integers(0, 2**32, count)),
    )
    return PointLayer(kind, places, starts, np.arange(1, count + 1, dtype=np.uint64), properties, (related,))


def points(*places_um: tuple[float, float, float]) -> PointLayer:
    """Points with nothing said of them."""
    count = len(places_um)
    places = np.array(places_um, np.float64).reshape(-1, 3)
    return PointLayer("point", places, same_size_starts("point", count), np.arange(1, count + 1, dtype=np.uint64))


def two_places(kind: Kind, *places_um: tuple[float, float, float]) -> PointLayer:
    """Lines, boxes or ellipsoids; two places each."""
    count = len(places_um) // 2
    places = np.array(places_um, np.float64)
    return PointLayer(kind, places, same_size_starts(kind, count), np.arange(1, count + 1, dtype=np.uint64))
