"""Report, GroupReport: pages about what was made. They make nothing of an animal, and need neither its lock nor a log:
every run of an animal ends with its report by itself."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from typing import Any

import luigi

from brainstack.environment import animal_folder, data_root
from brainstack.errors import BrainstackError
from brainstack.report.group import animals_named, group_page, group_report_of
from brainstack.report.page import report_of
from tasks.base import sentence_of


class ReportTask(luigi.Task):
    """A page. It is made anew whenever somebody asks for it."""

    def complete(self) -> bool:
        return False

    def check(self) -> None:
        """Raise BrainstackError where it cannot be made."""

    def path(self) -> Path:
        raise NotImplementedError

    def make(self) -> Path:
        raise NotImplementedError

    def output(self) -> luigi.LocalTarget:
        return luigi.LocalTarget(str(self.path()))

    def run(self) -> None:
        try:
            sys.stderr.write(f"written: {self.make()}\n")
        except Exception as error:
            sys.stderr.write(f"brainstack: {sentence_of(error)}\n")
            if not isinstance(error, BrainstackError | OSError):
                traceback.print_exc()
            raise


class Report(ReportTask):
    """A page about an animal, of what there is: it runs no stage."""

    animal = luigi.Parameter(default="", description="name of the animal, such as DK39; it has to be given")

    def check(self) -> None:
        if not self.animal:
            raise BrainstackError("No animal was named; say which, such as --animal DK39.")

    def path(self) -> Path:
        return animal_folder(self.animal).report

    def make(self) -> Path:
        return report_of(self.animal)


class NamesParameter(luigi.Parameter):
    """Names with commas between them."""

    def parse(self, x: str) -> tuple[str, ...]:
        return tuple(name.strip() for name in x.split(",") if name.strip())

    def serialize(self, x: Any) -> str:
        return ",".join(x)


class GroupReport(ReportTask):
    """A page that compares animals, with a link to the report of each."""

    animals = NamesParameter(default=(), description="names such as DK39,DK40; all animals when left out")

    def check(self) -> None:
        animals_named(self.animals)

    def path(self) -> Path:
        return group_page(data_root())

    def make(self) -> Path:
        return group_report_of(self.animals)
