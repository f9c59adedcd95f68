"""Reports without a format. Pure: no database, no clock."""

from reportapp.documents.document import (
    BarChart,
    Column,
    Figure,
    Kind,
    ReportDocument,
    Section,
    Table,
    Value,
)
from reportapp.documents.periods import Period, period_for, planned_day

__all__ = [
    "BarChart",
    "Column",
    "Figure",
    "Kind",
    "Period",
    "ReportDocument",
    "Section",
    "Table",
    "Value",
    "period_for",
    "planned_day",
]
