"""Whom a schedule's author may send to, and who is in its audiences at a moment."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any, Protocol

from sqlalchemy import Select, and_, bindparam, literal, or_, select, union, union_all
from sqlalchemy.orm import Session, aliased

from reportapp.access import REPORT_READERS
from reportapp.constants import AudienceKind, EnrollmentRole, Reason, ReportType, Role
from reportapp.extensions import db
from reportapp.models import (
    ClassGroup,
    Enrollment,
    GuardianLink,
    ReportSchedule,
    ReportScheduleAudience,
    TutorLink,
    User,
)
from reportapp.reports.scope import Scope, holds, school_day

_STAFF = (Role.ADMIN, Role.TEACHER, Role.TUTOR)
#: What decides who is in an audience.
_AUDIENCES = select(
    ReportScheduleAudience.id, ReportScheduleAudience.kind, ReportScheduleAudience.class_group_id
)
_KINDS = select(ReportScheduleAudience.kind).where(
    ReportScheduleAudience.schedule_id == bindparam("schedule")
)
#: SQLite takes 500 parts in one query.
_AT_ONCE = 100


def reachable(schedule: ReportSchedule, now: datetime) -> Select[Any]:
    """The people to whom the schedule's author may send its type of report: an admin to everybody
    in the school, a teacher or tutor to colleagues, to own students and to those students'
    guardians. What each of them then gets is the scope's business."""
    author = schedule.created_by
    return reachable_by(author, schedule.report_type, school_day(db.session(), author, now))


def reachable_by(author: User, kind: ReportType, day: date) -> Select[Any]:
    """See `reachable`, for a type of report."""
    query = select(User).where(
        User.school_id == author.school_id,
        User.is_active,
        User.role.in_(REPORT_READERS[kind]),
    )
    if author.role is Role.ADMIN:
        return query
    students = students_of(author, day)
    guardians = select(GuardianLink.guardian_id).where(
        GuardianLink.student_id.in_(students), holds(GuardianLink, day)
    )
    return query.where(or_(User.role.in_(_STAFF), User.id.in_(students), User.id.in_(guardians)))


def list_classes(author: User, now: datetime) -> Sequence[ClassGroup]:
    """The classes to which an author may limit a schedule, by title."""
    day = school_day(db.session(), author, now)
    query = classes_of(author, day).order_by(ClassGroup.title, ClassGroup.id)
    return db.session.scalars(query).all()


def students_of(author: User, day: date) -> Select[Any]:
    """The ids of an author's students on a day: all of the school's for an admin."""
    if author.role is Role.ADMIN:
        return select(User.id).where(
            User.school_id == author.school_id, User.role == Role.STUDENT, User.is_active
        )
    if author.role is Role.TUTOR:
        return select(TutorLink.student_id).where(
            TutorLink.tutor_id == author.id, holds(TutorLink, day)
        )
    teaching = aliased(Enrollment)
    return (
        select(Enrollment.user_id)
        .join(teaching, teaching.class_group_id == Enrollment.class_group_id)
        .join(ClassGroup, ClassGroup.id == Enrollment.class_group_id)
        .where(
            ClassGroup.is_active,
            teaching.user_id == author.id,
            teaching.role == EnrollmentRole.TEACHER,
            Enrollment.role == EnrollmentRole.STUDENT,
            holds(teaching, day),
            holds(Enrollment, day),
        )
    )


def classes_of(author: User, day: date) -> Select[Any]:
    """The classes that an author may see on a day: all of the school's, those that they teach, or
    those in which somebody sits whom they tutor. Classes that have ended are left out."""
    query = select(ClassGroup).where(ClassGroup.is_active, ClassGroup.school_id == author.school_id)
    if author.role is Role.ADMIN:
        return query
    seat = aliased(Enrollment)
    if author.role is Role.TUTOR:
        own = and_(seat.role == EnrollmentRole.STUDENT, seat.user_id.in_(students_of(author, day)))
    else:
        own = and_(seat.role == EnrollmentRole.TEACHER, seat.user_id == author.id)
    return query.where(ClassGroup.id.in_(select(seat.class_group_id).where(own, holds(seat, day))))


def members(
    session: Session, schedule: ReportSchedule, now: datetime, only: Collection[int] | None = None
) -> dict[int, set[int]]:
    """Who is in the schedule's audiences as things stand at `now`: the ids of their audiences by
    user id. Never anybody whom the author could not add by name. `only`: of these people. The
    number of queries depends on neither audiences nor people."""
    found: dict[int, set[int]] = defaultdict(set)
    # Most schedules have none or a few, and making the query for all kinds takes its time.
    kinds = set(session.scalars(_KINDS, {"schedule": schedule.id}))
    if not kinds:
        return {}
    author = schedule.created_by
    query = _select_members(
        author,
        schedule.report_type,
        school_day(session, author, now),
        _AUDIENCES.where(ReportScheduleAudience.schedule_id == schedule.id),
        only=only,
        kinds=kinds,
    )
    for user_id, audience_id in session.execute(
        query.with_only_columns(User.id, query.selected_columns.audience_id)
    ):
        found[user_id].add(audience_id)
    return dict(found)


def with_member(
    session: Session, schedules: Collection[ReportSchedule], person: User, now: datetime
) -> set[int]:
    """The ids of those of the schedules in whose audiences the person is, see `members`. However
    many they are, they are asked for together."""
    row = ReportScheduleAudience
    # By what decides who is in an audience; nobody is in one of another school's.
    alike: dict[tuple[User, ReportType], dict[int, AudienceKind]] = defaultdict(dict)
    by_id = {one.id: one for one in schedules if one.created_by.school_id == person.school_id}
    of: dict[int, int] = {}
    for audience_id, kind, schedule_id in session.execute(
        select(row.id, row.kind, row.schedule_id).where(row.schedule_id.in_(by_id))
    ):
        schedule = by_id[schedule_id]
        alike[schedule.created_by, schedule.report_type][audience_id] = kind
        of[audience_id] = schedule_id
    day = school_day(session, person, now)
    queries = []
    for (author, report_type), kinds in alike.items():
        query = _select_members(
            author,
            report_type,
            day,
            _AUDIENCES.where(row.id.in_(kinds)),
            only=[person.id],
            kinds=set(kinds.values()),
        )
        queries.append(query.with_only_columns(query.selected_columns.audience_id))
    found: set[int] = set()
    for start in range(0, len(queries), _AT_ONCE):
        together = union_all(*queries[start : start + _AT_ONCE])
        found.update(of[audience_id] for audience_id in session.scalars(together))
    return found


def select_members(
    schedule: ReportSchedule,
    now: datetime,
    *,
    planned: tuple[AudienceKind, int | None] | None = None,
) -> Select[Any]:
    """(person, `audience_id`) for everybody in one of the schedule's audiences, see `members`.
    `planned`: in this one instead, of kind and class, that it does not have yet; its id is 0."""
    author, row = schedule.created_by, ReportScheduleAudience
    if planned is None:
        audiences = _AUDIENCES.where(row.schedule_id == schedule.id)
    else:
        values = {"id": 0, "kind": planned[0], "class_group_id": planned[1]}
        audiences = select(
            *(
                literal(value, row.__table__.c[name].type).label(name)
                for name, value in values.items()
            )
        )
    day = school_day(db.session(), author, now)
    return _select_members(author, schedule.report_type, day, audiences)


def _select_members(
    author: User,
    kind: ReportType,
    day: date,
    audiences: Any,
    *,
    only: Collection[int] | None = None,
    kinds: Collection[AudienceKind] = tuple(AudienceKind),
) -> Select[Any]:
    """`kinds`: those among the audiences; fewer make a shorter query."""
    groups = union(
        *(
            group if only is None else group.where(person.in_(only))
            for audience_kind, (person, group) in _groups(
                audiences.subquery("audience"), author, day
            ).items()
            if audience_kind in kinds
        )
    ).subquery()
    return (
        reachable_by(author, kind, day)
        .join(groups, groups.c.user_id == User.id)
        .add_columns(groups.c.audience_id)
    )


def _groups(audience: Any, author: User, day: date) -> dict[AudienceKind, tuple[Any, Select[Any]]]:
    """Per kind, the column of the people, and who belongs to which of the audiences."""
    seat, student = aliased(Enrollment), aliased(User)
    everybody = select(audience.c.id.label("audience_id")).select_from(audience)
    pupil = and_(
        student.is_active, student.role == Role.STUDENT, student.school_id == author.school_id
    )
    classes = classes_of(author, day).with_only_columns(ClassGroup.id)
    in_class = everybody.join(seat, seat.class_group_id == audience.c.class_group_id).where(
        audience.c.class_group_id.in_(classes), holds(seat, day)
    )
    pupils = in_class.join(student, student.id == seat.user_id).where(
        pupil, seat.role == EnrollmentRole.STUDENT
    )
    guardian, tutor = GuardianLink.guardian_id, TutorLink.tutor_id
    groups = {
        AudienceKind.MY_GUARDIANS: (
            guardian,
            everybody.join(GuardianLink, GuardianLink.student_id.in_(students_of(author, day)))
            .join(student, student.id == GuardianLink.student_id)
            .where(pupil, holds(GuardianLink, day)),
        ),
        AudienceKind.CLASS_GUARDIANS: (
            guardian,
            pupils.join(GuardianLink, GuardianLink.student_id == student.id).where(
                holds(GuardianLink, day)
            ),
        ),
        AudienceKind.CLASS_TEACHERS: (
            seat.user_id,
            in_class.where(seat.role == EnrollmentRole.TEACHER),
        ),
        AudienceKind.CLASS_TUTORS: (
            tutor,
            pupils.join(TutorLink, TutorLink.student_id == student.id).where(holds(TutorLink, day)),
        ),
        AudienceKind.ALL_TUTORS: (User.id, everybody.join(User, User.role == Role.TUTOR)),
    }
    return {
        kind: (person, group.add_columns(person.label("user_id")).where(audience.c.kind == kind))
        for kind, (person, group) in groups.items()
    }


class Addressee(Protocol):
    """What decides of a person as a recipient, who may be read in part."""

    @property
    def is_active(self) -> bool: ...
    @property
    def email(self) -> str | None: ...


class OnSchedule(Protocol):
    """What decides of a recipient's row, which may be read in part."""

    @property
    def is_direct(self) -> bool: ...
    @property
    def removed_at(self) -> datetime | None: ...


def is_on(row: OnSchedule | None, belongs: bool) -> bool:
    """Whether somebody is on a schedule, by their row and whether they belong to one of its
    audiences. Whom the author took off by name stays off, whatever they belong to."""
    if row is None:
        return belongs
    return row.removed_at is None and (row.is_direct or belongs)


class Subscription(OnSchedule, Protocol):
    """The same, of what the recipient decides, too."""

    @property
    def is_subscribed(self) -> bool: ...


def why_nothing(
    person: Addressee,
    row: Subscription | None,
    belongs: bool,
    scope: Scope,
    suspended: bool,
) -> Reason | None:
    """Why a person gets none of a schedule's mails; None: nothing stands in the way. `suspended`:
    nothing is sent to their address any more, see `addresses`."""
    if not (belongs if row is None else row.removed_at is None):
        return Reason.REMOVED
    if row is not None and not row.is_subscribed:
        return Reason.UNSUBSCRIBED
    if not person.is_active:
        return Reason.INACTIVE
    if not person.email:
        return Reason.NO_ADDRESS
    if not is_on(row, belongs):
        return Reason.REMOVED
    if not scope:
        return Reason.OUT_OF_SCOPE
    return Reason.SUSPENDED if suspended else None
