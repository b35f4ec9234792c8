"""The tables, under the lab's names. What tables_*.py say must be what migrations/ makes: a test compares them."""

from brainstack.database.tables_alignment import (
    ALIGNMENT_VERDICTS,
    AlignmentEditRow,
    PairRow,
    SectionAlignmentRow,
    TransformationRow,
)
from brainstack.database.tables_animal import FLIPS, PLANES, QUARTER_TURNS, SIDES, AnimalRow, HistologyRow, ScanRunRow
from brainstack.database.tables_annotation import (
    AnnotationSessionRow,
    MarkedCellRow,
    NeuroglancerStateRow,
    PolygonSequenceRow,
    StructureComRow,
    StructureRow,
)
from brainstack.database.tables_base import Table, utc_now, with_zone, without_zone
from brainstack.database.tables_log import GainRow, LogRow, ProgressLookupRow
from brainstack.database.tables_review import ROLES, MaskApprovalRow, ReviewerRow, ReviewSessionRow
from brainstack.database.tables_said import DecisionRow, JournalChangeRow, JournalRow
from brainstack.database.tables_slide import RESCAN_USES, SLIDE_STATUS, VERDICTS, SlideRow, TifRow

__all__ = [
    "ALIGNMENT_VERDICTS",
    "FLIPS",
    "PLANES",
    "QUARTER_TURNS",
    "RESCAN_USES",
    "ROLES",
    "SIDES",
    "SLIDE_STATUS",
    "VERDICTS",
    "AlignmentEditRow",
    "AnimalRow",
    "AnnotationSessionRow",
    "DecisionRow",
    "GainRow",
    "HistologyRow",
    "JournalChangeRow",
    "JournalRow",
    "LogRow",
    "MarkedCellRow",
    "MaskApprovalRow",
    "NeuroglancerStateRow",
    "PairRow",
    "PolygonSequenceRow",
    "ProgressLookupRow",
    "ReviewSessionRow",
    "ReviewerRow",
    "ScanRunRow",
    "SectionAlignmentRow",
    "SlideRow",
    "StructureComRow",
    "StructureRow",
    "Table",
    "TifRow",
    "TransformationRow",
    "utc_now",
    "with_zone",
    "without_zone",
]
