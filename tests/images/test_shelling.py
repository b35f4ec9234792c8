"""The shell of a sphere, whose volume and shape are known."""

from __future__ import annotations

from collections.abc import Callable, Collection

import numpy as np
import pytest

from brainstack.errors import BrainstackError
from brainstack.images.shelling import Shell, gather, shell_grid, shell_of
from brainstack.triangles import Mesh, normals, open_edges, volume_um3

SIDE_UM, RADIUS_UM = 1600.0, 600.0
MIDDLE = np.full(3, SIDE_UM / 2)


class Stack:
    """Sections of a sphere. jitter_um : how far each lies off, by chance."""

    def __init__(self, pixel_um: float = 20.0, thickness_um: float = 20.0, jitter_um: float = 0.0) -> None:
        self.pixel_um, self.thickness_um = pixel_um, thickness_um
        self.shape = (round(SIDE_UM / thickness_um), *(round(SIDE_UM / pixel_um),) * 2)
        self._shifts = np.random.default_rng(1).normal(0, jitter_um, (self.shape[0], 2))

    def mask(self, slot: int) -> np.ndarray:
        x, y = np.meshgrid(*[(np.arange(count) + 0.5) * self.pixel_um - SIDE_UM / 2 for count in self.shape[:0:-1]])
        z = (slot + 0.5) * self.thickness_um - SIDE_UM / 2
        shift_x, shift_y = self._shifts[slot]
        return ((x - shift_x) ** 2 + (y - shift_y) ** 2 + z**2 < RADIUS_UM**2).astype(np.float32)

    @property
    def volume_um3(self) -> float:
        pixels = sum(float(self.mask(slot).sum()) for slot in range(self.shape[0]))
        return pixels * self.pixel_um**2 * self.thickness_um

    def shell(
        self, *, without: Collection[int] = (), read: Callable[[int], np.ndarray] | None = None, voxel_um: float = 40
    ) -> Shell:
        grid = shell_grid(
            self.shape, pixel_um=self.pixel_um, thickness_um=self.thickness_um, voxel_um=voxel_um, smoothing_um=60
        )
        trusted = {slot: f"section {slot}" for slot in range(self.shape[0]) if slot not in without}
        return shell_of(grid, gather(grid, trusted, read or self.mask), 60)


def voxels_um3(stack: Stack, shell: Shell) -> float:
    count = sum(int(shell.plane(slot).sum()) for slot in range(stack.shape[0]))
    return count * stack.pixel_um**2 * stack.thickness_um


def off_radius_um(mesh: Mesh) -> np.ndarray:
    return np.linalg.norm(mesh.vertices - MIDDLE, axis=1) - RADIUS_UM


@pytest.mark.parametrize(("pixel_um", "thickness_um"), [(20, 20), (10.4, 20), (25, 50), (40, 100)])
def test_the_volume_is_that_of_the_masks(pixel_um: float, thickness_um: float) -> None:
    stack = Stack(pixel_um, thickness_um)
    shell = stack.shell()
    assert volume_um3(shell.mesh()) == pytest.approx(stack.volume_um3, rel=0.01)
    assert voxels_um3(stack, shell) == pytest.approx(stack.volume_um3, rel=0.01)


def test_the_surface_is_closed_and_lies_where_the_sphere_does() -> None:
    mesh = Stack().shell().mesh()
    assert open_edges(mesh) == 0
    assert np.abs(off_radius_um(mesh)).max() < 5
    assert np.abs(mesh.vertices.mean(axis=0) - MIDDLE).max() < 2


def test_there_are_no_steps_where_sections_lie_a_little_off() -> None:
    """Sections of 20 um that lie 15 um off leave steps of 20 um and more; the surface has less than a third of that,
    and its normals stay within a few degrees."""
    mesh = Stack(jitter_um=15).shell().mesh()
    assert np.abs(off_radius_um(mesh)).max() < 8
    outward = sum(mesh.corners) / 3 - MIDDLE
    cosine = (normals(mesh) * outward).sum(axis=1)
    cosine /= np.linalg.norm(normals(mesh), axis=1) * np.linalg.norm(outward, axis=1)
    assert np.degrees(np.arccos(np.clip(cosine, -1, 1))).max() < 10


def test_missing_sections_are_interpolated() -> None:
    stack = Stack()
    mesh = stack.shell(without=(20, 21, 22, 23, 24, 50)).mesh()
    assert volume_um3(mesh) == pytest.approx(stack.volume_um3, rel=0.01)
    assert np.abs(off_radius_um(mesh)).max() < 8


def test_thick_sections_leave_no_stairs() -> None:
    """Outlines are interpolated between them: a stack of plates would be 60 um off where the sphere is steep."""
    mesh = Stack(20, 100).shell().mesh()
    away = np.abs(mesh.vertices[:, 2] - MIDDLE[2]) < 0.8 * RADIUS_UM
    assert np.abs(off_radius_um(mesh)[away]).max() < 12


def test_holes_are_filled_and_islands_left_out() -> None:
    stack = Stack()

    def read(slot: int) -> np.ndarray:
        mask = stack.mask(slot)
        if 35 <= slot < 45:
            mask[35:45, 35:45] = 0  # a ventricle
            mask[2:8, 2:8] = 1  # a crumb
        return mask

    shell = stack.shell(read=read)
    assert volume_um3(shell.mesh()) == pytest.approx(stack.volume_um3, rel=0.01)
    assert shell.left_out == pytest.approx(6 * 6 * 10 * 20**3 / stack.volume_um3, rel=0.05)
    assert not shell.plane(40)[2:8, 2:8].any()
    assert shell.plane(40)[35:45, 35:45].all()


def test_a_brain_that_reaches_the_edge_of_the_canvas_has_a_closed_shell() -> None:
    stack = Stack()
    mesh = stack.shell(read=lambda slot: np.ones(stack.shape[1:], np.float32)).mesh()
    assert open_edges(mesh) == 0
    assert volume_um3(mesh) == pytest.approx(SIDE_UM**3, rel=0.01)


def test_without_any_mask_there_is_no_shell() -> None:
    stack = Stack()
    with pytest.raises(BrainstackError, match="No section has both a mask and a place"):
        stack.shell(without=range(stack.shape[0]))
    with pytest.raises(BrainstackError, match="are empty"):
        stack.shell(read=lambda slot: np.zeros(stack.shape[1:], np.float32))
