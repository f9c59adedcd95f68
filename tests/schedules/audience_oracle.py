"""Who is in an audience, asked of the database in plain SQL.

Written from the words of the issue, not from `reportapp/schedules/reach.py`, so that a mistake
there is not repeated here.
"""

from datetime import date

from sqlalchemy import text


def _runs(link: str) -> str:
    return (
        f"({link}.begin_date is null or {link}.begin_date <= :day)"
        f" and ({link}.end_date is null or :day <= {link}.end_date)"
    )


_PUPILS = """select id from "user"
    where role = 'student' and is_active and school_id = :school"""
#: Those whom the author may see.
_MINE = {
    "admin": _PUPILS,
    "teacher": f"""select seat.user_id from enrollment seat
        join class_group room on room.id = seat.class_group_id
        join enrollment desk on desk.class_group_id = room.id
        where room.is_active and desk.user_id = :author
          and desk.role = 'teacher' and desk.is_active and {_runs("desk")}
          and seat.role = 'student' and seat.is_active and {_runs("seat")}""",
    "tutor": f"""select student_id from tutor_link mine
        where mine.tutor_id = :author and {_runs("mine")}""",
}
_ROOMS = {
    "admin": "1 = 1",
    "teacher": f"""exists (select 1 from enrollment desk where desk.class_group_id = room.id
        and desk.user_id = :author and desk.role = 'teacher' and desk.is_active
        and {_runs("desk")})""",
    "tutor": f"""exists (select 1 from enrollment place where place.class_group_id = room.id
        and place.role = 'student' and place.is_active and {_runs("place")}
        and place.user_id in ({_MINE["tutor"]}))""",
}
_GUARDIANS_OF = f"""select link.guardian_id from guardian_link link
    where not link.no_contact and link.is_active and {_runs("link")}
      and link.student_id in ({_PUPILS}) and link.student_id in"""
_IN_CLASS = f"""select sits.user_id from enrollment sits join class_group room
    on room.id = sits.class_group_id where room.id = :room and room.is_active
    and room.school_id = :school and {{seen}} and sits.role = '{{role}}'
    and sits.is_active and {_runs("sits")}"""


def audience(session, kind: str, author_id: int, room: int | None, report: str, day: date) -> set:
    """The user ids of everybody in an audience of this author's schedule."""
    author = session.execute(
        text('select role, school_id from "user" where id = :id'), {"id": author_id}
    ).one()
    role = str(author.role)
    students = _IN_CLASS.format(seen=_ROOMS[role], role="student")
    group = {
        "my_guardians": f"{_GUARDIANS_OF} ({_MINE[role]})",
        "class_guardians": f"{_GUARDIANS_OF} ({students})",
        "class_teachers": _IN_CLASS.format(seen=_ROOMS[role], role="teacher"),
        "class_tutors": f"""select t.tutor_id from tutor_link t where {_runs("t")}
            and t.student_id in ({_PUPILS}) and t.student_id in ({students})""",
        "all_tutors": """select id from "user" where role = 'tutor'""",
    }[kind]
    readers = {
        "student_report": "('admin', 'teacher', 'tutor', 'parent', 'student')",
        "tutor_weekly_report": "('admin', 'tutor', 'parent')",
        "teacher_weekly_report": "('admin', 'teacher', 'tutor')",
        "class_analytics": "('admin', 'teacher', 'tutor')",
        "parent_progress": "('admin', 'teacher', 'tutor', 'parent')",
    }[report]
    # Whom the author could add by name, too.
    within = (
        "1 = 1"
        if role == "admin"
        else f"""(role in ('admin', 'teacher', 'tutor')
        or id in ({_MINE[role]})
        or id in (select g.guardian_id from guardian_link g where not g.no_contact
            and g.is_active and {_runs("g")} and g.student_id in ({_MINE[role]})))"""
    )
    query = f"""select id from "user" where is_active and school_id = :school
        and role in {readers} and {within} and id in ({group})"""
    values = {"school": author.school_id, "author": author_id, "room": room, "day": day}
    return {row[0] for row in session.execute(text(query), _used(query, values))}


def _used(query: str, values: dict) -> dict:
    return {name: value for name, value in values.items() if f":{name}" in query}
