"""MaskCheck: which masks do not fit the stack."""

from __future__ import annotations

import json

from brainstack.files.whole import write_json
from brainstack.images.mask_outliers import Described, MaskShape, evidence_for, expectations, is_far, is_outlier
from brainstack.plan import Plan
from brainstack.stamps import Step, digest
from tasks.base import AnimalTask

AS_PROPOSED = "as proposed"
"""The value of a section whose mask fits, whatever is expected of it: it is not made again when its neighbours are."""


class MaskCheck(AnimalTask):
    """Compares each mask with those of the nearest sections on both sides, and names those that are far from what these
    make expected."""

    def make(self, plan: Plan, step: Step) -> dict[str, str]:
        sections = [_described(plan, one.step.item) for one in plan.inputs(step)]

        settings = plan.settings.mask_check
        expected = expectations(sections, settings)
        content = {}
        for one in sections:
            asked = (one, expected.get(one.key), len(evidence_for(one, sections)), settings)
            content[one.key] = {
                "is_outlier": is_outlier(*asked),
                "is_far": is_far(*asked),
                "expected": expected[one.key].as_json() if one.key in expected else None,
            }

        write_json(plan.folder.small("mask_check"), content)
        values = {key: digest(one if one["is_outlier"] else AS_PROPOSED) for key, one in content.items()}
        return {"": digest(content), **values}


def _described(plan: Plan, key: str) -> Described:
    section = plan.section[key]
    content = json.loads(plan.folder.keyed("found", key, suffix=".json").read_text())
    is_edited = content.pop("is_edited")
    scene = f"{section.slide}_S{section.scene}"
    return Described(key, section.z_um, MaskShape(**content), scene, section.copy > 0, is_edited)
