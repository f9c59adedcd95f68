"""Documents for the tests of the renderers."""

from datetime import date

from reportapp.documents import (
    BarChart,
    Column,
    Figure,
    Kind,
    Period,
    ReportDocument,
    Section,
    Table,
    Value,
)

PERIOD = Period(date(2026, 11, 16), date(2026, 11, 23))
COLUMNS = (
    Column("Student", width=26),
    Column("Class", width=9),
    Column("Average score", Kind.PERCENT, 11),
    Column("Change", Kind.CHANGE, 9),
    Column("Days absent", Kind.COUNT, 9),
    Column("Last result", Kind.DATE, 12),
    Column("Note", Kind.NOTE, 60),
)
#: Names in the scripts that a school roster holds.
NAMES = (
    "Zoë Müller",
    "Łukasz Żółć",
    "Иван Петров",
    "محمد عبد الله",
    "דוד כהן",
    "王小明",
    "김서연",
    "さくら山田",
    "अनन्या शर्मा",
    "Γιώργος Παπαδόπουλος",
    "Liam O'Connor",
)


def row(name: str, note: str | None = None, score: float | None = 87.46) -> tuple[Value, ...]:
    return (name, "7b", score, -1.04, 2, date(2026, 11, 20), note)


def document(
    rows: tuple[tuple[Value, ...], ...] = (row("Zoë Müller", "Works well."), row("Emma Smith")),
    columns: tuple[Column, ...] = COLUMNS,
    section_titles: tuple[str, ...] = ("Students",),
    title: str = "Student report",
    school: str = "Lindenhof School",
    chart: BarChart | None = None,
    remarks: tuple[str, ...] = ("Average score: the mean of all graded results.",),
) -> ReportDocument:
    table = Table(columns, rows, label_columns=2)
    return ReportDocument(
        title=title,
        school=school,
        author="Katharina Vogel",
        period=PERIOD,
        figures=(
            Figure("Students", len(rows)),
            Figure("Average score", 87.46, Kind.PERCENT, change=3.2),
        ),
        sections=tuple(Section(name, table, chart) for name in section_titles),
        remarks=remarks,
    )


def text_document(*texts: str) -> ReportDocument:
    """One text column and one note column, both holding the same texts."""
    columns = (Column("Text", width=30), Column("Note", Kind.NOTE, 60))
    table = Table(columns, tuple((text, text) for text in texts))
    return ReportDocument("T", "S", "A", PERIOD, (), (Section("Texts", table),))
