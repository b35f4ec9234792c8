"""The log of a run: one file, in which brainstack's lines name animal, stage, channel and item.

    2026-11-27 20:03:19 DK39 Clean CH2 section 012 slide003_S2 | done in 1.2 s, at most 310 MB
    2026-11-27 20:03:20 DK39 Tifs CH1 slide DK39_slide004 | failed: DK39_slide004.czi is cut off; copy it again.
    2026-11-27 20:03:41 DK39 | ended: 1180 made, 1 failed; what to do: brainstack status DK39

What others say (Luigi) stands between them, each with the name of who says it.
"""

from __future__ import annotations

import logging

from brainstack.plan import Plan
from brainstack.stamps import Step

OURS = "brainstack"
"""The logger of what brainstack says."""


def words_of(plan: Plan, step: Step) -> str:
    """A step as a log names it, such as "Clean CH2 section 012 slide003_S2"."""
    words = [step.stage]
    words += [f"CH{step.channel}"] if step.channel else []
    keys = step.item.split("..")
    numbers = [f"{plan.section[key].number:03d}" for key in keys if key in plan.section]
    if len(numbers) == len(keys):
        words += ["section" if len(keys) == 1 else "pair", "..".join(numbers), step.item]
    elif any(file.slide == step.item for file in plan.czi_files):
        words += ["slide", step.item]
    elif step.item:
        words.append(step.item)
    return " ".join(words)


def line_of(plan: Plan, step: Step, said: str) -> str:
    """What is said of a step, as a line of the log without its time."""
    return f"{plan.folder.prep_id} {words_of(plan, step)} | {said}"


class LineFormatter(logging.Formatter):
    """Time and line of what brainstack says, which names the animal in any case; time, who, process and level of what
    others say."""

    def __init__(self, animal: str) -> None:
        super().__init__("%(asctime)s %(message)s", "%Y-%m-%d %H:%M:%S")
        self._animal = animal
        self._others = logging.Formatter("%(asctime)s (%(name)s %(process)d %(levelname)s) %(message)s", self.datefmt)

    def format(self, record: logging.LogRecord) -> str:
        is_ours = record.name == OURS or record.name.startswith(f"{OURS}.")
        return super().format(record) if is_ours else self._others.format(record)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        if not record.message.startswith(f"{self._animal} "):
            level = "warning: " if record.levelno == logging.WARNING else ""
            record.message = f"{self._animal} | {level}{record.message}"
        return super().formatMessage(record)
