"""Whether exports that were made are as they would be made now."""

from __future__ import annotations

from brainstack.exports import EXPORT_KINDS
from brainstack.progress import Progress
from brainstack.stamps import Step


def stale_exports(progress: Progress) -> list[str]:
    """A sentence for each export that was made and would come out otherwise now."""
    prep_id, steps = progress.plan.folder.prep_id, {kind: Step("Export", 0, kind.item) for kind in EXPORT_KINDS}
    return [
        f"export/{kind.file_name(prep_id)} is not as it would be made now; make it again: {kind.command(prep_id)}"
        for kind, step in steps.items()
        if progress.stamps.read(step) is not None and not progress.is_done(step)
    ]
