"""What PairCheck makes of pairs before it compares them."""

from __future__ import annotations

import pytest

from brainstack.errors import BrainstackError
from brainstack.images.registration import Registered
from tasks.pair_check import check_engine

GOOD = Registered(0.1, 5.0, 6.0, 0.9)
GIVEN_UP = Registered(0.1, 5.0, 6.0, 0.9, engine_error="elastix could not register the two sections.")


def test_where_elastix_gave_up_on_every_pair_its_parameters_are_wrong() -> None:
    given = Registered(0.0, 0.0, 0.0, 0.5, by_hand=True)
    copy = Registered(0.0, 0.0, 0.0, 1.0, is_same=True)
    with pytest.raises(
        BrainstackError, match=r"gave up on all 2 pairs; put config/rigid.toml right: elastix"
    ):
        check_engine({"a..b": GIVEN_UP, "b..c": GIVEN_UP, "c..d": given, "d..e": copy})


def test_one_pair_that_elastix_gave_up_on_is_used_as_it_was_begun() -> None:
    check_engine({"a..b": GIVEN_UP, "b..c": GOOD})


def test_without_pairs_there_is_nothing_to_say() -> None:
    check_engine({})
    check_engine({"a..b": Registered(0.0, 0.0, 0.0, 0.5, by_hand=True)})
