"""The demo school's schedules and their recipients."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from reportapp.constants import (
    AudienceKind,
    DeliveryMode,
    ExportFormat,
    Frequency,
    ReportType,
    WhenEmpty,
)
from reportapp.models import ReportSchedule, ReportScheduleAudience, ReportScheduleRecipient
from reportapp.recurrence import next_run_after
from reportapp.schedules.timing import rule_of
from reportapp.school.demo_classes import Group
from reportapp.school.demo_people import People, Person
from reportapp.school.demo_stage import ZONE, Stage, instant
from reportapp.tokens import new_unsubscribe_token

#: More families than this on one schedule would only make the demo's lists long.
MOST_FAMILIES = 12


@dataclass(frozen=True)
class Order:
    """What somebody ordered. `day`: of the week (1-7) or of the month (1-31), by `frequency`."""

    name: str
    report_type: ReportType
    frequency: Frequency
    day: int | None
    time: time
    export_format: ExportFormat
    author: Person
    recipients: list[Person]
    #: Among the recipients; they left some weeks ago.
    unsubscribed: tuple[Person, ...] = ()
    #: How far back the run lies, 1 being the latest, in which one mail was refused ...
    refused_run: int = 0
    #: ... and the one in which the mail server was out of order.
    failed_run: int = 0
    is_active: bool = True
    #: Its reports are about this class only.
    group: Group | None = None
    #: The recipients but for the author are this audience, of `group` if of a class.
    audience: AudienceKind | None = None
    delivery_mode: DeliveryMode = DeliveryMode.ATTACHMENT
    when_empty: WhenEmpty = WhenEmpty.SKIP


@dataclass(frozen=True)
class Placed:
    """An order in the database."""

    order: Order
    schedule: ReportSchedule


def place_orders(stage: Stage, people: People, groups: list[Group]) -> list[Placed]:
    """All schedules with their recipients, in the database. Only the next runs depend on the time
    of day."""
    orders = [
        *_admin_orders(people, groups),
        *_overviews(people),
        *_first_teacher_orders(people, groups[0]),
        *_other_teacher_orders(people, groups),
        *_tutor_orders(people),
    ]
    return [_place(stage, order) for order in orders]


def _admin_orders(people: People, groups: list[Group]) -> list[Order]:
    admin = people.admin
    families = _guardians(people, groups[0].students)
    assert people.childless is not None
    return [
        Order(
            "Student reports for families, every week",
            ReportType.STUDENT_REPORT,
            Frequency.WEEKLY,
            1,
            time(6, 30),
            ExportFormat.PDF,
            admin,
            [admin, *families, people.childless],
            unsubscribed=tuple(_with_address(families)[-1:]),
            refused_run=1,
        ),
        Order(
            "The whole school, every month",
            ReportType.STUDENT_REPORT,
            Frequency.MONTHLY,
            1,
            time(7, 0),
            ExportFormat.XLSX,
            admin,
            [admin, *people.teachers[:6]],
        ),
        Order(
            "Progress letter to families, every month",
            ReportType.PARENT_PROGRESS,
            Frequency.MONTHLY,
            15,
            time(17, 0),
            ExportFormat.PDF,
            admin,
            [admin, *families],
            delivery_mode=DeliveryMode.BOTH,
            when_empty=WhenEmpty.TELL,
        ),
    ]


def _overviews(people: People) -> list[Order]:
    """What others write, for the admin."""
    admin = people.admin
    return [
        Order(
            "What the tutors write",
            ReportType.TUTOR_WEEKLY_REPORT,
            Frequency.WEEKLY,
            6,
            time(8, 0),
            ExportFormat.CSV,
            admin,
            [admin, *people.tutors[:4]],
            unsubscribed=tuple(people.tutors[3:4]),
        ),
        Order(
            "Teachers' notes at the end of the month",
            ReportType.TEACHER_WEEKLY_REPORT,
            Frequency.MONTHLY,
            31,
            time(18, 0),
            ExportFormat.CSV,
            admin,
            [admin, *people.tutors[:2]],
        ),
    ]


def _first_teacher_orders(people: People, mine: Group) -> list[Order]:
    first = people.teachers[0]
    families = [
        guardian for guardian in _all_guardians(people, mine.students) if guardian.is_active
    ]
    return [
        Order(
            f"{mine.title}: how we are doing",
            ReportType.STUDENT_REPORT,
            Frequency.WEEKLY,
            1,
            time(9, 0),
            ExportFormat.PDF,
            first,
            [first, *_guardians(people, mine.students), *_with_address(mine.students)[:3]],
            unsubscribed=tuple(_with_address(mine.students)[:1]),
        ),
        Order(
            "My notes for the tutors",
            ReportType.TEACHER_WEEKLY_REPORT,
            Frequency.WEEKLY,
            5,
            time(16, 15),
            ExportFormat.XLSX,
            first,
            [first, people.admin, *people.tutors[:3]],
            failed_run=3,
        ),
        Order(
            f"{mine.title} in figures",
            ReportType.CLASS_ANALYTICS,
            Frequency.WEEKLY,
            5,
            time(17, 30),
            ExportFormat.PDF,
            first,
            [first, people.admin],
            group=mine,
        ),
        Order(
            f"{mine.title}: letter to all families",
            ReportType.PARENT_PROGRESS,
            Frequency.WEEKLY,
            4,
            time(15, 0),
            ExportFormat.PDF,
            first,
            [first, *families],
            unsubscribed=tuple(_with_address(families)[2:3]),
            group=mine,
            audience=AudienceKind.CLASS_GUARDIANS,
        ),
    ]


def _other_teacher_orders(people: People, groups: list[Group]) -> list[Order]:
    second, third = people.teachers[1:3]
    return [
        Order(
            f"{groups[1].title}: yesterday's lessons",
            ReportType.STUDENT_REPORT,
            Frequency.DAILY,
            None,
            time(7, 30),
            ExportFormat.CSV,
            second,
            [second, third, *_with_address(groups[1].students)[:2]],
        ),
        Order(
            f"{groups[2].title}: Wednesday report (paused)",
            ReportType.STUDENT_REPORT,
            Frequency.WEEKLY,
            3,
            time(16, 0),
            ExportFormat.XLSX,
            third,
            [third, *_guardians(people, groups[2].students)[:3]],
            is_active=False,
        ),
    ]


def _tutor_orders(people: People) -> list[Order]:
    first, second = people.tutors[:2]
    return [
        Order(
            "Weekly letter to parents",
            ReportType.TUTOR_WEEKLY_REPORT,
            Frequency.WEEKLY,
            1,
            time(8, 0),
            ExportFormat.PDF,
            first,
            [first, *_guardians(people, people.students_of[first.id])],
        ),
        Order(
            "Marks of my students",
            ReportType.STUDENT_REPORT,
            Frequency.WEEKLY,
            7,
            time(18, 0),
            ExportFormat.XLSX,
            second,
            [second, *_with_address(people.students_of[second.id])[:4]],
        ),
        Order(
            "My students, day by day",
            ReportType.STUDENT_REPORT,
            Frequency.DAILY,
            None,
            time(19, 30),
            ExportFormat.PDF,
            first,
            [first],
        ),
    ]


def _guardians(people: People, students: Iterable[Person]) -> list[Person]:
    """As many of them as the demo's lists have room for."""
    return _all_guardians(people, students)[:MOST_FAMILIES]


def _all_guardians(people: People, students: Iterable[Person]) -> list[Person]:
    """The present guardians of these students, each once, some of them without an address."""
    found = [
        guardian for student in students for guardian in people.guardians_of.get(student.id, ())
    ]
    return list(dict.fromkeys(found))


def _with_address(people: Iterable[Person]) -> list[Person]:
    return [person for person in people if person.email and person.is_active]


def _place(stage: Stage, order: Order) -> Placed:
    schedule = ReportSchedule(
        name=order.name,
        report_type=order.report_type,
        class_group_id=order.group and order.group.id,
        frequency=order.frequency,
        day_of_week=order.day if order.frequency is Frequency.WEEKLY else None,
        days_of_week=str(order.day) if order.frequency is Frequency.WEEKLY else "",
        day_of_month=order.day if order.frequency is Frequency.MONTHLY else None,
        time=order.time,
        time_zone=ZONE.key,
        export_format=order.export_format,
        delivery_mode=order.delivery_mode,
        when_empty=order.when_empty,
        created_by_id=order.author.id,
        is_active=order.is_active,
        created_at=stage.opening,
        updated_at=stage.opening,
    )
    stage.session.add(schedule)
    stage.session.flush()
    if order.is_active:
        schedule.next_scheduled = next_run_after(rule_of(schedule), stage.now)
    if order.audience is not None:
        stage.session.add(
            ReportScheduleAudience(
                schedule_id=schedule.id,
                kind=order.audience,
                class_group_id=schedule.class_group_id,
                added_at=stage.opening,
            )
        )
    left = left_at(stage)
    stage.add(
        ReportScheduleRecipient,
        [
            {
                "schedule_id": schedule.id,
                "recipient_id": person.id,
                "is_direct": order.audience is None or person is order.author,
                "is_subscribed": person not in order.unsubscribed,
                "unsubscribe_token": new_unsubscribe_token(),
                "added_at": stage.opening,
                "unsubscribed_at": left if person in order.unsubscribed else None,
            }
            for person in order.recipients
        ],
    )
    return Placed(order, schedule)


def left_at(stage: Stage) -> datetime:
    """When those who unsubscribed did so."""
    return instant(stage.monday - timedelta(days=17), 20, 12)
