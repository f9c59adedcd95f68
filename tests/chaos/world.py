"""A school with very many recipients in a database of its own, and what became of their mails."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import insert

from reportapp.constants import Role
from reportapp.extensions import db, transaction
from reportapp.models import ReportScheduleRecipient, User
from reportapp.schedules.runs import run_now
from reportapp.tokens import new_unsubscribe_token
from tests.cast import create_order
from tests.chaos.mail_server import MailServer
from tests.e2e.world import create_many_families, create_recent_cast, inside, select

_DOMAIN = "lindenhof.example"
#: So many of the recipients get a document of their own, the others share one.
FAMILIES = 40


@dataclass(frozen=True)
class School:
    """`env`: the environment of its processes. The author's and the schedules' ids."""

    env: Mapping[str, str]
    author_id: int
    schedule_ids: list[int]

    def with_settings(self, **settings: object) -> "School":
        env = {**self.env, **{name: str(value) for name, value in settings.items()}}
        return School(env, self.author_id, self.schedule_ids)


def create_large_school(env: Mapping[str, str], recipients: int, schedules: int = 1) -> School:
    """Its tables, people, and `schedules` that are sent by hand to `recipients` each."""
    now = datetime.now(UTC)
    with inside(env):
        db.create_all()
        cast = create_recent_cast()
        families = create_many_families(cast, cast.tom, min(FAMILIES, recipients))
        with transaction() as session:
            session.execute(
                insert(User),
                [
                    {
                        "school_id": cast.ada.school_id,
                        "role": Role.ADMIN,
                        "given_name": f"Admin{number}",
                        "family_name": "Example",
                        "email": f"admin{number}@admin.example",
                        "created_at": now,
                    }
                    for number in range(recipients - len(families))
                ],
            )
        admins = db.session.query(User.id).filter(User.email.like("admin%@admin.example"))
        readers = [person.id for person in families] + [id_ for (id_,) in admins]
        assert len(readers) == recipients
        orders = [
            create_order(cast.tom, frequency="daily", is_active=False, now=now).id
            for _ in range(schedules)
        ]
        with transaction() as session:
            session.execute(
                insert(ReportScheduleRecipient),
                [
                    {
                        "schedule_id": order,
                        "recipient_id": reader,
                        "unsubscribe_token": new_unsubscribe_token(),
                        "added_at": now,
                    }
                    for order in orders
                    for reader in readers
                ],
            )
        return School(env, cast.tom.id, orders)


def run_all(school: School) -> list[int]:
    """What the button "Run now" does, on all the school's schedules; the executions' ids."""
    with inside(school.env):
        author = db.session.get_one(User, school.author_id)
        return [
            run_now(author, schedule_id, datetime.now(UTC), message_domain=_DOMAIN)
            for schedule_id in school.schedule_ids
        ]


def still_open(school: School, executions: list[int]) -> int:
    """How many executions have not ended."""
    (row,) = select(
        school.env,
        "SELECT count(*) FROM report_schedule_execution WHERE status = 'started' "
        f"AND id IN ({','.join(map(str, executions))})",
    )
    return int(row[0])


@dataclass
class Fates:
    """The deliveries of some executions against what the mail server has: how many arrived (once or
    more), how many copies too many, how many are called sent but never came, and how many have
    which status."""

    statuses: Counter[str]
    arrived: int
    repeated: int
    lost: int
    #: Not arrived, and not called unknown.
    forgotten: int


def compare(school: School, executions: list[int], server: MailServer) -> Fates:
    """Fails where an execution is open, counts wrongly, or a mail went to a wrong address."""
    found = Fates(Counter(), 0, 0, 0, 0)
    copies, address = server.copies, {mail.message_id: mail.to for mail in server.kept}
    rows = select(
        school.env,
        "SELECT d.execution_id, d.status, d.message_id, u.email FROM report_delivery d "
        'JOIN "user" u ON u.id = d.recipient_id '
        f"WHERE d.execution_id IN ({','.join(map(str, executions))})",
    )
    per_run: dict[int, Counter[str]] = {run: Counter() for run in executions}
    for row in rows:
        per_run[row.execution_id][row.status] += 1
        came = copies.pop(row.message_id, 0)
        assert address.get(row.message_id, row.email) == row.email
        found.arrived += came > 0
        found.repeated += max(0, came - 1)
        found.lost += row.status == "sent" and not came
        found.forgotten += not came and row.status != "unknown"
    assert not copies, "mails that no delivery tells of"
    for run in select(
        school.env,
        f"SELECT * FROM report_schedule_execution WHERE id IN ({','.join(map(str, executions))})",
    ):
        counted = per_run[run.id]
        assert run.status != "started"
        assert run.total_recipients == sum(counted.values())
        assert (run.successful_sends, run.unknown_sends, run.failed_sends, run.skipped) == tuple(
            counted[status] for status in ("sent", "unknown", "failed", "skipped")
        )
        found.statuses += counted
    return found
