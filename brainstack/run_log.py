"""The log of a run: one file, in which each line names the animal and, where it is of a step, stage, channel and item.

    2026-11-27 20:03:19 DK39 Clean CH2 section 012 slide003_S2 | done in 1.2 s, at most 310 MB
    2026-11-27 20:03:20 DK39 Tifs CH1 slide DK39_slide004 | failed: DK39_slide004.czi is cut off; copy it again.
    2026-11-27 20:03:41 DK39 | ended: 1180 made, 1 failed; what to do: brainstack status DK39

What Luigi says, many times as much, is in a file beside it (`luigi_log`), from which run_progress.py reads how much
there is to do. Only its warnings and errors stand in the log as well, each with the name of who says it.
"""

from __future__ import annotations

import logging
import os
from datetime import UTC, datetime
from pathlib import Path

from brainstack.animal_folder import AnimalFolder
from brainstack.plan import Plan
from brainstack.run_progress import luigi_log
from brainstack.stamps import Step

OURS = "brainstack"
"""The logger of what brainstack says."""
LUIGIS = "luigi", "luigi-interface", "luigi.scheduler"
"""Those of what Luigi says."""


class _Log(logging.FileHandler):
    """A log that cannot be written (a full disk) does not fill the terminal with tracebacks: the run itself says so."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        pass


def open_log(folder: AnimalFolder, told: tuple[type[BaseException], ...] = ()) -> Path:
    """Begin the log of a run, with what Luigi says beside it. Returns its path.

    told : kinds of errors of which brainstack's own lines say all; Luigi's words and tracebacks stay out of the log.
    """
    path = folder.log(datetime.now(UTC).strftime("%Y%m%d-%H%M%S") + f"-{os.getpid()}")
    path.parent.mkdir(parents=True, exist_ok=True)
    log, luigis = _Log(path, encoding="utf-8"), _Log(luigi_log(path), encoding="utf-8")
    log.addFilter(lambda record: is_ours(record) or (record.levelno >= logging.WARNING and not _is_of(record, told)))
    for handler in (log, luigis):
        handler.setFormatter(LineFormatter(folder.prep_id))
    for name in (*LUIGIS, OURS):
        logger = logging.getLogger(name)
        logger.setLevel(logging.WARNING if name == "luigi.scheduler" else logging.INFO)
        logger.propagate = False
        for handler in (log,) if name == OURS else (log, luigis):
            logger.addHandler(handler)
    return path


def _is_of(record: logging.LogRecord, kinds: tuple[type[BaseException], ...]) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    return isinstance(error, kinds)


def is_ours(record: logging.LogRecord) -> bool:
    """True for what brainstack says."""
    return record.name == OURS or record.name.startswith(f"{OURS}.")


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
        return super().format(record) if is_ours(record) else self._others.format(record)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        if not record.message.startswith(f"{self._animal} "):
            level = "warning: " if record.levelno == logging.WARNING else ""
            record.message = f"{self._animal} | {level}{record.message}"
        return super().formatMessage(record)
