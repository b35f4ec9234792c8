"""Models of masks as files: what TrainMasks writes, and MaskProposal reads where `[masks] model` names one.

A file is JSON, and holds numbers and words only: one that came from another lab can be opened without care. The same
sections give the same bytes.
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from brainstack.animal_folder import AnimalFolder
from brainstack.errors import BrainstackError
from brainstack.files.whole import whole_file
from brainstack.images.mask_model import Lesson, MaskModel, Origin
from brainstack.images.trees import Tree, check_tree
from brainstack.mask_model_choice import model_digest, model_path
from brainstack.settings import Settings

FORMAT = 1
WHAT = "brainstack mask model"


def write_model(path: Path, model: MaskModel) -> None:
    """Write a model, with all that is known of it."""
    with whole_file(path) as part:
        part.write_text(text_of(model), encoding="utf-8")


def read_model(path: Path) -> MaskModel:
    """A model that `write_model` wrote. Raises BrainstackError for a file that is not there, or is no whole model."""
    return model_of(_text_in(path), str(path))


def text_of(model: MaskModel) -> str:
    """A model as JSON, a tree a line."""
    head = {
        "what": WHAT,
        "format": FORMAT,
        "brainstack": version("brainstack"),
        "trained_on": asdict(model.origin) | {"sections": [asdict(one) for one in model.lessons]},
        "settings": dict(model.settings),
        "sigmas_um": model.sigmas_um,
        "features_version": model.version,
        "features": model.features,
    }
    trees = ",\n".join(json.dumps(asdict(tree), separators=(",", ":")) for tree in model.trees)
    return json.dumps(head, indent=1, ensure_ascii=False).removesuffix("\n}") + f',\n "trees": [\n{trees}\n]\n}}\n'


def model_of(text: str, name: str) -> MaskModel:
    """The model in the text of a file. name : what a sentence calls the file. Raises BrainstackError for any other."""
    wanted = "wanted a model that TrainMasks made; copy it again, or train it again"
    try:
        content = json.loads(text)
        if not isinstance(content, dict) or content.get("what") != WHAT:
            raise BrainstackError(f"{name} is no mask model; {wanted}.")
        if content["format"] != FORMAT:
            raise BrainstackError(f"{name} is of format {content['format']}, this brainstack knows {FORMAT}; {wanted}.")
        model = _model_in(content)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BrainstackError(f"{name} is damaged ({type(error).__name__}: {error}); {wanted}.") from error
    return model


def _model_in(content: dict[str, Any]) -> MaskModel:
    """Raises ValueError, KeyError or TypeError where something is missing, or is no number."""
    told = dict(content["trained_on"])
    lessons = tuple(Lesson(**one) for one in told.pop("sections"))
    features = tuple(map(str, content["features"]))
    trees = tuple(Tree(**{name: _numbers(numbers) for name, numbers in tree.items()}) for tree in content["trees"])
    for tree in trees:
        check_tree(tree, len(features))
    sigmas_um = _numbers(content["sigmas_um"])
    if not sigmas_um or not all(0 < one <= WIDEST_UM for one in sigmas_um):
        raise ValueError(f"sigmas_um is {sigmas_um}")
    return MaskModel(Origin(**told), dict(content["settings"]), sigmas_um, features, lessons, trees,
                     content["features_version"])  # fmt: skip


WIDEST_UM = 10_000.0
"""No filter is wider than a brain: a wrong number would only use up memory."""


def _numbers(values: Sequence[Any]) -> tuple[Any, ...]:
    for value in values:
        if type(value) not in (int, float) or not math.isfinite(value):
            raise ValueError(f"{value!r} is no number")
    return tuple(values)


def _text_in(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BrainstackError(f"{path} is no text; wanted a model that TrainMasks made.") from error


def model_in_use(folder: AnimalFolder, settings: Settings) -> MaskModel | None:
    """The model that `[masks] model` names, None where it names none. Raises BrainstackError where the file is not
    there, or is no model."""
    path = model_path(folder, settings)
    return None if path is None else _read_once(path, model_digest(folder, settings))


@functools.lru_cache(maxsize=2)
def _read_once(path: Path, content: str) -> MaskModel:
    """For all sections of a batch. content : the digest of the file, so that another one is read anew."""
    return read_model(path)
