"""The code's own shape: lower floors do not import higher ones, and no registry has a gap."""

import ast
from pathlib import Path

import pytest

from reportapp.access import MAY, REPORT_AUTHORS, REPORT_READERS, Action
from reportapp.constants import (
    DeliveryStatus,
    ExecutionStatus,
    ExportFormat,
    Reason,
    ReportType,
)
from reportapp.jobs import JOBS
from reportapp.rendering import RENDERERS
from reportapp.reports import REPORTS
from reportapp.reports.scope import BASIS
from reportapp.web import words

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "reportapp"

#: Room -> floor. A room may import its own floor's ground, itself, and lower floors.
FLOORS = {
    "__init__": 8, "serve": 8,
    "web": 7, "cli": 7, "api": 7,
    "jobs": 6,
    "delivery": 5,
    "schedules": 4, "school": 4, "accounts": 4, "analytics": 4, "written": 4,
    "reports": 3, "mail": 3,
    "models": 2,
    "recurrence": 1, "documents": 1, "rendering": 1,
    "config": 0, "extensions": 0, "clock": 0, "constants": 0, "errors": 0, "tokens": 0,
    "access": 0, "logs": 0, "artefacts": 0, "keys": 0,
}  # fmt: skip
#: Rooms of one floor that may use each other, and what goes past the rule with a reason.
ALLOWED = {
    ("rendering", "documents"),  # renders them
    ("mail", "reports"),
    ("school", "schedules"),  # the demo school has schedules too
    ("accounts", "school"),  # reads typed days as the calendar does
}
SIBLINGS_APART = {7}
#: No database, no web framework, no clock.
PURE = {"recurrence", "documents", "rendering"}
IMPURE = {"flask", "sqlalchemy", "flask_sqlalchemy"}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    """Dotted names of everything that a module imports, also inside functions."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_only_its_own_room_and_lower_floors(path):
    here = room(path)
    for name in imports(path):
        parts = name.split(".")
        if parts[0] != "reportapp" or len(parts) == 1 or parts[1] not in FLOORS:
            continue
        there = parts[1]
        if here == there or (here, there) in ALLOWED:
            continue
        if FLOORS[here] == 0:
            assert FLOORS[there] == 0, f"{here} imports {there}"
        else:
            assert FLOORS[there] < FLOORS[here], f"{here} imports {there}"


def test_every_room_has_a_floor():
    assert {room(path) for path in modules()} <= set(FLOORS)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_only_the_clock_reads_the_clock(path):
    calls = {
        ast.unparse(node.func)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
    }
    reading = {"datetime.now", "datetime.utcnow", "date.today", "datetime.today", "time.time"}
    assert not calls & reading or path.name == "clock.py"


def test_views_commands_and_jobs_are_where_the_present_is_read():
    readers = {
        room(path)
        for path in modules()
        if any(
            isinstance(node, ast.Call) and ast.unparse(node.func) in ("clock.now", "now")
            for node in ast.walk(ast.parse(path.read_text()))
        )
    }
    assert readers <= {"web", "cli", "api", "jobs"}


@pytest.mark.parametrize(
    "path", [p for p in modules() if room(p) in PURE], ids=lambda p: str(p.relative_to(ROOT))
)
def test_the_pure_rooms_know_no_database_and_no_web_framework(path):
    assert not {name.split(".")[0] for name in imports(path)} & IMPURE


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_says_its_job_in_its_first_line(path):
    text = path.read_text()
    assert not text.strip() or ast.get_docstring(ast.parse(text))


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_only_the_transaction_helper_and_the_engine_commit(path):
    commits = [
        node.lineno
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".commit")
    ]
    # `produce` ends its read transaction so that nothing is open while mails are sent.
    assert not commits or path.name in {"extensions.py", "produce.py"}


def test_every_report_type_has_a_builder_a_scope_authors_and_readers():
    for table in (REPORTS, BASIS, REPORT_AUTHORS, REPORT_READERS):
        assert set(table) == set(ReportType)


def test_every_format_has_a_renderer_and_every_action_its_roles():
    assert set(RENDERERS) == set(ExportFormat)
    assert set(MAY) == set(Action)


def test_every_job_can_be_stored_by_its_name():
    for job in JOBS.values():
        assert job.run.__module__ == "reportapp.jobs.table"
        assert job.run.__qualname__ in vars(__import__(job.run.__module__, fromlist=["_"]))


def test_every_reason_has_words():
    assert set(words.REASON) == set(Reason)
    assert set(words.MAIL) == set(DeliveryStatus)
    assert set(words.RUN) == set(ExecutionStatus)
