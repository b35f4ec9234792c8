"""Another queue is one new file."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from hpc.backend import Backend, backend_named
from hpc.cluster import ClusterError

FUNCTIONS = ["cancel", "check", "ended", "jobs", "limits", "most", "submit"]


@pytest.mark.parametrize("name", ["slurm", "salloc"])
def test_a_queue_is_found_by_the_name_of_its_file_and_offers_all_that_is_wanted(name: str) -> None:
    backend = backend_named(name)

    assert backend.name == name
    assert [one for one in dir(backend) if one in FUNCTIONS] == FUNCTIONS
    assert sorted(one for one, found in vars(Backend).items() if callable(found) and one[0] != "_") == FUNCTIONS


def test_a_new_file_is_a_new_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("hpc.sge")
    module.QUEUE = dict  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "hpc.sge", module)

    assert backend_named("sge") == {}


@pytest.mark.parametrize("name", ["slum", "fleet", "", "a b", "."])
def test_a_name_that_is_no_queues_is_refused(name: str) -> None:
    with pytest.raises(ClusterError, match=r"is no queue; wanted local, slurm or salloc\."):
        backend_named(name)
