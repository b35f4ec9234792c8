from __future__ import annotations

from collections.abc import Iterator

import pytest

from brainstack import as_typed as module
from brainstack.as_typed import as_typed

RUN = "luigi --module tasks Animal --animal DK39"


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    module._answers.cache_clear()
    yield
    module._answers.cache_clear()


def answering(monkeypatch: pytest.MonkeyPatch, answer: bool) -> list[bool]:
    """What luigid says from now on. Returns a list that has an item for each time that it was asked."""
    asked: list[bool] = []
    monkeypatch.setattr(module, "luigid_answers", lambda: asked.append(answer) or answer)
    monkeypatch.setattr(module.time, "monotonic", lambda: 5.0)
    return asked


def test_where_no_luigid_answers_a_command_does_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, False)
    assert as_typed(RUN) == f"{RUN} --local-scheduler"
    assert as_typed(f"{RUN} --local-scheduler") == f"{RUN} --local-scheduler"


def test_where_luigid_answers_a_command_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, True)
    assert as_typed(RUN) == RUN


def test_luigid_is_asked_once_for_many_commands_and_not_for_those_of_brainstack(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = answering(monkeypatch, False)
    assert as_typed("brainstack review DK39") == "brainstack review DK39"
    assert asked == []
    assert {as_typed(RUN) for _ in range(100)} == {f"{RUN} --local-scheduler"}
    assert len(asked) == 1
