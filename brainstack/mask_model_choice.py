"""Which model of masks an animal uses: where it is, and a word for what it says. Opens none: each command asks this."""

from __future__ import annotations

from pathlib import Path

from brainstack.animal_folder import AnimalFolder
from brainstack.errors import BrainstackError
from brainstack.settings import Settings
from brainstack.stamps import digest


def model_path(folder: AnimalFolder, settings: Settings) -> Path | None:
    """The file that `[masks] model` names, None where it names none."""
    return folder.root / Path(settings.masks.model).expanduser() if settings.masks.model else None


def model_digest(folder: AnimalFolder, settings: Settings) -> str:
    """A word for the content of the model in use, "" where there is none: what it says may change with it. Raises
    BrainstackError where the file is not there."""
    path = model_path(folder, settings)
    if path is None:
        return ""
    if not path.is_file():
        raise BrainstackError(
            f"{path} is not there, which is the [masks] model of {folder.prep_id}; wanted one that TrainMasks made; "
            f"mend the line in {folder.settings}, or take it out and train one: "
            f"luigi --module tasks TrainMasks --animal {folder.prep_id}"
        )
    return digest(path.read_text(encoding="utf-8", errors="replace"))
