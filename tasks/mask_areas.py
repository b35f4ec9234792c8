"""MaskAreas: a table of all masks."""

from __future__ import annotations

import json

from brainstack.mask_areas import MaskArea, write_mask_areas
from brainstack.plan import Plan
from brainstack.stamps import Step
from tasks.base import AnimalTask


class MaskAreas(AnimalTask):
    """A table of all masks: their areas, what their neighbours make expected, and which of them are doubtful."""

    def make(self, plan: Plan, step: Step) -> None:
        keys = [one.step.item for one in plan.inputs(step) if one.step.stage == "MaskProposal"]
        shapes = {key: json.loads(plan.folder.keyed("proposal", key, suffix=".json").read_text()) for key in keys}
        checked = json.loads(plan.folder.small("mask_check").read_text())

        rows = [
            MaskArea(
                section=plan.section[key].number,
                key=key,
                area_um2=one["area_um2"],
                expected_area_um2=expected["expected"][0] if (expected := checked[key]["expected"]) else None,
                pieces=one["pieces"],
                verdict="doubtful" if one["verdict"] == "edited" and checked[key]["is_far"] else one["verdict"],
                edited=one["verdict"] == "edited",
                proposal_differs_um2=one.get("proposal_differs_um2"),
                proposal_changed=one.get("proposal_changed", False),
                edit_refused=key in plan.refused,
            )
            for key, one in shapes.items()
        ]

        write_mask_areas(plan.folder.mask_areas, rows)
