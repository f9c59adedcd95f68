"""Which written reports somebody may read, asked of the database in plain SQL.

Written from the words of the design and the issue, not from the code. Only SQLite is asked.
"""

from sqlalchemy import text


def _runs(link: str) -> str:
    return (
        f"({link}.begin_date is null or {link}.begin_date <= :day)"
        f" and ({link}.end_date is null or :day <= {link}.end_date)"
    )


_CHILD = f"""exists (select 1 from guardian_link g where g.guardian_id = me.id
    and g.student_id = pupil.id and g.is_active = 1 and g.no_contact = 0 and {_runs("g")})"""
_TUTORED = f"""exists (select 1 from tutor_link t where t.tutor_id = me.id
    and t.student_id = pupil.id and {_runs("t")})"""
_TAUGHT = f"""exists (select 1 from enrollment p where p.user_id = me.id and p.role = 'teacher'
    and p.class_group_id = r.class_group_id and p.is_active = 1 and {_runs("p")})"""
_SITS_THERE = f"""exists (select 1 from enrollment e join class_group c on c.id = e.class_group_id
    where e.user_id = pupil.id and e.class_group_id = r.class_group_id and e.role = 'student'
    and e.is_active = 1 and {_runs("e")} and c.is_active = 1 and c.school_id = me.school_id)"""
_STILL_TUTORED = f"""exists (select 1 from tutor_link t join user helper on helper.id = t.tutor_id
    where t.student_id = pupil.id and t.tutor_id = r.author_id and {_runs("t")}
    and helper.is_active = 1 and helper.school_id = me.school_id)"""

_RULES = {
    "student_report": f"""{_SITS_THERE} and (
        me.role = 'admin'
        or me.role = 'teacher' and {_TAUGHT}
        or me.role = 'tutor' and {_TUTORED}
        or me.role = 'parent' and r.show_to_parent = 1 and {_CHILD}
        or me.role = 'student' and r.show_to_parent = 1 and me.id = pupil.id)""",
    "teacher_weekly_report": f"""{_SITS_THERE} and (
        me.role = 'admin'
        or me.role = 'teacher' and {_TAUGHT}
        or me.role = 'tutor' and {_TUTORED})""",
    "tutor_weekly_report": f"""{_STILL_TUTORED} and (
        me.role = 'admin'
        or me.role = 'parent' and r.show_to_parent = 1 and {_CHILD})""",
}


def readable_ids(session, kind: str, reader_id: int, day) -> set[int]:
    """The ids of the reports of others that this person may read on `day`."""
    query = f"""select r.id from {kind} r
        join user pupil on pupil.id = r.student_id
        join user me on me.id = :me
        where r.status in ('sent', 'read') and r.author_id <> me.id and me.is_active = 1
          and pupil.is_active = 1 and pupil.role = 'student' and pupil.school_id = me.school_id
          and {_RULES[kind]}"""
    rows = session.execute(text(query), {"me": reader_id, "day": day.isoformat()})
    return {row[0] for row in rows}
