"""What is in folders, looked at once: a network disk answers one listing far sooner than a thousand questions."""

from __future__ import annotations

import os
from pathlib import Path


class Listing:
    """Folders as they were when first asked about."""

    def __init__(self) -> None:
        self._folders: dict[str, dict[str, bool]] = {}

    def has(self, path: Path) -> bool:
        """True where there is something of this name, be it a link that leads nowhere."""
        return path.name in self._names(path)

    def is_link(self, path: Path) -> bool:
        return self._names(path).get(path.name, False)

    def _names(self, path: Path) -> dict[str, bool]:
        folder = os.path.dirname(path)  # noqa: PTH120 - asked a hundred thousand times
        if folder not in self._folders:
            try:
                with os.scandir(folder) as entries:
                    self._folders[folder] = {entry.name: entry.is_symlink() for entry in entries}
            except (FileNotFoundError, NotADirectoryError):
                self._folders[folder] = {}
        return self._folders[folder]
