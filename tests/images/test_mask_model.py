"""A model tells what people painted from what they did not, where brightness cannot."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from textured import MASKS, ORIGIN, PIXEL_UM, TRAINING, painted, section, trained

from brainstack.errors import BrainstackError
from brainstack.images.mask_features import VERSION, features
from brainstack.images.mask_model import MaskModel, predict, propose_mask_by_model, train
from brainstack.images.mask_shapes import NoTissueError
from brainstack.images.masks import propose_mask
from brainstack.images.planes import dice


@pytest.fixture(scope="module")
def model() -> MaskModel:
    return trained()


def proposed(image: np.ndarray, model: MaskModel) -> np.ndarray:
    return propose_mask_by_model(image, model, pixel_size_um=PIXEL_UM, settings=MASKS)


def test_a_smear_as_bright_as_tissue_is_left_out_on_a_section_that_was_never_seen(model: MaskModel) -> None:
    image, mask = section(77)

    assert dice(propose_mask(image, pixel_size_um=PIXEL_UM, settings=MASKS), mask) < 0.85  # the smear is in
    assert dice(proposed(image, model), mask) > 0.97


def test_the_proposal_has_the_size_and_type_of_a_mask(model: MaskModel) -> None:
    found = proposed(section(77)[0], model)

    assert (found.shape, found.dtype) == (section(77)[1].shape, np.bool_)


def test_the_shape_rules_hold_holes_are_filled_and_specks_dropped(model: MaskModel) -> None:
    image, mask = section(77)
    image[95:105, 85:95] = 400  # a ventricle
    image[20:23, 20:23] = image[100, 70]

    assert dice(proposed(image, model), mask) > 0.97


def test_pixels_that_were_not_asked_say_what_they_would_have_said(model: MaskModel) -> None:
    found = features(section(77)[0], pixel_size_um=PIXEL_UM, settings=MASKS, sigmas_um=model.sigmas_um)
    likely = predict(model, found)

    asked = model.booster.predict(found.values.reshape(-1, len(found.names))).reshape(likely.shape)
    assert np.mean((likely > 0.5) != (asked > 0.5)) < 0.001


def test_glass_alone_has_no_tissue(model: MaskModel) -> None:
    image = np.rint(400 + 12 * np.random.default_rng(1).standard_normal((220, 260))).astype(np.uint16)

    with pytest.raises(NoTissueError):
        proposed(image, model)


def test_the_same_sections_give_the_same_model(model: MaskModel) -> None:
    assert trained() == model


def test_each_section_is_judged_by_a_model_that_did_not_see_its_slide(model: MaskModel) -> None:
    """A slide whose mask is the smear: judged by the others, it must come out as wrong."""
    sections = [painted(seed) for seed in range(4)]
    image, mask = section(4)
    sections.append(dataclasses.replace(sections[0], key="odd", slide="odd", read=lambda: (image, mask[:, ::-1])))
    told = {one.key: one for one in train(sections, ORIGIN, settings=MASKS, training=TRAINING).lessons}

    assert list(told) == [one.key for one in sections]
    assert told["odd"].dice is not None
    assert told["odd"].dice < 0.5
    lesson = model.lessons[0]
    assert lesson.dice is not None
    assert lesson.classical_dice is not None
    assert lesson.dice > 0.95 > lesson.classical_dice
    assert lesson.tissue_px + lesson.glass_px == TRAINING.pixels


def test_sections_of_one_slide_are_left_out_one_by_one() -> None:
    sections = [dataclasses.replace(painted(seed), slide="slide001") for seed in range(3)]
    model = train(sections, ORIGIN, settings=MASKS, training=TRAINING)

    assert all(one.dice is not None and one.dice > 0.9 for one in model.lessons)


def test_two_sections_are_too_few() -> None:
    with pytest.raises(BrainstackError, match=r"DK39 has 2 sections .* wanted at least 3"):
        trained(2)


def test_a_model_of_grey_sections_refuses_colour(model: MaskModel) -> None:
    with pytest.raises(BrainstackError, match="trained on sections in grey, and this one is in colour"):
        proposed(np.full((220, 260, 3), 240, np.uint8), model)


def test_a_model_of_other_features_is_refused(model: MaskModel) -> None:
    with pytest.raises(
        BrainstackError, match=rf"\(version {VERSION + 1}; this one wants version {VERSION}\); train it again: `luigi "
    ):
        proposed(section(77)[0], dataclasses.replace(model, version=VERSION + 1))


def test_a_model_made_with_other_settings_is_refused(model: MaskModel) -> None:
    other = MASKS.model_copy(update={"working_um": 25.0})
    with pytest.raises(BrainstackError, match=r"\[masks\] working_um = 20\.0, now it is 25\.0; set it back"):
        propose_mask_by_model(section(77)[0], model, pixel_size_um=PIXEL_UM, settings=other)
