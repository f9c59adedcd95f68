"""What a builder is given, and what it is: the shape that every report type shares."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from sqlalchemy.orm import Session

from reportapp.constants import ReportType
from reportapp.documents import Period, ReportDocument
from reportapp.reports.scope import Scope


@dataclass(frozen=True)
class Order:
    """What all documents of one execution have in common."""

    kind: ReportType
    school: str
    author: str
    period: Period


#: Makes the documents for several scopes at once, reading the data of all of them together.
Builder = Callable[[Session, Order, Collection[Scope]], dict[Scope, ReportDocument]]


@dataclass(frozen=True)
class ReportKind:
    """A row of the table of report types: `label` and `description` are for people."""

    label: str
    description: str
    build: Builder
