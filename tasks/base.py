"""What all tasks share: a task is a step of the plan, done when its stamp says so, and it says what it made.

A stage's own module says only what it reads, computes and writes: its `make`.
"""

from __future__ import annotations

import errno
import logging
import math
import os
import resource
import time
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import luigi
import luigi.interface
from luigi.task_register import Register

from brainstack.disk_space import check_room
from brainstack.edits import EditedMeanwhileError
from brainstack.errors import BrainstackError
from brainstack.intake import record_ran
from brainstack.links import link_section
from brainstack.plan import Plan, digest_of, section_named
from brainstack.records import Ran
from brainstack.run_log import line_of
from brainstack.stages import STAGES
from brainstack.stamps import Stamp, Step
from brainstack.versions import version_of
from tasks import children, current

log = logging.getLogger("brainstack")

RUN = uuid.uuid4().hex[:8]
"""A word of this process in the name of a batch: luigid would take the name of an earlier run's batch for that run's,
and go on believing that it is being made."""

LARGEST_BATCH = 110
"""Sections handed to a worker at once: 440 sections x 3 channels x 12 stages are then scheduled in half a minute, and
larger batches leave too few for eight workers."""
LARGEST_ON_CLUSTER = 5000
"""Steps handed to a cluster at once. They go out as arrays that its limits allow."""


PASSING = frozenset(
    {errno.EAGAIN, errno.EBUSY, errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.ECONNRESET, errno.EHOSTDOWN}
)
"""Errors of the system that may pass by themselves: a busy file, a network disk that lost its connection."""
WAITS_S = (2.0, 20.0)
"""How long to wait before the second and the third try: a file server that starts anew takes half a minute."""

PRIORITIES = {name: len(STAGES) - place for place, name in enumerate(STAGES)}


class SectionsFailed(Exception):  # noqa: N818 - read as a sentence
    """Raised by a batch when it has done what it could. errors : item -> sentence. again : items that did not fail, and
    are made when the run looks again."""

    def __init__(self, errors: dict[str, str], again: Iterable[str] = ()) -> None:
        self.errors = errors
        self.again = tuple(again)
        super().__init__("; ".join(f"{item}: {error}" for item, error in errors.items()))


def together(items: Any) -> str:
    """What a batch is called. Luigi asks twice and wants the same answer."""
    return ",".join(sorted(items)) + "@" + RUN


class AnimalTask(luigi.Task):
    """A stage for the whole animal; the base of all others. item_name : the parameter that names the item of a step, ""
    where there is none."""

    item_name = ""
    animal = luigi.Parameter(default="", description="name of the animal, such as DK39; it has to be given")

    @property
    def step(self) -> Step:
        return Step(self.task_family)

    @property
    def plan(self) -> Plan:
        return current.plan(self.animal)

    def make(self, plan: Plan, step: Step) -> dict[str, str] | None:
        """Read, compute, write. Returns the values of the result that go on by value: name -> digest."""
        raise NotImplementedError

    def details(self, values: dict[str, str]) -> dict[str, str]:
        """What the log shall have of a step beside its time and memory. values : that `make` returned."""
        return {}

    @property
    def is_waiting(self) -> bool:
        """True for a task that makes nothing itself, and only waits for others."""
        return False

    @property
    def priority(self) -> int:
        """Earlier stages first: what follows is then ready in large batches, which cost the scheduler far less."""
        return PRIORITIES.get(self.task_family, 0)

    def check(self) -> None:
        """Raise BrainstackError where there is no such thing to make."""
        self.steps()

    def announcement(self) -> str:
        """What a person should know before it starts. Raises BrainstackError where it had better not."""
        return ""

    @classmethod
    def parameters_of(cls, step: Step) -> dict[str, Any]:
        """What the task of a step is given, beside the animal."""
        parameters: dict[str, Any] = {cls.item_name: step.item} if cls.item_name else {}
        return parameters | ({"channel": step.channel} if step.channel else {})

    # What Luigi asks

    def steps(self) -> tuple[Step, ...]:
        """The steps that this task stands for."""
        return (self.step,)

    def complete(self) -> bool:
        progress = current.progress(self.animal)
        return all(progress.is_done(step) for step in self.steps())

    def requires(self) -> list[luigi.Task]:
        inputs = {one.step: None for step in self.steps() for one in self.plan.inputs(step)}
        return [task_for(self.animal, step) for step in inputs]

    def output(self) -> list[luigi.LocalTarget]:
        outputs = (path for step in self.steps() for path in STAGES[step.stage].outputs(self.plan, step))
        return [luigi.LocalTarget(str(path)) for path in outputs]

    def run(self) -> None:
        children.prepare()
        errors, again = {}, []
        for step in self.steps():
            cause = self.plan.blocked_by(step)
            if cause is not None:  # Luigi held it for ready, as it knows of what failed only since
                errors[step.item] = f"held up by {cause}, which failed"
                continue
            outcome = "failed"
            try:
                outcome = "made" if self._make_with_patience(step) else "left"
            except EditedMeanwhileError as error:
                errors[step.item], outcome = str(error), "left"
                again.append(step.item)
                log.info("%s", line_of(self.plan, step, "was edited meanwhile; it is made when this run looks again"))
            except Exception as error:
                errors[step.item] = sentence_of(error)
                log.error(
                    "%s", line_of(self.plan, step, f"failed: {errors[step.item]}"), exc_info=has_trace(error) and error
                )
            children.count(step.stage, outcome)
        if errors:
            raise SectionsFailed(errors, again)

    def on_failure(self, exception: BaseException) -> Any:
        if isinstance(exception, SectionsFailed):
            return {"items": exception.errors, "again": exception.again}
        return super().on_failure(exception)

    def _make_with_patience(self, step: Step) -> bool:
        """Bad input is tried once. What may pass, such as a disk that does not answer, is tried three times."""
        for wait_s in WAITS_S:
            try:
                return self._make_step(step)
            except OSError as error:
                if error.errno not in PASSING:
                    raise
                log.warning("%s", line_of(self.plan, step, f"{error}; it is tried again in {wait_s:.0f} s"))
                time.sleep(wait_s)
        return self._make_step(step)

    def _make_step(self, step: Step) -> bool:
        """Make a step, unless it turns out to be done as it is. Returns whether it was made."""
        plan, progress = self.plan, current.progress(self.animal)
        if progress.is_done(step):
            return False
        ingredients = plan.ingredients(step, progress.stamps)
        started, clock = datetime.now(UTC), time.monotonic()
        log.info("%s", line_of(plan, step, "started"))
        error, details, is_made = "", {}, False
        current.check_in()
        progress.stamps.remove(step)
        try:
            values = self.make(plan, step)
            details = self.details(values or {})
            current.check_in()
            progress.stamps.write(step, Stamp(digest_of(step, ingredients), values or {}, ingredients))
            section = plan.section.get(step.item)
            if section is not None:
                link_section(plan, section)
            is_made = True
        except Exception as exception:
            error = sentence_of(exception)
            raise
        finally:
            ran = Ran(
                stage=step.stage,
                channel=step.channel,
                item=step.item,
                started_at=started.isoformat(timespec="milliseconds"),
                seconds=round(time.monotonic() - clock, 3),
                memory_gb=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2, 3),
                host=os.uname().nodename,
                error=error,
                details=details,
                version=version_of(step.stage),
            )
            if error or is_made:  # not of what was ended from outside: nothing was made, and nothing failed
                record_ran(plan.folder, ran)
        memory = f"at most {1024 * ran.memory_gb:.0f} MB"
        log.info("%s", line_of(plan, step, f"done in {ran.seconds:.1f} s, {memory}"))
        return True


class ManyTask(AnimalTask):
    """A stage that has several steps. Without its item or channel a task stands for all of them, and only waits.

    full_stage : the stage that does the same at the scan's resolution, for a task with a parameter `resolution`. A task
    that is asked for that stands for its steps, and only waits.
    """

    full_stage = ""

    @property
    def is_full(self) -> bool:
        return getattr(self, "resolution", THUMBNAIL) == FULL

    @property
    def stage(self) -> str:
        return self.full_stage if self.is_full else self.task_family

    def announcement(self) -> str:
        if not self.is_full:
            return ""
        return check_room(current.progress(self.animal), (self.full_stage,), int(getattr(self, "channel", 0)))

    def known_steps(self) -> tuple[Step, ...]:
        """All that the stage has, whether made by itself or when asked for."""
        return self.plan.steps(self.stage) or self.plan.asked(self.stage)

    @property
    def is_whole_stage(self) -> bool:
        raise NotImplementedError

    @property
    def is_waiting(self) -> bool:
        return self.is_whole_stage

    def wanted(self) -> tuple[Step, ...]:
        """All steps that a task for the whole stage waits for."""
        return self.known_steps()

    def steps(self) -> tuple[Step, ...]:
        return self.wanted() if self.is_whole_stage else (self.step,)

    def requires(self) -> list[luigi.Task]:
        return wait_for(self.plan, self.wanted()) if self.is_whole_stage else super().requires()

    def run(self) -> None:
        if self.is_whole_stage:
            say_what_is_missing(self.plan, self.wanted())
        else:
            super().run()


class BatchTask(ManyTask):
    """A stage with a step for each item, a slide or a section, and perhaps channel. Luigi hands over several items at
    once, as a batch, whose item is then 'slide001_S1,slide001_S2,...@run'."""

    @property
    def item(self) -> str:
        return str(getattr(self, self.item_name))

    @property
    def channel_number(self) -> int:
        """0 for a stage without channels, or for all of them."""
        return int(getattr(self, "channel", 0))

    @property
    def is_whole_stage(self) -> bool:
        return self.is_full or not self.item or (hasattr(self, "channel") and not self.channel_number)

    @property
    def is_batch(self) -> bool:
        return "@" in self.item

    @property
    def batchable(self) -> bool:
        return not self.is_whole_stage and not set(self.item) & set(",@") and not current.is_suspect(self.step)

    @property
    def max_batch_size(self) -> int:
        """At least two batches for each worker process, so that all have work, and none so large that it waits. A
        cluster has work for all at once."""
        if self.task_family in current.cluster_stages:
            return LARGEST_ON_CLUSTER
        count = len(self.known_steps())
        channels = max(1, len(self.plan.channels)) if hasattr(self, "channel") else 1
        return max(1, min(LARGEST_BATCH, math.ceil(count / channels / (2 * luigi.interface.core().workers))))

    def check(self) -> None:
        wanted_of(self.plan, (), self.channel_number, "")
        known = self.known_steps()
        for step in sorted(set(self.steps()) - set(known)):
            example = f"; wanted one such as {known[0].item}" if known else ""
            raise BrainstackError(
                f"{self.animal} has no {self.item_name} {step.item!r} that {self.task_family} is made of{example}."
            )

    def wanted(self) -> tuple[Step, ...]:
        item = self._key(self.item) if self.item else ""
        return wanted_of(self.plan, self.known_steps(), self.channel_number, item)

    def items(self) -> list[str]:
        return self.item.partition("@")[0].split(",") if self.is_batch else [self.item]

    def steps(self) -> tuple[Step, ...]:
        if self.is_whole_stage:
            return self.wanted()
        return tuple(Step(self.task_family, self.channel_number, self._key(item)) for item in self.items())

    @property
    def step(self) -> Step:
        return self.steps()[0]

    def _key(self, item: str) -> str:
        """What the plan calls an item that a person may call otherwise."""
        return item


class ChannelParameter(luigi.IntParameter):
    """The number of a channel."""

    def parse(self, x: str) -> int:
        if not x.isdigit():
            raise SystemExit(
                f"brainstack: --channel {x}: wanted the channel's number, counted from 1; brainstack status names them."
            )
        return int(x)


def channel_parameter() -> ChannelParameter:
    return ChannelParameter(default=0, description="counted from 1; all channels when left out")


THUMBNAIL, FULL = "thumbnail", "full"


def resolution_parameter() -> luigi.ChoiceParameter:
    words = "thumbnail, or full for the scan's own resolution"
    return luigi.ChoiceParameter(choices=(THUMBNAIL, FULL), default=THUMBNAIL, description=words)


def slide_parameter() -> luigi.Parameter:
    words = "name of the CZI without .czi; all slides when left out"
    return luigi.Parameter(default="", batch_method=together, description=words)


class SlideTask(BatchTask):
    """A stage for one slide, or all."""

    item_name = "slide"
    slide = slide_parameter()


class SlideChannelTask(BatchTask):
    """A stage for one slide and channel, or all."""

    item_name = "slide"
    channel = channel_parameter()
    slide = slide_parameter()


class SectionTask(BatchTask):
    """A stage for one section, or all."""

    item_name = "section"
    section = luigi.Parameter(
        default="", batch_method=together, description="key such as slide058_S2, or its number; all when left out"
    )

    def _key(self, item: str) -> str:
        return section_named(self.plan, item).key


class SectionChannelTask(SectionTask):
    """A stage for one section and channel, or all of either."""

    channel = channel_parameter()


class LongTask(BatchTask):
    """A stage whose steps take minutes each: to processes here, each is handed over by itself."""

    @property
    def batchable(self) -> bool:
        return self.task_family in current.cluster_stages and super().batchable


class PieceTask(LongTask):
    """A stage for one piece of a channel's volume, or all."""

    item_name = "piece"
    channel = channel_parameter()
    piece = luigi.Parameter(
        default="", batch_method=together, description="such as 002 for a slab of sections; all when left out"
    )


class LayerTask(LongTask):
    """A stage for one layer that people asked for by its name, or all of them."""

    item_name = "layer"
    layer = luigi.Parameter(
        default="", batch_method=together, description="name of the layer, such as cells; all layers when left out"
    )


class ChannelTask(ManyTask):
    """A stage for one channel, or all."""

    channel = channel_parameter()

    @property
    def is_whole_stage(self) -> bool:
        return self.is_full or not self.channel

    def wanted(self) -> tuple[Step, ...]:
        return wanted_of(self.plan, self.known_steps(), self.channel, "")

    @property
    def step(self) -> Step:
        return Step(self.task_family, self.channel)

    def check(self) -> None:
        wanted_of(self.plan, self.known_steps(), self.channel, "")


def task_for(animal: str, step: Step) -> luigi.Task:
    """The task that makes a step."""
    task_class = Register.get_task_cls(step.stage)
    return task_class(animal=animal, **task_class.parameters_of(step))


def wanted_of(plan: Plan, steps: tuple[Step, ...], channel: int, item: str) -> tuple[Step, ...]:
    """The steps of one channel (0 for all) and item ("" for all). Raises BrainstackError where none is meant."""
    numbers = [one.number for one in plan.channels]
    if channel and channel not in numbers:
        raise BrainstackError(
            f"{plan.folder.prep_id} has no channel {channel}; its slides have channels {', '.join(map(str, numbers))}."
        )
    chosen = tuple(step for step in steps if channel in (0, step.channel) and item in ("", step.item))
    if item and not chosen:
        raise BrainstackError(
            f"{plan.folder.prep_id} has nothing called {item!r} to make; wanted the key or number of a section, or "
            "the name of a slide, piece or layer."
        )
    return chosen


def has_trace(error: BaseException) -> bool:
    """Whether the log needs more of an error than its sentence: where a person's mending is no help."""
    return not isinstance(error, BrainstackError)


def sentence_of(error: BaseException) -> str:
    """What to tell a person of an error."""
    if isinstance(error, BrainstackError):
        return str(error)
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}; mend that and run the same command again."
    return f"a fault of brainstack, please report it with the run's log: {type(error).__name__}: {error}"


def wait_for(plan: Plan, steps: Iterable[Step]) -> list[luigi.Task]:
    """The tasks of these steps, without those that cannot be made for want of one that failed."""
    return [task_for(plan.folder.prep_id, step) for step in steps if not plan.is_blocked(step)]


def say_what_is_missing(plan: Plan, steps: Iterable[Step]) -> None:
    """Raise BrainstackError where steps failed or could not be made, once all others are done."""
    steps = tuple(steps)
    missing = [step for step in steps if plan.is_blocked(step)]
    if missing:
        causes = ", ".join(sorted({str(plan.blocked_by(step)) for step in missing}))
        raise BrainstackError(f"{len(missing)} of {len(steps)} could not be made, as these failed: {causes}.")
