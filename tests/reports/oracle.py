"""What may be in a report, asked of the database in plain SQL.

Written from the words of the design and the issue, not from `reportapp/reports/scope.py`, so that
a mistake there is not repeated here. Only SQLite is asked.
"""

from datetime import date, datetime
from zoneinfo import ZoneInfo

#: Who may order a type of report, and who may read it.
AUTHORS = {
    "student_report": {"admin", "teacher", "tutor"},
    "tutor_weekly_report": {"admin", "tutor"},
    "teacher_weekly_report": {"admin", "teacher"},
    "class_analytics": {"admin", "teacher"},
    "parent_progress": {"admin", "teacher", "tutor"},
}
READERS = {
    "student_report": {"admin", "teacher", "tutor", "parent", "student"},
    "tutor_weekly_report": {"admin", "tutor", "parent"},
    "teacher_weekly_report": {"admin", "teacher", "tutor"},
    "class_analytics": {"admin", "teacher", "tutor"},
    "parent_progress": {"admin", "teacher", "tutor", "parent"},
}


def ask(session, query: str, values: dict):
    """The rows of plain SQL, by the shortest way: there are very many questions."""
    return session.connection().exec_driver_sql(query, values)


def _runs(link: str) -> str:
    return (
        f"({link}.begin_date is null or {link}.begin_date <= :day)"
        f" and ({link}.end_date is null or :day <= {link}.end_date)"
    )


#: (student, class): who sits in which class today, in a school.
_PLACES = f"""
    select pupil.id as student_id, place.class_group_id as other_id
    from enrollment as place
    join user as pupil on pupil.id = place.user_id
    join class_group as room on room.id = place.class_group_id
    where place.role = 'student' and place.is_active = 1 and {_runs("place")}
      and pupil.role = 'student' and pupil.is_active = 1 and pupil.school_id = :school
      and room.is_active = 1 and room.school_id = :school
"""

#: (student, tutor): who is tutored by whom today, in a school.
_TUTORED = f"""
    select pupil.id as student_id, helper.id as other_id
    from tutor_link as link
    join user as pupil on pupil.id = link.student_id
    join user as helper on helper.id = link.tutor_id
    where {_runs("link")}
      and pupil.role = 'student' and pupil.is_active = 1 and pupil.school_id = :school
      and helper.is_active = 1 and helper.school_id = :school
"""

_OWN_CLASSES = f"""other_id in (
    select post.class_group_id from enrollment as post
    where post.user_id = :{{me}} and post.role = 'teacher'
      and post.is_active = 1 and {_runs("post")})"""
_OWN_TUTORED = f"""student_id in (
    select mine.student_id from tutor_link as mine
    where mine.tutor_id = :{{me}} and {_runs("mine")})"""
_OWN_CHILDREN = f"""student_id in (
    select mine.student_id from guardian_link as mine
    where mine.guardian_id = :{{me}} and mine.is_active = 1 and mine.no_contact = 0
      and {_runs("mine")})"""
_ITSELF = "student_id = :{me}"

_SEES_IN_CLASSES = {
    "admin": "1 = 1",
    "teacher": _OWN_CLASSES,
    "tutor": _OWN_TUTORED,
    "parent": _OWN_CHILDREN,
    "student": _ITSELF,
}
_SEES_OF_TUTORS = {
    "admin": "1 = 1",
    "tutor": "other_id = :{me}",
    "parent": _OWN_CHILDREN,
}


def allowed_pairs(
    session, kind, author_id, reader_id, day: date, room: int | None = None
) -> set[tuple[int, int]]:
    """The (student id, class id or tutor id) pairs that author and reader both may see; of one
    class only, if its schedule is about one."""
    author, reader = _person(session, author_id), _person(session, reader_id)
    if not (author.is_active and reader.is_active and author.school_id == reader.school_id):
        return set()
    if author.role not in AUTHORS[kind] or reader.role not in READERS[kind]:
        return set()
    sees = _SEES_OF_TUTORS if kind == "tutor_weekly_report" else _SEES_IN_CLASSES
    everything = _TUTORED if kind == "tutor_weekly_report" else _PLACES
    query = (
        f"select student_id, other_id from ({everything}) where {sees[author.role]}"
        " intersect "
        f"select student_id, other_id from ({everything}) where {sees[reader.role]}"
    )
    first, second = query.split(" intersect ")
    query = f"{first.format(me='author')} intersect {second.format(me='reader')}"
    values = {"author": author_id, "reader": reader_id, "school": author.school_id}
    rows = ask(session, query, {**values, "day": day.isoformat()})
    one_room = room is not None and kind != "tutor_weekly_report"
    return {(student, other) for student, other in rows if not one_room or other == room}


def pairs_in_time(session, pairs, last_day: date) -> set[tuple[int, int]]:
    """Those of the (student, class) pairs that had begun by that day: what was before does not
    count."""
    begun = """
        select count(*) from enrollment where user_id = :student and class_group_id = :other
        and role = 'student' and (begin_date is null or begin_date <= :day)"""
    values = {"day": last_day.isoformat()}
    return {
        (student, other)
        for student, other in pairs
        if ask(session, begun, {**values, "student": student, "other": other}).scalar()
    }


def others_in(session, room: int, school: int, own: set[int], day: date) -> int:
    """How many students sit in a class on that day beside one's own."""
    rows = ask(session, _PLACES, {"school": school, "day": day.isoformat()})
    return len({student for student, other in rows if other == room} - own)


def school_date(session, person_id: int, now: datetime) -> date:
    """The date at `now` where the person's school is."""
    zone = ask(
        session,
        "select s.time_zone from school s join user u on u.school_id = s.id where u.id = :id",
        {"id": person_id},
    ).scalar_one()
    return now.astimezone(ZoneInfo(zone)).date()


_LATEST = """
    select behaviour from student_report
    where student_id = :student and class_group_id = :other
      and status in ('sent', 'read') and (show_to_parent = 1 or :family = 0)
      and period_end <= :end
    order by period_end desc, id desc limit 1
"""
_OF_TUTOR = """
    select summary from tutor_weekly_report
    where student_id = :student and author_id = :other
      and status in ('sent', 'read') and (show_to_parent = 1 or :family = 0)
      and week_start >= :start and week_start < :end
"""
_OF_TEACHERS = """
    select notes from teacher_weekly_report
    where student_id = :student and class_group_id = :other
      and status in ('sent', 'read') and (show_to_parent = 1 or :family = 0)
      and week_start >= :start and week_start < :end
"""
_TEXTS = {
    "student_report": (_LATEST,),
    "tutor_weekly_report": (_OF_TUTOR,),
    "teacher_weekly_report": (_OF_TEACHERS,),
    "class_analytics": (),
    "parent_progress": (_LATEST,),
}


def allowed_texts(session, kind, pairs, reader_id, start: date, end: date) -> set[str]:
    """The written texts that a report on these pairs for the days [start, end) may quote."""
    family = kind == "parent_progress" or (
        _person(session, reader_id).role in ("parent", "student")
    )
    return {
        row[0]
        for student, other in pairs
        for query in _TEXTS[kind]
        for row in ask(
            session,
            query,
            {
                "student": student,
                "other": other,
                "family": int(family),
                "start": start.isoformat(),
                "end": end.isoformat(),
            },
        )
        if row[0]
    }


def _person(session, user_id):
    return ask(
        session, "select role, school_id, is_active from user where id = :id", {"id": user_id}
    ).one()
