"""What each stage asks of a cluster, and how the cluster is used: config/cluster.toml."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar

Kind = TypeVar("Kind")


class ClusterError(Exception):
    """What a person can mend, in one sentence."""


@dataclass(frozen=True)
class Request:
    """What one element of an array asks for. minutes : that the slowest of its tasks may take. seconds : that a task
    takes, as long as none has been seen. exclude : nodes. options : more lines for sbatch, such as "--constraint=avx2".
    """

    cores: int = 1
    memory_gb: float = 2.0
    minutes: float = 30.0
    seconds: float = 30.0
    gpus: int = 0
    partition: str = ""
    account: str = ""
    qos: str = ""
    options: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True)
class Limits:
    """running_elements : of an array at once. element_minutes : that bundled tasks shall last together. array_size and
    submitted : most elements in an array, and waiting or running at once; 0 for as many as the queue allows.
    memory_gb and minutes : no retry asks for more.
    """

    running_elements: int = 200
    element_minutes: float = 8.0
    array_size: int = 0
    submitted: int = 0
    memory_gb: float = 128.0
    minutes: float = 1440.0


@dataclass(frozen=True)
class Watch:
    """look_s : between two looks at end records. ask_s : between two questions to the queue. grace_s : that a shared
    disk may take to show a file, and the queue to show a job. gather_s : that ready tasks wait for others, to go out
    together."""

    look_s: float = 1.0
    ask_s: float = 15.0
    grace_s: float = 60.0
    gather_s: float = 2.0


@dataclass(frozen=True)
class Environment:
    """python : on the nodes; this one where it is empty. setup : lines of shell that go before. command : what Python
    is started by, such as "apptainer exec brainstack.sif"."""

    python: str = ""
    setup: str = ""
    command: str = ""


@dataclass(frozen=True)
class Cluster:
    limits: Limits = Limits()
    watch: Watch = Watch()
    environment: Environment = Environment()
    stages: Mapping[str, Request] = field(default_factory=dict)


def read_cluster(path: Path) -> Cluster:
    """Raises ClusterError for a file that is not there or cannot be read, and for a name or a value that is not
    meant."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ClusterError(f"{path} is not there; wanted what each stage asks of the cluster.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ClusterError(f"{path} cannot be read: {error}. Mend that line.") from None
    _check_names(path, "", content, {"limits", "watch", "environment", "defaults", "stages"})
    defaults = _filled(path, "defaults", Request(), content.get("defaults", {}))
    stages = _table(path, "stages", content.get("stages", {}))
    return Cluster(
        limits=_filled(path, "limits", Limits(), content.get("limits", {})),
        watch=_filled(path, "watch", Watch(), content.get("watch", {})),
        environment=_filled(path, "environment", Environment(), content.get("environment", {})),
        stages={name: _filled(path, f"stages.{name}", defaults, given) for name, given in stages.items()},
    )


def _table(path: Path, name: str, given: Any) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise ClusterError(f"{path}: {name} = {given!r}; wanted a table, [{name}].")
    return given


def _filled(path: Path, table: str, defaults: Kind, given: Any) -> Kind:
    """The defaults, with what the file gives."""
    known = {one.name: one.default for one in fields(defaults) if one.name != "exclude"}  # type: ignore[arg-type]
    _check_names(path, table, _table(path, table, given), set(known))
    return replace(defaults, **{name: _value(path, table, name, known[name], one) for name, one in given.items()})  # type: ignore[type-var]


def _value(path: Path, table: str, name: str, default: Any, given: Any) -> Any:
    """The value given, of the kind of Python's default. A number must be above 0, but where 0 stands for none."""
    wanted = {str: "text", int: "a whole number", float: "a number", tuple: "a list of texts"}[type(default)]
    fits = (
        isinstance(given, str)
        if isinstance(default, str)
        else isinstance(given, list) and all(isinstance(one, str) for one in given)
        if isinstance(default, tuple)
        else isinstance(given, int | type(default)) and not isinstance(given, bool)
    )
    if isinstance(default, int | float):
        wanted += " above 0" if default else ", 0 or more"
        fits = fits and (0 < given < float("inf") or given == default == 0)
    if not fits:
        raise ClusterError(f"{path}: [{table}] {name} = {given!r}; wanted {wanted}.")
    return tuple(given) if isinstance(default, tuple) else type(default)(given)


def _check_names(path: Path, table: str, given: Mapping[str, Any], known: set[str]) -> None:
    for name in given:
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(sorted(known))}."
            raise ClusterError(f"{path}: {f'[{table}] ' if table else ''}{name!r} is unknown; {hint}")
