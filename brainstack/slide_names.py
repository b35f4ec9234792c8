"""The files of the czi folder: which slide each is, and whether an order of slides follows from them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from brainstack.errors import BrainstackError
from brainstack.settings import Settings


@dataclass(frozen=True)
class CziFile:
    """A file of the czi folder. modified_ns : time of its last change."""

    name: str
    size: int
    modified_ns: int

    @property
    def slide(self) -> str:
        return self.name.removesuffix(".czi")


def legible(text: str) -> str:
    """A text with a sign in place of each byte of a file's name that is no UTF-8, so that it can be printed."""
    return re.sub("[\ud800-\udfff]", "\ufffd", text)


def slide_number(file_name: str, settings: Settings) -> int:
    """The number of a slide, as its file name says. Raises BrainstackError where it says none."""
    found = re.search(settings.slides.name_pattern, file_name)
    if found is None:
        raise BrainstackError(
            f"{file_name}: no slide number found in the name; wanted one such as DK39_slide058.czi "
            f"([slides] name_pattern = {settings.slides.name_pattern!r}); rename the file or change the pattern."
        )
    if not found["number"].isdecimal():
        raise BrainstackError(
            f"{file_name}: {found['number']!r} was found where the slide's number should be; wanted digits "
            f"([slides] name_pattern = {settings.slides.name_pattern!r}); change the pattern."
        )
    return int(found["number"])


def slide_rescan(file_name: str, settings: Settings) -> int:
    """Which scan of its slide a file is, as its name says: 1 where it says nothing, 2 for "rescan" without a number."""
    found = re.search(settings.slides.name_pattern, file_name)
    mark = found.groupdict().get("rescan") if found else None
    return 1 if mark is None else int(mark or 2)


def check_slides(czi: Path, czi_files: tuple[CziFile, ...], settings: Settings) -> None:
    """Refuse a folder from which no order of slides follows. Raises BrainstackError."""
    if not czi_files:
        raise BrainstackError(f"{czi} has no .czi file; wanted the animal's slide scans; put them there.")
    seen: dict[tuple[int, int], str] = {}
    for file in czi_files:
        scan = number, rescan = slide_number(file.name, settings), slide_rescan(file.name, settings)
        if scan in seen:
            raise BrainstackError(
                f"{czi}: {seen[scan]} and {file.name} both have slide number {number}"
                f"{f' and rescan {rescan}' if rescan != 1 else ''}; wanted one scan a slide, or the later ones marked "
                f"as in DK39_slide{number:03d}_rescan{rescan + 1}.czi; move the one that is not to be used out of the "
                "folder, or rename it."
            )
        seen[scan] = file.name
