"""Stamps: what an output was made from, written after the output, so that a stamp speaks of a whole one."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from brainstack.errors import BrainstackError
from brainstack.files.whole import append_whole, whole_file
from brainstack.files.writer import writer


@dataclass(frozen=True, order=True)
class Step:
    """One piece of work: a stage, for one channel (counted from 1; 0 for none) and one item.

    item : a section's key, a slide's name, "fixed..moving" for a pair, or "" for the whole animal.
    """

    stage: str
    channel: int = 0
    item: str = ""

    def __str__(self) -> str:
        channel = f" channel {self.channel}" if self.channel else ""
        return f"{self.stage}{channel}{f' {self.item}' if self.item else ''}"


@dataclass(frozen=True)
class Stamp:
    """digest : what the output was made from. values : digests of results that go on by value, by their names.

    A stage whose result is small and may come out the same from other inputs (a mask, a gain, a section's
    transform) says its value: what follows is redone when the value changes, not whenever the stage was.
    ingredients : digests of what the output was made from, by name, so that a change can be told in words.
    """

    digest: str
    values: Mapping[str, str] = field(default_factory=dict)
    ingredients: Mapping[str, str] = field(default_factory=dict)

    def of(self, part: str) -> str:
        return self.values.get(part, self.digest)


class Stamps:
    """The stamps of one animal, in a few files: a network disk is slow at many.

    Each process appends what it did to a file of its own in new/; the process that drives a run packs all of them
    into one file a stage when it begins and when it ends. A line says that a step was begun (its stamp is then void:
    the output may be half of one and half of another) or, later, its stamp. A process that is killed leaves a begun
    step, or at worst a torn line, which is passed over.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[Step, Stamp] = {}
        self._read_until: dict[str, int] = {}
        self._packed = False

    def read(self, step: Step) -> Stamp | None:
        """The stamp of a step, or None where there is none."""
        if not self._packed:
            self._load()
        return self._known.get(step)

    def steps(self) -> tuple[Step, ...]:
        """All steps that have a stamp."""
        if not self._packed:
            self._load()
        return tuple(self._known)

    def refresh(self, writers: Iterable[str] | None = None) -> None:
        """Learn what other processes wrote since: these, or all."""
        names = None if writers is None else [f"{name}{SUFFIX}" for name in writers]
        for line in self._new_lines(names):
            self._learn(line)

    def _load(self, living: Collection[str] = ()) -> None:
        """What is new is read before what is packed: whoever packs in between takes nothing away."""
        self._known.clear()
        self._read_until.clear()
        new = self._new_lines([name for name in self._new_files() if name.removesuffix(SUFFIX) not in living])
        for path in sorted(self._folder.glob(f"[!.]*{SUFFIX}")):
            lines = _content(path).splitlines()
            _check_format(path, lines)
            for line in lines:
                self._learn(line)
        for line in new:
            self._learn(line)
        self._packed = True

    def _new_files(self) -> list[str]:
        """Names in new/, the oldest first where jobs on a cluster wrote them: the folder is listed, so that a disk in a
        network does not answer from memory."""
        try:
            return sorted(name for name in os.listdir(self._folder / "new") if name.endswith(SUFFIX))  # noqa: PTH208
        except FileNotFoundError:
            return []

    def _new_lines(self, names: Iterable[str] | None = None) -> list[bytes]:
        """Whole lines in these files of new/, or all, that this process has not read yet."""
        lines: list[bytes] = []
        for name in self._new_files() if names is None else names:
            start = self._read_until.get(name, 0)
            content = _content(self._folder / "new" / name, start)
            whole = content.rfind(b"\n") + 1
            self._read_until[name] = start + whole
            lines += content[:whole].splitlines()
        return lines

    def remove(self, step: Step) -> None:
        """Before an output is made: until its stamp is written it counts as absent."""
        self._append(step, None)

    def write(self, step: Step, stamp: Stamp) -> None:
        self._append(step, stamp)

    def pack(self, living: Collection[str] = ()) -> None:
        """Put everything into one file a stage. For the process that drives the run, while no task is being made.

        living : writers that may write more (jobs on a cluster): their files stay as they are.
        """
        self._load(living)
        by_stage: dict[str, list[str]] = {}
        for step, stamp in sorted(self._known.items()):
            by_stage.setdefault(step.stage, []).append(_line(step, stamp))
        for stage, lines in by_stage.items():
            content = "\n".join([json.dumps({"format": FORMAT}), *lines]) + "\n"
            path = self._folder / f"{stage}{SUFFIX}"
            if not path.is_file() or path.read_text(encoding="utf-8") != content:
                with whole_file(path) as part:
                    part.write_text(content, encoding="utf-8")
        for path in self._folder.glob(f"*{SUFFIX}"):
            if path.name.removesuffix(SUFFIX) not in by_stage:
                path.unlink()
        for name in self._new_files():
            if name.removesuffix(SUFFIX) not in living:
                (self._folder / "new" / name).unlink()
        self._read_until.clear()
        self.refresh()

    def _learn(self, line: bytes) -> None:
        try:
            stage, channel, item, content = json.loads(line)
            step = Step(stage, channel, item)
            stamp = (
                None if content is None else Stamp(content["digest"], content["values"], content.get("ingredients", {}))
            )
        except (ValueError, KeyError, TypeError):  # torn by a kill, or by another hand: the step is made again
            return
        if stamp is not None:
            self._known[step] = stamp
        else:
            self._known.pop(step, None)

    def _append(self, step: Step, stamp: Stamp | None) -> None:
        """One line, written at once; it begins with a line break, in case that the one before it was torn."""
        self.read(step)
        line = f"\n{_line(step, stamp)}\n".encode()
        path = self._folder / "new" / f"{writer()}{SUFFIX}"
        append_whole(path, line)
        self._learn(line.strip())


SUFFIX = ".jsonl"
FORMAT = 2
"""Of the packed files; it stands in their first line. 1 had no ingredients, and no such line."""


def _content(path: Path, start: int = 0) -> bytes:
    """What the file holds from byte `start` on; nothing where another process packed it since it was listed."""
    try:
        with path.open("rb") as file:
            file.seek(start)
            return file.read()
    except FileNotFoundError:
        return b""


def _check_format(path: Path, lines: list[bytes]) -> None:
    """Refuse the stamps of a newer brainstack: taken for absent, days of work would be done again."""
    try:
        first = json.loads(lines[0]) if lines else {}
    except ValueError:
        return
    found = first.get("format", 1) if isinstance(first, dict) else 1
    if found > FORMAT:
        raise BrainstackError(
            f"{path} is of format {found}, from a newer brainstack; this one knows formats up to {FORMAT}: "
            "use the newer one."
        )


def _line(step: Step, stamp: Stamp | None) -> str:
    content = None
    if stamp is not None:
        content = {
            "digest": stamp.digest,
            "values": dict(sorted(stamp.values.items())),
            "ingredients": dict(sorted(stamp.ingredients.items())),
        }
    return json.dumps([step.stage, step.channel, step.item, content], separators=(",", ":"))


def digest(content: Any) -> str:
    """A short name for `content` (what JSON can hold, or an array): the same content has the same name."""
    hashed = hashlib.blake2b(digest_size=16)
    if isinstance(content, np.ndarray):
        hashed.update(f"{content.dtype.str}{content.shape}".encode())
        hashed.update(np.ascontiguousarray(content).tobytes())
    else:
        hashed.update(json.dumps(content, sort_keys=True, separators=(",", ":")).encode())
    return hashed.hexdigest()
