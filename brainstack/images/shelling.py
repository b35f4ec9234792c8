"""Shell: the outer surface of the brain, from the masks of its sections.

All is done on a grid that is coarser than the thumbnails, since what is finer is smoothed away: how much of each of
its voxels is tissue; holes filled, pieces left out, a Gaussian in micrometres. The surface is where that is as high as
makes it enclose what the masks do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage import measure

from brainstack.errors import BrainstackError
from brainstack.images.shape_interpolation import Between
from brainstack.triangles import Mesh, volume_um3

Field = NDArray[np.float32]

TRUNCATE = 3.0
"""Sigmas after which the Gaussian ends."""

VOLUME_ERROR, VOLUME_TRIES = 0.002, 6
"""The level is tried again where the surface encloses more or less than it is to, by more than this share."""

LOWEST, HIGHEST = 0.02, 0.98
LEVEL_STEPS = 24
"""The level is sought between these two, which are halved so often: to float32's own precision."""


class ReadMask(Protocol):
    """Gives the aligned mask of a slot, (rows, columns) float32 from 0 to 1."""

    def __call__(self, slot: int) -> Field: ...


@dataclass(frozen=True)
class ShellGrid:
    """The coarse voxels, beside the stack's own.

    shape_zyx : of the stack: slots, rows, columns. pixel_um, thickness_um : of its voxels. across : pixels of the stack
    in one of the grid, a side. deep : slots in one of the grid. split : planes of the grid in one slot. One of the two
    is 1. margin : planes, rows and columns of nothing around.
    """

    shape_zyx: tuple[int, int, int]
    pixel_um: float
    thickness_um: float
    across: int
    deep: int
    split: int
    margin: int

    @property
    def voxel_um(self) -> tuple[float, float, float]:
        """(z, y, x)."""
        return self.thickness_um * self.deep / self.split, self.pixel_um * self.across, self.pixel_um * self.across

    @property
    def inner_shape(self) -> tuple[int, int, int]:
        """(z, y, x) without the margin."""
        slots, rows, columns = self.shape_zyx
        return -(-slots * self.split // self.deep), -(-rows // self.across), -(-columns // self.across)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(z, y, x) with the margin."""
        deep, rows, columns = (length + 2 * self.margin for length in self.inner_shape)
        return deep, rows, columns


def shell_grid(
    shape_zyx: tuple[int, int, int], *, pixel_um: float, thickness_um: float, voxel_um: float, smoothing_um: float
) -> ShellGrid:
    """The grid of a stack. voxel_um : about how large its voxels are to be; smoothing_um : sigma."""
    across = max(1, round(voxel_um / pixel_um))
    deep = max(1, round(voxel_um / thickness_um))
    split = max(1, round(thickness_um / voxel_um))
    smallest = min(pixel_um * across, thickness_um * deep / split)
    margin = int(np.ceil(TRUNCATE * max(smoothing_um, thickness_um / 2) / smallest)) + 2
    return ShellGrid(shape_zyx, pixel_um, thickness_um, across, deep, split, margin)


def gather(grid: ShellGrid, trusted: Mapping[int, str], read: ReadMask) -> Field:
    """How much of each voxel of the grid is tissue, from 0 to 1: (z, y, x) float32 with the margin.

    trusted : the slots whose mask counts, with what they are called. The outline of any other slot, and between thick
    sections, is interpolated between the nearest that count; beyond the first and the last it is theirs.
    Raises BrainstackError where there is none, or none of them has tissue.
    """
    if not trusted:
        raise BrainstackError(
            "No section has both a mask and a place in the stack; look at what failed before: brainstack status."
        )
    field = np.zeros(grid.shape, np.float32)
    inner = field[tuple(slice(grid.margin, grid.margin + length) for length in grid.inner_shape)]
    for place, plane in enumerate(_planes(grid, sorted(trusted), read)):
        inner[place // grid.deep] += plane
    counts = np.full(len(inner), grid.deep)
    counts[-1] = grid.shape_zyx[0] * grid.split - (len(inner) - 1) * grid.deep
    inner /= counts[:, np.newaxis, np.newaxis].astype(np.float32)
    # The last voxel may reach beyond the stack: there is nothing in that part.
    inner[-1] *= np.float32(counts[-1] / grid.deep)
    if not field.any():
        raise BrainstackError(
            "The masks of all sections are empty where they are aligned; look at what failed before: brainstack status."
        )
    return field


def _planes(grid: ShellGrid, slots: list[int], read: ReadMask) -> Iterator[Field]:
    """The planes in order, `split` of each slot, on the grid's rows and columns. Each mask is read once."""
    before, after, place = slots[0], slots[0], 0
    masks = {before: read(before)}
    between: Between | None = None
    for number in range(grid.shape_zyx[0] * grid.split):
        at = (number + 0.5) / grid.split - 0.5
        while at > after and place + 1 < len(slots):
            place += 1
            before, after, between = after, slots[place], None
            masks = {before: masks[before], after: read(after)}
        if at >= after or at <= before:
            yield _coarser(masks[after if at >= after else before], grid.across)
            continue
        if between is None:
            between = Between(masks[before] > 0.5, masks[after] > 0.5)
        distance = between.distance_px((at - before) / (after - before))
        yield _coarser(np.clip(distance + np.float32(0.5), 0, 1), grid.across)


def _coarser(plane: Field, factor: int) -> Field:
    """The mean over factor x factor pixels; beyond the end there is nothing."""
    rows, columns = (-(-length // factor) for length in plane.shape)
    padded = np.zeros((rows * factor, columns * factor), np.float32)
    padded[: plane.shape[0], : plane.shape[1]] = plane
    return np.asarray(cv2.resize(padded, (columns, rows), interpolation=cv2.INTER_AREA), np.float32)


@dataclass(frozen=True, eq=False)
class Shell:
    """A smooth field, and the level that it is inside above: of the surface, and of the voxels of the stack, which are
    too few along it to enclose the same. volume_um3 : what both are to enclose. left_out : share of the tissue that
    hangs together with nothing, and is not in it."""

    grid: ShellGrid
    field: Field
    level: float
    voxel_level: float
    volume_um3: float
    left_out: float

    def plane(self, slot: int) -> NDArray[np.bool_]:
        """The inside of a slot of the stack, (rows, columns)."""
        grid, mixed = self.grid, _at_slot(self.grid, self.field, slot)
        _, rows, columns = grid.shape_zyx
        offset = 0.5 / grid.across - 0.5 + grid.margin
        matrix = np.array([[1 / grid.across, 0.0, offset], [0.0, 1 / grid.across, offset]])
        fine = cv2.warpAffine(mixed, matrix, (columns, rows), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        return np.asarray(fine > self.voxel_level)

    def mesh(self) -> Mesh:
        """The surface, closed (marching cubes of the smooth field, whose steps are far below a voxel)."""
        vertices, faces, _, _ = measure.marching_cubes(self.field, self.level, gradient_direction="ascent")
        at = (vertices + 0.5 - self.grid.margin) * np.array(self.grid.voxel_um)
        return Mesh(at[:, ::-1].astype(np.float64), faces[:, ::-1].astype(np.int64))


def _next_level(tried: list[tuple[float, float]], guess: float) -> float:
    """The level to try next. tried : of each so far, the share of the wanted volume that it encloses, and itself.

    guess : the first one. After that it lies on the line through the nearest two, between those that enclose too much
    and too little.
    """
    if len(tried) < 2:
        return guess
    low = max((level for share, level in tried if share > 1), default=LOWEST)
    high = min((level for share, level in tried if share < 1), default=HIGHEST)
    (one, first), (two, second) = sorted(tried, key=lambda each: abs(each[0] - 1))[:2]
    level = first + (1 - one) * (second - first) / (two - one) if one != two else (low + high) / 2
    return level if low < level < high else (low + high) / 2


def _at_slot(grid: ShellGrid, field: Field, slot: int) -> Field:
    """The field at the middle of a slot, (rows, columns) of the grid."""
    at = (slot + 0.5) * grid.split / grid.deep - 0.5 + grid.margin
    below = int(np.floor(at))
    share = np.float32(at - below)
    return np.asarray(field[below] * (1 - share) + field[below + 1] * share)


def shell_of(grid: ShellGrid, tissue: Field, smoothing_um: float) -> Shell:
    """The shell of what `gather` gave, which is used up. smoothing_um : sigma of the Gaussian; along the stack at least
    half a section."""
    _fill(tissue)
    body = float(tissue.sum(dtype=np.float64))
    _leave_one(tissue)
    volume = float(tissue.sum(dtype=np.float64))
    sigma_um = np.array([max(smoothing_um, grid.thickness_um / 2), smoothing_um, smoothing_um])
    field = ndimage.gaussian_filter(tissue, sigma_um / np.array(grid.voxel_um), mode="constant", truncate=TRUNCATE)
    wanted_um3 = volume * float(np.prod(grid.voxel_um))
    near = _Surface.of([field])
    shell = Shell(grid, field, near.level(volume), 0.5, wanted_um3, 1 - volume / body)
    # Triangles cut a little off what is round, and more off the edges where the stack ends: it is made up for.
    tried: list[tuple[float, float]] = []
    for _ in range(VOLUME_TRIES):
        share = volume_um3(shell.mesh()) / wanted_um3
        if abs(share - 1) < VOLUME_ERROR:
            break
        tried.append((share, shell.level))
        shell = replace(shell, level=_next_level(tried, near.level(volume / share)))
    _close(field, shell.level)
    planes = _Surface.of(_at_slot(grid, field, slot) for slot in range(grid.shape_zyx[0]))
    return replace(shell, voxel_level=planes.level(volume * grid.deep / grid.split))


def _fill(tissue: Field) -> None:
    """Fill what is enclosed on all sides."""
    hollow, count = ndimage.label(tissue <= 0.5)
    if count > 1:
        tissue[(hollow != hollow[0, 0, 0]) & (hollow > 0)] = 1


def _leave_one(tissue: Field) -> None:
    """Leave the largest piece, with the soft voxels at its surface."""
    body = _largest(tissue > 0.5)
    if body is not None:
        near = ndimage.binary_dilation(body, np.ones((3, 3, 3), bool))
        tissue[~near] = 0
        tissue[near & ~body & (tissue > 0.5)] = 0


def _largest(mask: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
    """The largest piece; None where there is but one."""
    pieces, count = ndimage.label(mask)
    if count <= 1:
        return None
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    return np.asarray(pieces == sizes.argmax())


@dataclass(frozen=True, eq=False)
class _Surface:
    """Where a field is neither surely inside nor outside: its values there, and how much it changes over a voxel.
    inside : how many voxels are surely inside."""

    values: Field
    widths: Field
    inside: int

    @staticmethod
    def of(fields: Iterable[Field]) -> _Surface:
        """fields : of any number of axes."""
        values, widths, inside = [], [], 0
        for field in fields:
            near = (field > LOWEST) & (field < HIGHEST)
            slopes = [np.gradient(field, axis=axis)[near] for axis in range(field.ndim)]
            values.append(field[near])
            widths.append(np.maximum(np.linalg.norm(slopes, axis=0), 1e-6).astype(np.float32))
            inside += int((field >= HIGHEST).sum())
        return _Surface(np.concatenate(values), np.concatenate(widths), inside)

    def level(self, voxels: float) -> float:
        """The level above which there are so many, counting those that the surface goes through by their share."""
        low, high = LOWEST, HIGHEST
        for _ in range(LEVEL_STEPS):
            level = (low + high) / 2
            shares = np.clip((self.values - np.float32(level)) / self.widths + np.float32(0.5), 0, 1)
            more = self.inside + float(shares.sum(dtype=np.float64)) > voxels
            low, high = (level, high) if more else (low, level)
        return (low + high) / 2


def _close(field: Field, level: float) -> None:
    """Make what is above the level one piece without hollows: smoothing may part a thin bridge, or close a bay."""
    body = _largest(field > level)
    if body is not None:
        field[(field > level) & ~body] = np.float32(level * 0.5)
    hollow = _largest(field <= level)
    if hollow is not None:
        field[(field <= level) & ~hollow] = np.float32(level + (1 - level) * 0.5)
