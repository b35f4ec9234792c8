from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from layers import made_up, points, two_places

from brainstack.errors import BrainstackError
from brainstack.point_layer import KINDS, Relationship, check_inside, check_layer

BOX = (10.0, 20.0, 30.0)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_as_it_should_be_is_left_alone(kind: str) -> None:
    layer = made_up(kind, 50)  # type: ignore[arg-type]
    check_layer(layer, "cells.csv")
    check_inside(layer, "cells.csv", (1500, 1000, 880))


def test_bounds_are_those_of_the_whole_annotation() -> None:
    low, high = two_places("line", (5, 1, 9), (2, 3, 9)).bounds_um()
    assert (low.tolist(), high.tolist()) == ([[2, 1, 9]], [[5, 3, 9]])
    low, high = two_places("ellipsoid", (5, 5, 5), (1, 2, 3)).bounds_um()
    assert (low.tolist(), high.tolist()) == ([[4, 3, 2]], [[6, 7, 8]])


def test_an_empty_layer_is_refused() -> None:
    with pytest.raises(BrainstackError, match=r"^cells.csv has no annotations; wanted one or more\.$"):
        check_layer(points(), "cells.csv")


def test_what_is_no_number_is_refused_by_its_line() -> None:
    layer = replace(points((1, 1, 1), (1, np.nan, 2)), lines=np.array([2, 7]))
    with pytest.raises(BrainstackError, match=r"^cells.csv, line 7 is at 1 nan 2; wanted finite micrometres\.$"):
        check_layer(layer, "cells.csv")
    with pytest.raises(BrainstackError, match=r"^cells.csv, annotation 1 is at 1 inf 2"):
        check_layer(points((1, np.inf, 2)), "cells.csv")


def test_an_id_that_two_have_is_refused() -> None:
    layer = replace(points((1, 1, 1), (2, 2, 2), (3, 3, 3)), ids=np.array([7, 8, 7], np.uint64))
    with pytest.raises(BrainstackError, match=r"^cells.csv, annotation 3 has the id 7, as has annotation 1; give each"):
        check_layer(layer, "cells.csv")


def test_too_many_related_objects_are_refused() -> None:
    related = Relationship("structure", np.array([0, 1001]), np.arange(1001, dtype=np.uint64))
    layer = replace(points((1, 1, 1), (2, 2, 2)), relationships=(related,))
    with pytest.raises(BrainstackError, match=r"annotation 2 is related to 1001 objects as 'structure'; wanted 1000"):
        check_layer(layer, "cells.csv")


def test_a_negative_radius_is_refused() -> None:
    with pytest.raises(BrainstackError, match=r"annotation 1 has a negative radius"):
        check_layer(two_places("ellipsoid", (5, 5, 5), (1, -2, 3)), "cells.csv")


@pytest.mark.parametrize("place", [(-0.1, 1, 1), (10.1, 1, 1), (1, 20.5, 1), (1, 1, 31)])
def test_a_point_outside_the_volume_is_refused(place: tuple[float, float, float]) -> None:
    wanted = r"annotation 2 at .* um reaches out of the volume \(1 of 2 do\); wanted x, y and z from 0 to 10 20 30 um"
    with pytest.raises(BrainstackError, match=wanted):
        check_inside(points((1, 1, 1), place), "cells.csv", BOX)


def test_the_edges_are_inside_and_so_must_be_all_of_an_ellipsoid() -> None:
    check_inside(points((0, 0, 0), BOX), "cells.csv", BOX)
    check_inside(two_places("ellipsoid", (5, 5, 5), (5, 5, 5)), "cells.csv", BOX)
    with pytest.raises(BrainstackError, match="reaches out"):
        check_inside(two_places("ellipsoid", (5, 5, 5), (5.1, 5, 5)), "cells.csv", BOX)
    with pytest.raises(BrainstackError, match="reaches out"):
        check_inside(two_places("line", (5, 5, 5), (5, 5, -1)), "cells.csv", BOX)
