"""What may pass by itself is tried three times; bad input once."""

from __future__ import annotations

import errno
import os

import pytest

import tasks.base
from brainstack.errors import BrainstackError
from brainstack.stamps import Step
from tasks.base import AnimalTask


class Flaky(AnimalTask):
    """Its step fails with these errors, one after another, and then is made."""

    def prepared(self, *errors: Exception) -> Flaky:
        self.left, self.tries = list(errors), 0
        return self

    def _make_step(self, step: Step) -> None:
        self.tries += 1
        if self.left:
            raise self.left.pop(0)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks.base, "WAITS_S", (0.0, 0.0))


def system_error(number: int) -> OSError:
    return OSError(number, os.strerror(number), "/disk/a.tif")


def test_a_lost_connection_is_tried_until_the_third_time() -> None:
    task = Flaky(animal="DK39").prepared(system_error(errno.ESTALE), system_error(errno.ETIMEDOUT))
    task._make_with_patience(Step("Clean"))
    assert task.tries == 3


def test_the_third_failure_is_the_last() -> None:
    task = Flaky(animal="DK39").prepared(*(system_error(errno.EIO) for _ in range(5)))
    with pytest.raises(OSError, match=r"a\.tif"):
        task._make_with_patience(Step("Clean"))
    assert task.tries == 3


@pytest.mark.parametrize("error", [BrainstackError("bad mask"), system_error(errno.ENOSPC), ValueError("a fault")])
def test_what_does_not_pass_is_tried_once(error: Exception) -> None:
    task = Flaky(animal="DK39").prepared(error)
    with pytest.raises(type(error)):
        task._make_with_patience(Step("Clean"))
    assert task.tries == 1
