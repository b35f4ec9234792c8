"""Sections in small, kept in memory: the whole stack can be cut anew while somebody waits."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from brainstack.alignment_results import read_background
from brainstack.files.tiff import read_tiff
from brainstack.geometry import Matrix, Shape, scaled
from brainstack.images.alignment import align
from brainstack.images.colour import inverted_luminance
from brainstack.images.finer import shrunk
from brainstack.images.stack_views import Slab, StackViews, slab_of, stack_views
from brainstack.plan import Plan
from brainstack.stack_preview import Laid

SIDE_PX = 400
"""Of a small section, at most: as many as a view is high on the screen."""

Small = NDArray[np.float32]
Kept = tuple[object, Small]


class SmallSections:
    """Of one animal. A section is read again when its file changed; a slab is cut again when it lies elsewhere."""

    def __init__(self) -> None:
        self._sections: dict[str, Kept] = {}
        self._slabs: dict[str, dict[object, Slab]] = {}
        self._lock = threading.Lock()

    def views(self, plan: Plan, laid: Laid) -> StackViews:
        """The stack from the side and from above, with sections in small: side (rows, slots), top (columns, slots)."""
        factor = max(1, math.ceil(max(laid.cleaned) / SIDE_PX))
        rows, columns = (math.ceil(side / factor) for side in laid.canvas)
        with self._lock:
            return stack_views(self._all(plan, laid, factor, (rows, columns)), (rows, columns), len(plan.sections))

    def _all(self, plan: Plan, laid: Laid, factor: int, canvas: Shape) -> Iterator[tuple[int, Slab]]:
        for key, matrix in laid.matrices.items():
            small = self._section(plan, key, factor)
            if small is not None:
                yield plan.section[key].number, self._slab(key, small, scaled(matrix, 1 / factor), canvas)

    def _slab(self, key: str, small: Kept, matrix: Matrix, canvas: Shape) -> Slab:
        where = (small[0], matrix.tobytes(), canvas)
        kept = self._slabs.setdefault(key, {})
        if where not in kept:
            if len(kept) > 1:  # as it was, and as it will be
                kept.pop(next(iter(kept)))
            kept[where] = slab_of(align(small[1], matrix, canvas_shape=canvas))
        return kept[where]

    def _section(self, plan: Plan, key: str, factor: int) -> Kept | None:
        """A section's cleaned thumbnail, bright on dark, so many times smaller; None where it is not there."""
        path = plan.folder.keyed("thumbnail_cleaned", key, plan.settings.elastix.channel)
        try:
            found = os.stat(path)  # noqa: PTH116 - of hundreds, each time
        except OSError:
            return None
        state = (found.st_mtime_ns, found.st_size, factor)
        kept = self._sections.get(key)
        if kept is None or kept[0] != state:
            image = read_tiff(path)
            if plan.is_colour:
                image = inverted_luminance(image, read_background(plan, plan.settings.elastix.channel))
            kept = self._sections[key] = (state, shrunk([image], factor))
        return kept
