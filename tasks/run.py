"""One run of one animal, as the process that drives it sees it: its lock, its log, its plan, progress and failures."""

from __future__ import annotations

import logging
import sys
from collections import defaultdict
from importlib.metadata import version

from brainstack.alignment_report import doubtful_sections
from brainstack.edits import passed_over
from brainstack.errors import BrainstackError
from brainstack.files.whole import whole_file
from brainstack.last_run import DONE, FAILED, STOPPED, WAITING, LastRun, begun_now, note_begun, note_ended
from brainstack.links import link_all
from brainstack.locking import editing, remove_parts, take_lock
from brainstack.mask_approvals import may_go_on, waiting
from brainstack.mask_areas import doubtful_masks
from brainstack.planning import known_folder, make_plan, read_failed, take_in, write_failed
from brainstack.records import Ran
from brainstack.report.packages import packages_here, packages_in_words
from brainstack.report.page import write_report
from brainstack.report.without_plan import tell_instead
from brainstack.run_log import open_log
from brainstack.slide_notes import said_of_slides
from brainstack.stamps import Stamps, Step
from tasks import cluster, current
from tasks.base import AnimalTask, SectionsFailed, sentence_of
from tasks.display import Display

log = logging.getLogger("brainstack")


class Run:
    """Begins when made: takes the lock, opens the log, removes what a killed run left, makes the plan. command : that
    a person gave, to be told again."""

    def __init__(self, animal: str, command: str) -> None:
        self.animal = animal
        self.command = command
        self.failed: dict[Step, str] = {}
        self.again = False
        self.is_broken = False
        self._is_reported = False
        self._is_ended = False
        self._has_given_up = False
        self._ran: list[Ran] = []
        self._before: object = None
        self._expected: dict[str, set[str]] = defaultdict(set)
        if not animal:
            raise BrainstackError("No animal was named; say which, such as --animal DK39.")
        self.folder = known_folder(animal)  # says so where there is no such animal, before anything is written
        if not self.folder.root.is_dir():  # of a disk that is not mounted: nothing is written there
            make_plan(animal)
        self.jobs: cluster.AnimalJobs | None = None
        self._noted: LastRun | None = None
        self._lock = take_lock(self.folder)
        try:
            self._log = open_log(self.folder, told=(BrainstackError, SectionsFailed))
            self.display = Display(animal, self._log, command)
            self._noted = begun_now(self._log)  # before it is written: so its end is noted too, whenever that comes
            note_begun(self.folder, self._noted)
            log.info("%s | started by %s; brainstack %s", animal, self._noted.process, version("brainstack"))
            log.info("%s | packages: %s", animal, packages_in_words(packages_here()))
            self._begin()
        except KeyboardInterrupt:
            self._note_end(STOPPED, 0)
            if self.jobs is not None:
                sys.stderr.write(
                    f"What was sent to the cluster before goes on; python -m hpc cancel --animal {animal} ends it.\n"
                )
            raise
        except Exception as error:
            self.gave_up(sentence_of(error))
            self._lock.close()
            raise

    def _begin(self) -> None:
        self.jobs = cluster.begin(self.animal, self.folder)
        if not self._living():
            with editing(self.folder):  # a mask that somebody is saving is no leftover
                remove_parts(self.folder)
        self._renew()
        if self.jobs is not None:
            self.display.announce(self.jobs.take_over())

    def _living(self) -> set[str]:
        """Jobs on a cluster that may be at work."""
        return set() if self.jobs is None else self.jobs.fleet.live_writers()

    def _renew(self) -> None:
        living = self._living()
        plan, ran = take_in(self.animal, living)
        self._ran += ran
        Stamps(self.folder.stamps).pack(living)
        current.set_plan(self.animal, plan.without(self.failed))
        if ran or self._before is None:
            for path in link_all(current.plan(self.animal)):
                log.warning(
                    "%s is a file where brainstack's link to a section's image would be; it stays as it is, until it "
                    "is taken in as an edit or moved away",
                    path,
                )
        self._before = self._state()

    def _state(self) -> object:
        progress = current.progress(self.animal)
        plan = progress.plan
        return (plan.records.slides, plan.edits, frozenset(self.failed), may_go_on(progress))

    def note_driver(self, name: str) -> str:
        """Write down what luigid calls this process. Returns what it called the one before."""
        path = self.folder.driver
        earlier = path.read_text().strip() if path.exists() else ""
        with whole_file(path) as part:
            part.write_text(name + "\n")
        return earlier

    def expect(self, task: AnimalTask) -> None:
        """A task was found that has to be made."""
        if not task.is_waiting:
            self._expected[task.task_family].add(task.task_id)
            self.display.expect(task.task_family, len(self._expected[task.task_family]))

    def show(self) -> None:
        self.display.refresh()

    def look_again(self) -> bool:
        """When nothing is left to do: make the plan anew. True where that gives more to do."""
        before, again = self._before, self.again
        self.again = False
        self._renew()
        return again or self._before != before

    def finish(self) -> bool:
        """After the last look: note what failed, show the table. True when nothing failed."""
        plan = current.plan(self.animal)
        failed = self.failed | {Step("Masks", 0, key): sentence for key, sentence in plan.refused.items()}
        write_failed(self.folder, self._failed_before_too() | failed)
        waits = waiting(plan, current.progress(self.animal).stamps)
        doubts = (*doubtful_masks(plan), *doubtful_sections(plan))
        for line in (*said_of_slides(plan), *passed_over(plan), *doubts, *waits):
            log.warning("%s", line)
        self._note_end(FAILED if failed or self.is_broken else WAITING if waits else DONE, len(failed))
        if not self.is_broken:
            self.display.finish(plan, failed, self._ran)
        self.report()
        self._lock.close()
        return not failed and not self.is_broken

    def _failed_before_too(self) -> dict[Step, str]:
        """What failed in an earlier run, was not tried in this one, and is not done."""
        progress, tried = current.progress(self.animal), {Step(one.stage, one.channel, one.item) for one in self._ran}
        return {
            step: sentence
            for step, sentence in read_failed(self.folder).items()
            if step not in tried and progress.plan.has(step) and not progress.is_done(step)
        }

    def interrupted(self) -> None:
        """For when nothing is being made any more, in processes of this computer."""
        try:
            self._renew()  # nobody has looked since the last steps were made
        except Exception as error:
            log.exception("%s | what was made last could not be taken in: %s", self.animal, sentence_of(error))
        write_failed(self.folder, self._failed_before_too() | self.failed)
        if not self._is_ended:
            self._note_end(STOPPED, len(self.failed))
        self.display.interrupted(current.plan(self.animal), self.failed)

    def gave_up(self, sentence: str) -> None:
        """It ends before its last look, with a sentence for people, which the page about the animal has too. Of a run
        that has ended nothing more is noted."""
        if self._is_ended or self._noted is None:
            return
        self._has_given_up = True
        log.error("%s | gave up: %s", self.animal, " ".join(sentence.split()))
        try:
            self._note_end(FAILED, len(self.failed))
        except OSError as error:  # a full disk, of which the sentence may speak
            log.error("%s | its end could not be noted: %s", self.animal, sentence_of(error))
        self.report()

    def report(self, *, quick: bool = False) -> None:
        """Make the page about the animal, once a run, however it ended. Where that fails, the run's own end stays what
        it is. quick : without pictures that are not made yet, as somebody waits for the run to stop."""
        if self._is_reported:
            return
        self._is_reported = True
        try:
            progress = current.progress(self.animal)
        except Exception as error:  # no plan can be made, which ended the run, and is told as that
            tell_instead(self.folder, error, self.command)
            return
        try:
            path = write_report(progress.plan, progress, quick=quick)
        except KeyboardInterrupt:  # the run has ended, and how stays what it is
            self.display.announce(
                f"The report was not made, as it was stopped; brainstack report {self.animal} makes it."
            )
        except Exception as error:
            log.exception("%s | its report could not be made", self.animal)
            self.display.announce(f"The report could not be made: {sentence_of(error)}")
        else:
            if not self._has_given_up:  # else the last word of the log is how it ended
                log.info("%s | report: %s", self.animal, path)
            self.display.announce(f"Its report: {path}")

    def _note_end(self, outcome: str, failed: int) -> None:
        if self._noted is None:
            return
        made = sum(not one.error for one in self._ran)
        note_ended(self.folder, self._noted, outcome, made=made, failed=failed)
        self._is_ended = True
        to_do = {
            DONE: "",
            WAITING: f"; what to do: brainstack review {self.animal}, then {self.command}",
            FAILED: f"; what to do: brainstack status {self.animal}, then {self.command}",
            STOPPED: f"; to go on: {self.command}",
        }
        counted = f"{made} made, {failed} failed"
        log.info("%s | ended, %s: %s%s", self.animal, outcome, counted, to_do[outcome])

    def not_scheduled(self, sentence: str) -> None:
        """What could not even be asked for."""
        log.error("%s | gave up: %s", self.animal, " ".join(sentence.split()))
        self.display.broken(sentence)
        self.is_broken = True
