"""Decision trees as plain numbers: grown by LightGBM, kept as lists, which hold no code and can be checked.

LightGBM's own file is not kept: what it reads it believes, and a wrong number in it would end the process.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainstack.errors import BrainstackError

SMALLEST_LEAF = 100
"""Pixels. Less is one hair of one section."""
GROWING = {
    "objective": "binary",
    "learning_rate": 0.1,
    "feature_fraction": 0.7,
    "min_data_in_leaf": SMALLEST_LEAF,
    "max_bin": 127,
    "use_missing": False,  # no feature is ever absent
    "num_threads": 1,  # with this and the next three, the same pixels give the same trees
    "deterministic": True,
    "force_row_wise": True,
    "seed": 1,
    "verbose": -1,
}


@dataclass(frozen=True)
class Tree:
    """One tree. At its node i, a pixel whose feature[i] is at most threshold[i] goes to left[i], another to right[i]:
    a later node, or, where negative, the leaf -1 - number. value : of each leaf. A sum of leaves is the logarithm of
    how many to one it is tissue."""

    feature: tuple[int, ...]
    threshold: tuple[float, ...]
    left: tuple[int, ...]
    right: tuple[int, ...]
    value: tuple[float, ...]


def _lightgbm() -> Any:
    """Imported when it is wanted: all else works without it."""
    try:
        import lightgbm
    except OSError as error:
        raise BrainstackError(
            f"LightGBM, which learns and uses mask models, cannot be loaded ({error}); install what it needs: "
            "`apt-get install libgomp1`, or `brew install libomp`."
        ) from error
    return lightgbm


def grown_trees(
    values: NDArray[np.float32], is_tissue: NDArray[np.bool_], *, trees: int, leaves: int
) -> tuple[Tree, ...]:
    """Trees that tell tissue from glass, by gradient boosting.

    values : (pixels, features) float32. is_tissue : (pixels,) bool. The same input gives the same trees.
    """
    lightgbm = _lightgbm()
    names = [f"f{number}" for number in range(values.shape[1])]
    data = lightgbm.Dataset(values, is_tissue.astype(np.float32), feature_name=names)
    booster = lightgbm.train(GROWING | {"num_leaves": leaves}, data, num_boost_round=trees)
    blocks = booster.model_to_string().split("\n\n")
    return tuple(_tree_of(block) for block in blocks if block.lstrip().startswith("Tree="))


def _tree_of(block: str) -> Tree:
    """A tree in LightGBM's text. A tree of one leaf has no nodes."""
    lines = dict(line.split("=", 1) for line in block.strip().splitlines())
    numbers = {name: lines.get(name, "").split() for name in KEYS.values()}
    feature, left, right = (tuple(map(int, numbers[KEYS[name]])) for name in ("feature", "left", "right"))
    threshold, value = (tuple(map(float, numbers[KEYS[name]])) for name in ("threshold", "value"))
    return Tree(feature, threshold, left, right, value)


KEYS = {
    "feature": "split_feature",
    "threshold": "threshold",
    "left": "left_child",
    "right": "right_child",
    "value": "leaf_value",
}
"""Field of a tree -> LightGBM's name for it."""


def check_tree(tree: Tree, features: int) -> None:
    """Raise ValueError for a tree that leads nowhere, in a circle, or asks for a feature that there is not."""
    nodes, leaves = len(tree.feature), len(tree.value)
    whole = nodes == len(tree.threshold) == len(tree.left) == len(tree.right) == leaves - 1
    children = [(place, child) for side in (tree.left, tree.right) for place, child in enumerate(side)]
    leads_on = all(place < child < nodes or -leaves <= child < 0 for place, child in children)
    reached = len({child for _, child in children}) == len(children)
    known = all(0 <= one < features for one in tree.feature)
    if not (whole and leads_on and reached and known and all(map(math.isfinite, (*tree.threshold, *tree.value)))):
        raise ValueError("one of its trees leads nowhere")


def booster_of(trees: Sequence[Tree], features: int) -> Any:
    """What LightGBM judges pixels with. Raises ValueError for a damaged tree."""
    for tree in trees:
        check_tree(tree, features)
    head = [
        *("tree", "version=v4", "num_class=1", "num_tree_per_iteration=1", "label_index=0"),
        f"max_feature_idx={features - 1}",
        "objective=binary sigmoid:1",
        f"feature_names={' '.join(f'f{number}' for number in range(features))}",
        f"feature_infos={' '.join(['none'] * features)}",
    ]
    blocks = [_block(number, tree) for number, tree in enumerate(trees)]
    sizes = " ".join(str(len(block)) for block in blocks)
    text = "\n".join([*head, f"tree_sizes={sizes}", "", ""]) + "".join(blocks) + "end of trees\n"
    return _lightgbm().Booster(model_str=text)


def _block(number: int, tree: Tree) -> str:
    """A tree in LightGBM's text. Its decisions are all of kind 2: a number, never absent, at most the threshold."""
    fields = {name: getattr(tree, field) for field, name in KEYS.items()} | {"decision_type": [2] * len(tree.feature)}
    lines = [f"{name}={' '.join(map(repr, numbers))}" for name, numbers in fields.items()]
    lines = [f"Tree={number}", f"num_leaves={len(tree.value)}", "num_cat=0", *lines, "is_linear=0", "shrinkage=1"]
    return "\n".join(lines) + "\n\n\n"
