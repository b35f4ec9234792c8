"""What elements used, in a file that outlives kills."""

from __future__ import annotations

from pathlib import Path

from hpc.history import History, Used


def used(element: str, stage: str = "Sum", times: tuple[float, ...] = (1.0,)) -> Used:
    return Used(element, stage, "now", sum(times), times, 1.0, 0.5, 1, 2.0, 30.0)


def test_what_was_used_is_read_as_it_was_noted(tmp_path: Path) -> None:
    history = History(tmp_path / "jobs" / "history.jsonl")

    assert list(history.all()) == []
    history.add(used("a.0"))
    history.add(used("a.1", times=(2.0, 3.0)))
    assert list(history.all()) == [used("a.0"), used("a.1", times=(2.0, 3.0))]


def test_an_element_that_was_noted_twice_counts_once(tmp_path: Path) -> None:
    history = History(tmp_path / "history.jsonl")
    for _ in range(2):
        history.add(used("a.0"))

    assert History(history.path).seconds() == [("Sum", 1.0)]


def test_a_line_that_a_kill_tore_is_passed_over_with_what_is_around_it_kept(tmp_path: Path) -> None:
    history = History(tmp_path / "history.jsonl")
    history.add(used("a.0"))
    with history.path.open("a") as file:
        file.write('{"element": "a.1", "sta')
    history.add(used("a.2"))
    history.add(used("a.3"))

    assert [one.element for one in history.all()] == ["a.0", "a.2", "a.3"]


def test_seconds_go_on_while_elements_end(tmp_path: Path) -> None:
    history = History(tmp_path / "history.jsonl")
    history.add(used("a.0", "A"))

    assert history.seconds() == [("A", 1.0)]
    history.add(used("b.0", "B", (2.0, 4.0)))
    assert history.seconds() == [("A", 1.0), ("B", 2.0), ("B", 4.0)] == History(history.path).seconds()
