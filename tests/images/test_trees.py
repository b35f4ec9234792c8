"""Trees as plain numbers: they say what LightGBM says, and damaged ones are found before it reads them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from brainstack.images.trees import Tree, booster_of, check_tree, grown_trees


def said_by(tree: Tree, row: np.ndarray) -> float:
    """One tree for one pixel, as its docstring has it."""
    node = 0
    while node >= 0:
        side = tree.left if row[tree.feature[node]] <= tree.threshold[node] else tree.right
        node = side[node]
    return tree.value[-1 - node]


def examples(count: int = 2000) -> tuple[np.ndarray, np.ndarray]:
    values = np.random.default_rng(1).standard_normal((count, 3)).astype(np.float32)
    return values, values[:, 0] + values[:, 2] > 0


def test_trees_learn_what_is_there_to_learn_and_lightgbm_says_what_they_say() -> None:
    values, is_tissue = examples()
    trees = grown_trees(values, is_tissue, trees=40, leaves=8)
    likely = booster_of(trees, 3).predict(values, num_threads=1)

    assert np.mean((likely > 0.5) == is_tissue) > 0.95
    odds = np.array([sum(said_by(tree, row) for tree in trees) for row in values[:50]])
    np.testing.assert_allclose(likely[:50], 1 / (1 + np.exp(-odds)), rtol=1e-9)


def test_the_same_pixels_give_the_same_trees() -> None:
    assert grown_trees(*examples(), trees=5, leaves=8) == grown_trees(*examples(), trees=5, leaves=8)


def test_where_all_is_tissue_so_is_everything() -> None:
    values, _ = examples()
    trees = grown_trees(values, np.ones(len(values), bool), trees=3, leaves=8)

    assert (booster_of(trees, 3).predict(values) > 0.9).all()


GOOD = Tree(feature=(0, 1), threshold=(0.5, 0.5), left=(1, -1), right=(-3, -2), value=(0.1, 0.2, 0.3))


def test_a_good_tree_passes() -> None:
    check_tree(GOOD, 2)


@pytest.mark.parametrize(
    "change",
    [
        {"feature": (0, 2)},
        {"feature": (0, -1)},
        {"left": (5, -1)},
        {"left": (0, -1)},
        {"right": (-4, -2)},
        {"right": (-2, -2)},
        {"value": (0.1, 0.2)},
        {"threshold": (0.5,)},
        {"threshold": (0.5, float("nan"))},
        {"value": (0.1, 0.2, float("inf"))},
    ],
)  # fmt: skip
def test_a_tree_that_leads_nowhere_is_refused(change: dict) -> None:
    with pytest.raises(ValueError, match="leads nowhere"):
        check_tree(dataclasses.replace(GOOD, **change), 2)
