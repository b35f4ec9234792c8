"""How hard the made-up slides are to read: what lies on the glass, and what befell the sections.

Lengths are millimetres. Counts are means of one scene, shares are of all sections.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Span = tuple[float, float]
"""The least and the most; in between every value is as likely."""


@dataclass(frozen=True)
class Difficulty:
    """Of one animal. Its first part is about the glass, its second about the sections.

    haze_slope, haze_clouds : how uneven the light of glass and mounting medium is, against its mean of 1.
    vignette : how much darker a field of view is towards its corners, before the scanner evens it out.
    field_steps : by how much one field is brighter than the next, a standard deviation.
    lamp_left, haze_in_colour : what of the lamp's and the medium's unevenness is left in bright field.
    specks, hairs, bubbles, debris : how many; debris saturates the camera. bubble_mm : radii.
    glue, smear, crack, neighbour : shares of the scenes. neighbour_mm : how far the next section comes in.

    faint, torn, piece, opened, cut, grazed : shares of the sections. faint_gain : their light. mouth_mm : how wide a
    ventricle is open to the outside.
    """

    haze_slope: float = 0.6
    haze_clouds: float = 0.33
    vignette: float = 0.22
    field_steps: float = 0.0
    lamp_left: float = 0.2
    haze_in_colour: float = 0.008
    specks: float = 14
    hairs: float = 1.5
    bubbles: float = 0.8
    bubble_mm: Span = (0.25, 0.7)
    debris: float = 0.0
    glue: float = 0.3
    smear: float = 0.0
    crack: float = 0.25
    neighbour: float = 0.2
    neighbour_mm: tuple[Span, Span] = ((0.6, 1.2), (0.4, 0.8))

    faint: float = 0.0
    faint_gain: Span = (0.25, 0.4)
    torn: float = 0.0
    piece: float = 0.0
    opened: float = 0.0
    mouth_mm: Span = (0.05, 0.10)
    cut: float = 0.0
    grazed: float = 0.0

    def flaws(self, random: np.random.Generator) -> tuple[str, ...]:
        """What befell one section."""
        return tuple(flaw for flaw in FLAWS if random.random() < getattr(self, flaw))


FLAWS = ("faint", "torn", "piece", "opened", "cut", "grazed")
"""Faint: it took little stain. Torn: one part lies apart from the other. Piece: another piece lies beside it. Opened: a
ventricle is open to the outside. Cut: the scan's edge goes through it. Grazed: the knife took only a sliver, nearly
nothing."""

DIFFICULTIES = {
    "easy": Difficulty(),
    "middle": Difficulty(
        haze_slope=0.75,
        haze_clouds=0.45,
        vignette=0.32,
        field_steps=0.03,
        lamp_left=0.55,
        haze_in_colour=0.055,
        specks=40,
        hairs=3,
        bubbles=1.6,
        bubble_mm=(0.25, 0.9),
        debris=1.0,
        glue=0.4,
        smear=0.4,
        crack=0.35,
        neighbour=0.4,
        neighbour_mm=((0.6, 1.6), (0.4, 1.0)),
        faint=0.15,
        torn=0.15,
        piece=0.2,
        opened=0.2,
        cut=0.2,
        grazed=0.05,
    ),
    "hard": Difficulty(
        haze_slope=0.9,
        haze_clouds=0.6,
        vignette=0.45,
        field_steps=0.07,
        lamp_left=0.6,
        haze_in_colour=0.06,
        specks=100,
        hairs=6,
        bubbles=3,
        bubble_mm=(0.25, 1.3),
        debris=3.0,
        glue=0.6,
        smear=0.8,
        crack=0.5,
        neighbour=0.7,
        neighbour_mm=((0.8, 2.4), (0.5, 1.5)),
        faint=0.3,
        faint_gain=(0.12, 0.25),
        torn=0.3,
        piece=0.4,
        opened=0.4,
        mouth_mm=(0.08, 0.18),
        cut=0.4,
        grazed=0.12,
    ),
}
"""Easy is the animal that a first look is for; its glass is no cleaner than most."""
