"""Meta: what a slide scan holds, from its metadata."""

from __future__ import annotations

from brainstack.files.whole import write_json
from brainstack.intake import record
from brainstack.plan import Plan
from brainstack.slide_content import read_content
from brainstack.stamps import Step
from tasks.base import SlideTask


class Meta(SlideTask):
    """Reads a CZI's metadata: scenes, channels, pixel size. The database takes it in."""

    def make(self, plan: Plan, step: Step) -> dict[str, str]:
        content, signature = read_content(plan.folder.czi / f"{step.item}.czi", plan.settings)

        write_json(plan.folder.meta(step.item), content)
        record(plan.folder, "slide", content)
        return {"": signature}
