"""A model as a file: the same after reading, whole or refused, and nothing in it is run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from by_hand import settings_with
from textured import trained

from brainstack.animal_folder import AnimalFolder
from brainstack.errors import BrainstackError
from brainstack.images.mask_model import MaskModel
from brainstack.mask_model_choice import model_digest, model_path
from brainstack.mask_models import model_in_use, model_of, read_model, text_of, write_model


@pytest.fixture(scope="module")
def model() -> MaskModel:
    return trained(3)


def test_what_is_written_is_read(model: MaskModel, tmp_path: Path) -> None:
    write_model(tmp_path / "model.json", model)

    assert read_model(tmp_path / "model.json") == model


def test_the_same_sections_give_the_same_bytes(model: MaskModel) -> None:
    assert text_of(trained(3)) == text_of(model)


def test_it_says_what_it_was_trained_on(model: MaskModel) -> None:
    told = json.loads(text_of(model))

    assert told["trained_on"] | {"sections": []} == {
        "animal": "DK39", "channel": 1, "is_colour": False, "pixel_size_um": 20.0, "sections": []
    }  # fmt: skip
    sections = told["trained_on"]["sections"]
    assert [one["key"] for one in sections] == ["slide000_S1", "slide001_S1", "slide002_S1"]
    assert all(one["dice"] > one["classical_dice"] for one in sections)
    assert told["settings"]["working_um"] == 20
    assert told["brainstack"]


def damaged(model: MaskModel, change: Callable[[dict[str, Any]], Any]) -> str:
    content = json.loads(text_of(model))
    change(content)
    with pytest.raises(BrainstackError) as error:
        model_of(json.dumps(content), "model.json")
    return str(error.value)


def test_what_is_no_whole_model_is_refused(model: MaskModel) -> None:
    assert "is no mask model" in damaged(model, lambda content: content.pop("what"))
    assert "is of format 2, this brainstack knows 1" in damaged(model, lambda content: content.update(format=2))
    assert "is damaged" in damaged(model, lambda content: content.pop("trees"))
    assert "leads nowhere" in damaged(model, lambda content: content["trees"][0]["left"].__setitem__(0, 999))
    assert "leads nowhere" in damaged(model, lambda content: content["features"].clear())
    assert "is no number" in damaged(model, lambda content: content["trees"][0]["value"].__setitem__(0, "__import__"))
    assert "sigmas_um" in damaged(model, lambda content: content.update(sigmas_um=[1e9]))
    with pytest.raises(BrainstackError, match="is damaged"):
        model_of(text_of(model)[:5000], "model.json")
    with pytest.raises(BrainstackError, match="is no mask model"):
        model_of("[]", "model.json")


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_bytes(b"\x80\x04\x95")
    with pytest.raises(BrainstackError, match="is no text"):
        read_model(tmp_path / "model.json")


def test_no_name_is_no_model(tmp_path: Path) -> None:
    folder, settings = AnimalFolder(tmp_path), settings_with(masks={"model": ""})

    assert (model_path(folder, settings), model_digest(folder, settings)) == (None, "")
    assert model_in_use(folder, settings) is None


def test_a_name_is_taken_from_the_animals_folder_and_a_whole_path_as_it_is(model: MaskModel, tmp_path: Path) -> None:
    folder = AnimalFolder(tmp_path / "DK39")
    write_model(folder.mask_model, model)

    for name in ("preps/masks/model.json", str(folder.mask_model)):
        assert model_in_use(folder, settings_with(masks={"model": name})) == model


def test_another_content_has_another_word_and_is_read_anew(model: MaskModel, tmp_path: Path) -> None:
    folder, settings = AnimalFolder(tmp_path), settings_with(masks={"model": "preps/masks/model.json"})
    words = []
    for one in (model, trained(4)):
        write_model(folder.mask_model, one)
        words.append(model_digest(folder, settings))
        assert model_in_use(folder, settings) == one
    assert words[0] != words[1]


def test_a_file_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    folder = AnimalFolder(tmp_path / "DK39")
    with pytest.raises(BrainstackError, match=r"nowhere\.json is not there.*TrainMasks --animal DK39"):
        model_digest(folder, settings_with(masks={"model": "nowhere.json"}))
