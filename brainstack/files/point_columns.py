"""Columns of a CSV of points: text is added a block at a time, and kept as numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from brainstack.errors import BrainstackError
from brainstack.point_layer import Property

MOST_WORDS = 1 << 16
COLOUR = re.compile(r"#([0-9a-fA-F]{6}|[0-9a-fA-F]{8})")
WHOLE = ("uint8", "int8", "uint16", "int16", "int32", "uint32")


class Column:
    """A column: texts are added, a block at a time, with the numbers of their lines."""

    def __init__(self, path: Path | str, name: str) -> None:
        self._path, self._name = path, name

    def add(self, texts: Sequence[str], lines: Sequence[int]) -> None:
        raise NotImplementedError

    def _wrong(self, line: int, text: str, wanted: str) -> BrainstackError:
        return BrainstackError(f"{self._path}, line {line}: {self._name} is {text!r}; wanted {wanted}.")


class Numbers(Column):
    """Finite numbers."""

    wanted = "a number"

    def __init__(self, path: Path | str, name: str) -> None:
        super().__init__(path, name)
        self._blocks: list[NDArray[np.float64]] = []

    def add(self, texts: Sequence[str], lines: Sequence[int]) -> None:
        try:
            numbers = np.array(texts, dtype=np.float64)
        except ValueError:
            numbers = np.array([as_number(text) for text in texts])
        if not np.isfinite(numbers).all():
            at = int(np.flatnonzero(~np.isfinite(numbers))[0])
            raise self._wrong(lines[at], texts[at], self.wanted)
        self._blocks.append(numbers)

    def values(self) -> NDArray[np.float64]:
        return np.concatenate(self._blocks)


def as_number(text: str) -> float:
    """nan for what is none."""
    try:
        return float(text)
    except ValueError:
        return float("nan")


class Whole(Column):
    """Whole numbers up to 64 bits: one in each row, or several with spaces between."""

    def __init__(self, path: Path | str, name: str, *, many: bool) -> None:
        super().__init__(path, name)
        self._many = many
        self._blocks: list[NDArray[np.uint64]] = []
        self._counts: list[NDArray[np.int64]] = []

    def add(self, texts: Sequence[str], lines: Sequence[int]) -> None:
        rows = list(map(str.split, texts)) if self._many else [[text] for text in texts]
        words = list(chain.from_iterable(rows))
        together = "".join(words)
        is_whole = not words or (together.isdigit() and together.isascii() and all(words))
        numbers = list(map(int, words)) if is_whole else []
        if not is_whole or max(numbers, default=0) >= 1 << 64:
            wrong = ((line, word) for row, line in zip(rows, lines, strict=True) for word in row if not _is_whole(word))
            raise self._wrong(*next(wrong), "whole numbers from 0 to 18446744073709551615")
        self._blocks.append(np.array(numbers, np.uint64))
        self._counts.append(np.fromiter(map(len, rows), np.int64, len(rows)))

    def values(self) -> NDArray[np.uint64]:
        return np.concatenate(self._blocks)

    def counts(self) -> NDArray[np.int64]:
        return np.concatenate(self._counts)


def _is_whole(word: str) -> bool:
    return word.isascii() and word.isdigit() and int(word) < 1 << 64


class Said(Column):
    """What is said of each: numbers, colours or words, as the first row that has something has it."""

    def __init__(self, path: Path | str, name: str) -> None:
        super().__init__(path, name)
        self._as: Numbers | Colours | Labels | None = None
        self._waiting: list[tuple[Sequence[str], Sequence[int]]] = []  # blocks with nothing in them

    def add(self, texts: Sequence[str], lines: Sequence[int]) -> None:
        if self._as is None:
            first = next((text for text in texts if text), "")
            if not first:
                self._waiting.append((texts, lines))
                return
            self._as = self._kind_of(first)
            for block in self._waiting:
                self._as.add(*block)
        self._as.add(texts, lines)

    def _kind_of(self, first: str) -> Numbers | Colours | Labels:
        if COLOUR.fullmatch(first):
            return Colours(self._path, self._name, len(first) // 2)
        return (
            Values(self._path, self._name) if as_number(first) == as_number(first) else Labels(self._path, self._name)
        )

    @property
    def is_empty(self) -> bool:
        return self._as is None

    def as_property(self, name: str, description: str = "") -> Property:
        """What was said, as a property of this name. Raises BrainstackError for whole numbers that none can hold."""
        assert self._as is not None
        if isinstance(self._as, Labels):
            return self._as.as_property(name, description)
        if isinstance(self._as, Colours):
            colours = self._as.values()
            return Property(name, "rgb" if colours.shape[1] == 3 else "rgba", colours, description=description)
        values = self._as.values()
        kind = number_type(values)
        if not kind:
            raise BrainstackError(
                f"{self._path}: the column {self._name} has whole numbers up to {values.max():.0f}, which a property "
                f"cannot hold; wanted them up to {np.iinfo('uint32').max}, or the column called {self._name}:text."
            )
        return Property(name, kind, values, description=description)


class Words(Said):
    """Words, whatever they look like. most : different ones."""

    def __init__(self, path: Path | str, name: str, *, most: int | None = MOST_WORDS) -> None:
        super().__init__(path, name)
        self._most = most

    def _kind_of(self, first: str) -> Labels:
        return Labels(self._path, self._name, most=self._most)

    def codes(self) -> NDArray[np.int64]:
        return self._labels.codes()

    @property
    def words(self) -> list[str]:
        return self._labels.words

    @property
    def _labels(self) -> Labels:
        if not isinstance(self._as, Labels):
            raise BrainstackError(f"{self._path}: the column {self._name} is empty; wanted a word for each polyline.")
        return self._as


class Values(Numbers):
    wanted = "a number, as in the rows above (or call the column `name:text`, where it holds words)"


class Colours(Column):
    """Colours such as #ff8000, or #ff800080 with their opacity."""

    def __init__(self, path: Path | str, name: str, size: int) -> None:
        super().__init__(path, name)
        self._size = size
        self._all = re.compile(rf"#[0-9a-fA-F]{{{2 * size}}}(\n#[0-9a-fA-F]{{{2 * size}}})*")
        self._wanted = f"a colour such as #{'ff8000ff'[: 2 * size]}, as in the rows above"
        self._blocks: list[NDArray[np.uint8]] = []

    def add(self, texts: Sequence[str], lines: Sequence[int]) -> None:
        if not self._all.fullmatch("\n".join(texts)):
            wrong = ((line, text) for text, line in zip(texts, lines, strict=True) if not self._all.fullmatch(text))
            raise self._wrong(*next(wrong), self._wanted)
        together = bytes.fromhex("".join(texts).replace("#", ""))
        self._blocks.append(np.frombuffer(together, np.uint8).reshape(-1, self._size))

    def values(self) -> NDArray[np.uint8]:
        return np.concatenate(self._blocks)


class Labels(Column):
    """Words, of which there are not too many different ones."""

    def __init__(self, path: Path | str, name: str, *, most: int | None = MOST_WORDS) -> None:
        super().__init__(path, name)
        self._most = most
        self._places: dict[str, int] = {}
        self._blocks: list[NDArray[np.int64]] = []

    def add(self, texts: Sequence[str], lines: Sequence[int]) -> None:
        places = self._places
        self._blocks.append(np.array([places.setdefault(text, len(places)) for text in texts], np.int64))
        if self._most is not None and len(places) > self._most:
            raise self._wrong(lines[-1], texts[-1], f"up to {self._most} different words in the column; leave it out")

    def codes(self) -> NDArray[np.int64]:
        return np.concatenate(self._blocks)

    @property
    def words(self) -> list[str]:
        return list(self._places)

    def as_property(self, name: str, description: str = "") -> Property:
        """What the words are as a property: numbers with labels."""
        kind = "uint8" if len(self._places) <= 1 << 8 else "uint16"
        return Property(name, kind, self.codes(), tuple(self._places), description)


def number_type(values: NDArray[np.float64]) -> str:
    """The smallest type that holds all of whole numbers, "" where none does; float32 for others."""
    if not (values == np.round(values)).all():
        return "float32"
    fits = (name for name in WHOLE if np.iinfo(name).min <= values.min() and values.max() <= np.iinfo(name).max)
    return next(fits, "")
