"""Meta: what a slide scan holds, from its metadata, and its photographs of the glass."""

from __future__ import annotations

from brainstack.plan import Plan
from brainstack.slide_content import keep_content, read_content, read_pictures
from brainstack.stamps import Step
from tasks.base import SlideTask


class Meta(SlideTask):
    """Reads a CZI's metadata: scenes, channels, pixel size, label and preview. The database takes it in."""

    def make(self, plan: Plan, step: Step) -> dict[str, str]:
        path = plan.folder.czi / f"{step.item}.czi"
        content, signature = read_content(path, plan.settings, plan.records.scan_run)
        pictures = read_pictures(path)

        keep_content(plan.folder, step.item, content, pictures)
        return {"": signature}
