"""Animals as the viewer's server gives them out, and the state of each that is kept in the database."""

from __future__ import annotations

import json
import os.path
from collections.abc import Iterator, Mapping
from pathlib import Path

from brainstack.animal_folder import AnimalFolder
from brainstack.database import Database, run_in_transaction
from brainstack.environment import database_url
from brainstack.planning import look
from brainstack.viewer import State, with_data_at
from brainstack.viewer_server import DATA, Shown, data_url
from brainstack.viewing import state_of

KEPT = "all layers, as brainstack view shows them"
"""What is said of the state in the database that brainstack keeps up to date."""


def keep_state(prep_id: str, base_url: str) -> tuple[int, State]:
    """Keep in the database what the viewer shows of an animal now, under KEPT; what was kept before is replaced, and
    people's own states stay. base_url : of the server that others see it by. Returns its number, and the state with
    complete sources."""
    state = with_data_at(state_of(look(prep_id)), data_url(base_url, prep_id))
    text = json.dumps(state, ensure_ascii=False)

    def work(database: Database) -> int:
        return database.keep_state(prep_id, text, comments=KEPT)

    return run_in_transaction(database_url(), work), state


class AnimalsOnDisk(Mapping[str, Shown]):
    """All animals below a data root that have something to be shown, as they are whenever they are asked for."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def __getitem__(self, name: str) -> Shown:
        if name.startswith(".") or "/" in name or not _is_folder(self._root / name / DATA):
            raise KeyError(name)
        return shown(AnimalFolder(self._root / name))

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(path.parent.name for path in self._root.glob(f"[!.]*/{DATA}") if _is_folder(path)))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _is_folder(path: Path) -> bool:
    return os.path.isdir(path)  # noqa: PTH112 - Path.is_dir fails for a name too long, and for what may not be entered


def shown(folder: AnimalFolder) -> Shown:
    """An animal to be served: its state is made whenever somebody opens it."""
    return Shown(folder.neuroglancer_data, lambda: state_of(look(folder.prep_id)))
