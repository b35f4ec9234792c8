"""Advice is by what was seen: with something to spare, and silent where the request is about right."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hpc.cluster import Request
from hpc.history import Used
from hpc.report import as_text, report
from hpc.verdicts import NODE_FAILURE, OUT_OF_MEMORY, TIME_LIMIT

REQUEST = Request(cores=4, memory_gb=4, minutes=30, seconds=60)
USED = Used("a.0", "Tifs", "", 120.0, (60.0, 60.0), 400.0, 3.0, 4, 4.0, 30.0)
"""Of an element with two tasks of a minute, all as it was asked for."""


def advice(*used: Used, request: Request = REQUEST) -> dict[str, float | int]:
    return report(used, {"Tifs": request})[0].advice


def test_nothing_is_advised_where_it_was_about_right() -> None:
    request = replace(REQUEST, minutes=5)

    assert advice(USED, request=request) == {}


def test_less_is_advised_where_less_was_used() -> None:
    little = replace(USED, memory_gb=0.4, core_seconds=100.0, task_seconds=(2.0, 2.5))

    assert advice(little) == {"memory_gb": 1.0, "minutes": 1, "seconds": 2.2, "cores": 1}


def test_more_is_advised_where_more_was_used() -> None:
    much = replace(USED, memory_gb=3.9, task_seconds=(900.0, 1000.0), seconds=1900.0, core_seconds=7000.0)

    assert advice(much) == {"memory_gb": 5.5, "minutes": 50, "seconds": 950}


def test_what_ran_out_of_memory_had_too_little_though_what_was_seen_of_it_was_less() -> None:
    killed = replace(USED, task_seconds=(), memory_gb=0.0, seconds=0.0, asked_memory_gb=8.0, cause=OUT_OF_MEMORY)

    assert advice(USED, killed)["memory_gb"] == 10.5


def test_what_ran_out_of_time_needs_more_though_the_others_did_not() -> None:
    cut = replace(USED, task_seconds=(), seconds=0.0, cause=TIME_LIMIT)

    assert advice(USED, cut)["minutes"] == 60


def test_stages_stand_as_in_cluster_toml_and_what_is_not_named_there_is_left_out() -> None:
    seen = [replace(USED, stage=stage) for stage in ("B", "C", "A")]

    assert [row.stage for row in report(seen, {"A": REQUEST, "B": REQUEST, "D": REQUEST})] == ["A", "B"]


def test_nothing_is_advised_of_a_stage_of_which_no_task_was_made() -> None:
    lost = replace(USED, task_seconds=(), seconds=0.0, core_seconds=0.0, memory_gb=0.0, cause=NODE_FAILURE)

    row = report([lost, lost], {"Tifs": REQUEST})[0]
    assert (row.advice, row.lost) == ({}, {NODE_FAILURE: 2})


def test_how_much_of_the_cores_worked_is_of_what_was_asked_for_then() -> None:
    assert report([USED], {"Tifs": replace(REQUEST, cores=1)})[0].core_use == pytest.approx(400 / (120 * 4))


TEXT = """\
stage  jobs  tasks  seconds  longest  GB asked  GB used  cores used            lost
Tifs      2      2      2.2      2.5         4     0.40         21%  1 node failure

For config/cluster.toml, by what was seen:

[stages.Tifs]
memory_gb = 1
minutes = 1
seconds = 2.2
cores = 1"""


def test_the_text_can_be_pasted_into_cluster_toml() -> None:
    little = replace(USED, memory_gb=0.4, core_seconds=100.0, task_seconds=(2.0, 2.5))
    lost = replace(USED, task_seconds=(), seconds=0.0, core_seconds=0.0, memory_gb=0.0, cause=NODE_FAILURE)

    assert as_text(report([little, lost], {"Tifs": REQUEST})) == TEXT
