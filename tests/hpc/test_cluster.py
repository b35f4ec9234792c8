"""config/cluster.toml: what is not meant is refused, in a sentence that says what was."""

from __future__ import annotations

from pathlib import Path

import pytest

from hpc.cluster import Cluster, ClusterError, Environment, Limits, Request, Watch, read_cluster

SHIPPED = Path(__file__).parents[2] / "config" / "cluster.toml"


def read(tmp_path: Path, text: str) -> Cluster:
    path = tmp_path / "cluster.toml"
    path.write_text(text)
    return read_cluster(path)


def said_of(tmp_path: Path, text: str) -> str:
    with pytest.raises(ClusterError) as caught:
        read(tmp_path, text)
    return str(caught.value).removeprefix(f"{tmp_path / 'cluster.toml'}: ")


def test_an_empty_file_leaves_all_as_it_is(tmp_path: Path) -> None:
    assert read(tmp_path, "") == Cluster(Limits(), Watch(), Environment(), {})


def test_the_shipped_file_says_what_holds_without_it() -> None:
    shipped = read_cluster(SHIPPED)

    assert (shipped.limits, shipped.watch, shipped.environment) == (Limits(), Watch(), Environment())
    assert shipped.stages["Tifs"] == Request(memory_gb=4, minutes=120, seconds=300)
    assert shipped.stages["MaskSearch"] == Request(seconds=5)


def test_a_stage_has_the_defaults_but_for_what_it_says(tmp_path: Path) -> None:
    cluster = read(
        tmp_path,
        '[defaults]\ncores = 3\npartition = "long"\noptions = ["--a=1"]\n[stages.A]\n[stages.B]\ncores = 1\ngpus = 2\n',
    )

    assert cluster.stages["A"] == Request(cores=3, partition="long", options=("--a=1",))
    assert cluster.stages["B"] == Request(cores=1, partition="long", options=("--a=1",), gpus=2)


def test_whole_numbers_are_numbers(tmp_path: Path) -> None:
    minutes = read(tmp_path, "[limits]\nminutes = 60\n").limits.minutes

    assert minutes == 60
    assert isinstance(minutes, float)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[limit]\n", "'limit' is unknown; did you mean 'limits'?"),
        ("[stages.A]\nmemory = 2\n", "[stages.A] 'memory' is unknown; did you mean 'memory_gb'?"),
        ("[watch]\nx = 2\n", "[watch] 'x' is unknown; known are ask_s, gather_s, grace_s, look_s."),
        ("[stages.A]\nexclude = ['n1']\n", "[stages.A] 'exclude' is unknown; known are account, cores, gpus, "
         "memory_gb, minutes, options, partition, qos, seconds."),
        ("[stages.A]\ncores = 1.5\n", "[stages.A] cores = 1.5; wanted a whole number above 0."),
        ("[stages.A]\ncores = 0\n", "[stages.A] cores = 0; wanted a whole number above 0."),
        ("[stages.A]\ncores = true\n", "[stages.A] cores = True; wanted a whole number above 0."),
        ("[stages.A]\ngpus = -1\n", "[stages.A] gpus = -1; wanted a whole number, 0 or more."),
        ("[stages.A]\nminutes = '30'\n", "[stages.A] minutes = '30'; wanted a number above 0."),
        ("[stages.A]\nmemory_gb = inf\n", "[stages.A] memory_gb = inf; wanted a number above 0."),
        ("[stages.A]\nmemory_gb = nan\n", "[stages.A] memory_gb = nan; wanted a number above 0."),
        ("[stages.A]\npartition = 3\n", "[stages.A] partition = 3; wanted text."),
        ("[stages.A]\noptions = '--x'\n", "[stages.A] options = '--x'; wanted a list of texts."),
        ("[stages.A]\noptions = [1]\n", "[stages.A] options = [1]; wanted a list of texts."),
        ("stages = 3\n", "stages = 3; wanted a table, [stages]."),
        ("limits = 3\n", "limits = 3; wanted a table, [limits]."),
        ("[stages]\nA = 3\n", "stages.A = 3; wanted a table, [stages.A]."),
    ],
)  # fmt: skip
def test_what_is_not_meant_is_refused(tmp_path: Path, text: str, said: str) -> None:
    assert said_of(tmp_path, text) == said


def test_zero_is_meant_where_it_stands_for_none(tmp_path: Path) -> None:
    assert read(tmp_path, "[limits]\narray_size = 0\nsubmitted = 0\n[defaults]\ngpus = 0\n").limits == Limits()


def test_a_file_that_is_not_there_or_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "cluster.toml"

    with pytest.raises(ClusterError, match=r"cluster\.toml is not there; wanted what each stage asks of the cluster"):
        read_cluster(path)
    assert "cannot be read: Expected '='" in said_of(tmp_path, "a\n")
    path.write_bytes(b"\xff")
    with pytest.raises(ClusterError, match=r"cannot be read: .*utf-8.* Mend that line\."):
        read_cluster(path)


def test_a_stage_can_do_without_what_others_have(tmp_path: Path) -> None:
    assert read(tmp_path, "[defaults]\ngpus = 1\n[stages.A]\ngpus = 0\n").stages["A"].gpus == 0
