"""Registering two sections near each other in the stack: how the one lies on the other, a rotation and a shift."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from brainstack import geometry
from brainstack.errors import BrainstackError
from brainstack.geometry import Matrix
from brainstack.images.elastix import EngineError, refine
from brainstack.images.levels import Level, Mask, Picture, factor_of, fit_of, likeness, pyramid, shrunk_to
from brainstack.images.registration_start import refined_start, ring_start
from brainstack.records import GivenPair
from brainstack.settings import ElastixSettings

Mirrors = Literal["no", "try", "yes"]


@dataclass(frozen=True)
class Registered:
    """Takes a point of the fixed section's canvas to the moving section's: mirrored left-right about the canvas centre
    (where `mirrored`), a rotation about it, then a shift.

    rotation_rad : positive from x to y. shift_x_um, shift_y_um : in micrometres. metric : masked correlation after
    registration, 1 is best; metric_before : as the two lie on their canvas. overlap : tissue that both have, as a share
    of the smaller one's. dice : overlap of the two masks, 1 where they are the same. likeness : correlation over all
    that is tissue in one of the two, so that the outline counts; likeness_other : the best of the other state (mirrored
    or not), None where that was not tried. is_same : the two pictures are one and the same. engine_error : why elastix
    gave up, so that it is as the start has it; "" else. radius_um : of the fixed section's tissue about the canvas
    centre, root mean square. by_hand : a person gave it.
    """

    rotation_rad: float
    shift_x_um: float
    shift_y_um: float
    metric: float
    metric_before: float = 0.0
    overlap: float = 1.0
    dice: float = 1.0
    likeness: float = 1.0
    likeness_other: float | None = None
    mirrored: bool = False
    is_same: bool = False
    engine_error: str = ""
    radius_um: float = 0.0
    by_hand: bool = False

    def matrix(self, pixel_size_um: float, shape: geometry.Shape) -> Matrix:
        """Fixed to moving, in pixels of a canvas of that shape, (rows, columns)."""
        shift_px = self.shift_x_um / pixel_size_um, self.shift_y_um / pixel_size_um
        return geometry.rigid(self.rotation_rad, *shift_px, shape, mirrored=self.mirrored)


@dataclass(frozen=True)
class _Pair:
    """Both sections at all sizes, the moving one perhaps mirrored. levels : coarse to fine. judge : the size at which
    the metric is taken."""

    full: Level
    levels: list[Level]
    judge: Level
    mirrored: bool


def register_pair(
    fixed: Picture,
    moving: Picture,
    *,
    fixed_mask: Mask,
    moving_mask: Mask,
    pixel_size_um: float,
    settings: ElastixSettings,
    mirrors: Mirrors = "no",
    starts: Sequence[Matrix] = (),
    by_elastix: bool = True,
) -> Registered:
    """How `moving` lies on `fixed`: two sections on one common canvas, at any angle to each other.

    fixed, moving : (rows, columns) uint8, uint16 or float32, tissue bright on background 0. fixed_mask, moving_mask :
    bool, True on tissue. mirrors : whether the moving section may be mirrored, or is. starts : matrices to begin from
    as well, fixed to moving, in pixels. by_elastix : False leaves the last step out, for a fifth of the time.

    A ring of rotations is tried on a coarse picture, for either state. The best few are refined by the enhanced
    correlation coefficient (Evangelidis and Psarakis 2008), coarse to fine, and elastix (Klein et al. 2010) ends it.
    What elastix found is kept only where its masked correlation is not worse than the start's by more than
    `allowed_loss`. The same pictures give the same digits. Whether the two fit at all is for others to judge.

    Raises BrainstackError when a mask is empty, ValueError when the four are not of one shape.
    """
    _check(fixed, moving, fixed_mask, moving_mask)
    if np.array_equal(fixed, moving) and np.array_equal(fixed_mask, moving_mask):  # a copy lies on what it is of
        return Registered(0.0, 0.0, 0.0, 1.0, 1.0, is_same=True, radius_um=_radius_um(fixed_mask, pixel_size_um))
    straight = _pair(fixed, moving, fixed_mask, moving_mask, pixel_size_um, settings)
    states = {"no": [straight], "yes": [_flopped(straight)], "try": [straight, _flopped(straight)]}[mirrors]
    begun = [(one, _first_start(one, settings, pixel_size_um)) for one in states]
    scores = [likeness(one.judge, start) for one, start in begun]
    pair, start = begun[int(np.argmax(scores))]
    found = _refined(pair, start, settings, pixel_size_um, by_elastix=by_elastix)
    for other in starts:
        if geometry.is_mirrored(other) == pair.mirrored:
            near = refined_start([pair.judge], _unmirrored(other, pair), settings)
            again = _refined(pair, near, settings, pixel_size_um, by_elastix=by_elastix)
            found = max(found, again, key=lambda one: one.likeness)
    before = fit_of(straight.judge, np.eye(3)).metric
    return replace(found, metric_before=before, likeness_other=min(scores) if len(scores) > 1 else None)


def measure_pair(
    fixed: Picture,
    moving: Picture,
    *,
    fixed_mask: Mask,
    moving_mask: Mask,
    pixel_size_um: float,
    settings: ElastixSettings,
    by_hand: GivenPair,
) -> Registered:
    """A transform that a person gave, with the metric it has. Raises as `register_pair` does."""
    _check(fixed, moving, fixed_mask, moving_mask)
    straight = _pair(fixed, moving, fixed_mask, moving_mask, pixel_size_um, settings)
    pair = _flopped(straight) if by_hand.mirrored else straight
    given = Registered(**by_hand._asdict(), metric=0.0).matrix(pixel_size_um, fixed.shape)
    found = _registered(pair, _unmirrored(given, pair), pixel_size_um)
    before = fit_of(straight.judge, np.eye(3)).metric
    return replace(found, **by_hand._asdict(), metric_before=before, by_hand=True)


def _check(fixed: Picture, moving: Picture, fixed_mask: Mask, moving_mask: Mask) -> None:
    if len({picture.shape for picture in (fixed, moving, fixed_mask, moving_mask)}) > 1:
        raise ValueError(f"The sections are {fixed.shape} and {moving.shape}; wanted both, with masks, on one canvas.")
    for mask, name in ((fixed_mask, "first"), (moving_mask, "second")):
        if not mask.any():
            raise BrainstackError(f"The mask of the {name} section is empty; paint its tissue or make it a gap.")


def _pair(
    fixed: Picture,
    moving: Picture,
    fixed_mask: Mask,
    moving_mask: Mask,
    pixel_size_um: float,
    settings: ElastixSettings,
) -> _Pair:
    full, levels = pyramid(fixed, moving, fixed_mask, moving_mask, pixel_size_um=pixel_size_um, settings=settings)
    return _Pair(full, levels, shrunk_to(full, factor_of(settings.metric_um, pixel_size_um)), mirrored=False)


def _flopped(pair: _Pair) -> _Pair:
    """The same with the moving section mirrored left-right about the canvas centre."""
    full = replace(pair.full, moving=np.fliplr(pair.full.moving), moving_mask=np.fliplr(pair.full.moving_mask))
    levels = [shrunk_to(full, level.factor) for level in pair.levels]
    return _Pair(full, levels, shrunk_to(full, pair.judge.factor), mirrored=True)


def _first_start(pair: _Pair, settings: ElastixSettings, pixel_size_um: float) -> Matrix:
    """As far as it takes to tell whether a section is mirrored."""
    start = ring_start(pair.levels[0], settings, pixel_size_um)
    coarse = [level for level in pair.levels[1:] if level.factor >= pair.judge.factor]
    return refined_start(coarse, start, settings)


def _refined(
    pair: _Pair, start: Matrix, settings: ElastixSettings, pixel_size_um: float, *, by_elastix: bool
) -> Registered:
    fine = [level for level in pair.levels if level.factor < pair.judge.factor]
    begun = refined_start(fine, start, settings)
    found = _registered(pair, begun, pixel_size_um)
    if not by_elastix:
        return found
    try:
        refined = refine(pair.full, begun, settings, round(settings.border_um / pixel_size_um))
    except EngineError as error:
        return replace(found, engine_error=str(error))
    ended = _registered(pair, refined, pixel_size_um)
    return ended if ended.metric >= found.metric - settings.allowed_loss else found


def _registered(pair: _Pair, matrix: Matrix, pixel_size_um: float) -> Registered:
    """matrix : to the moving section as `pair` has it, mirrored or not."""
    fit = fit_of(pair.judge, matrix)
    to_moving = geometry.turning(0, "flop", pair.full.fixed.shape) @ matrix if pair.mirrored else matrix
    parts = geometry.rigid_parts(to_moving, pair.full.fixed.shape)
    shift_um = parts.shift_x_px * pixel_size_um, parts.shift_y_px * pixel_size_um
    return Registered(
        parts.rotation_rad,
        *shift_um,
        fit.metric,
        overlap=fit.overlap,
        dice=fit.dice,
        likeness=likeness(pair.judge, matrix),
        mirrored=pair.mirrored,
        radius_um=_radius_um(pair.full.fixed_mask > 0, pixel_size_um),
    )


def _unmirrored(matrix: Matrix, pair: _Pair) -> Matrix:
    """A matrix to the moving section, as one to what `pair` has of it."""
    return geometry.turning(0, "flop", pair.full.fixed.shape) @ matrix if pair.mirrored else matrix


def _radius_um(mask: Mask, pixel_size_um: float) -> float:
    rows, columns = np.nonzero(mask)
    middle_row, middle_column = ((side - 1) / 2 for side in mask.shape)
    return float(np.sqrt(np.mean((rows - middle_row) ** 2 + (columns - middle_column) ** 2))) * pixel_size_um
