"""What the files want, in our own terms: `w_NAME` for each kind, with every reference resolved or
its row rejected, and `v_NAME`, what there will be after the import."""

from datetime import date

from reportapp.school.oneroster_kinds import KIND
from reportapp.school.oneroster_people import resolve_links, resolve_users
from reportapp.school.oneroster_stage import Stage
from reportapp.school.oneroster_wanted import finish, make, own_course, row_sid, subject


def resolve(stage: Stage, today: date, actor_id: int) -> None:
    """Fill `w_NAME` and `v_NAME`, and mark in `c_NAME` what is gone; never the actor."""
    sql = stage.sql
    sql.create_function("subject", 2, subject, deterministic=True)
    sql.create_function("own_course", 1, own_course, deterministic=True)
    sql.create_function("row_sid", 3, row_sid, deterministic=True)
    _sessions(stage)
    _courses(stage)
    resolve_users(stage, today, actor_id)
    resolve_links(stage)
    _classes(stage)
    _enrollments(stage, today)
    _items(stage)
    _results(stage)


def _sessions(stage: Stage) -> None:
    make(
        stage,
        KIND["session"],
        "SELECT line, state, sourcedId, title, type, startDate, endDate FROM f_academicSessions",
    )
    text = "A last day that is not before the first one."
    stage.reject("w_session", "endDate", "end_date < start_date", text, value="end_date")
    finish(stage, KIND["session"])


def _courses(stage: Stage) -> None:
    make(
        stage,
        KIND["course"],
        "SELECT line, state, sourcedId, title, subject(subjects, title) FROM f_courses",
    )
    # A class without a course is one itself.
    stage.sql.execute(
        "INSERT INTO w_course SELECT line, state, own_course(sourcedId), title, "
        "subject(subjects, title) FROM f_classes WHERE courseSourcedId IS NULL AND state = 'active'"
    )
    finish(stage, KIND["course"], kept="sid LIKE 'class:%'")


def _classes(stage: Stage) -> None:
    sql = stage.sql
    sql.execute("CREATE TABLE term_of (class_sid, sid)")
    for rows in stage.batches("SELECT sourcedId, termSourcedIds FROM f_classes"):
        pairs = [[sid, term] for sid, terms in rows for term in (terms or "").split(",") if term]
        sql.executemany("INSERT INTO term_of VALUES (?, ?)", pairs)
    sql.execute("CREATE INDEX i_term_of ON term_of (class_sid)")
    make(
        stage,
        KIND["class"],
        """SELECT line, state, sourcedId, title, coalesce(courseSourcedId, own_course(sourcedId)),
            (SELECT v.sid FROM term_of AS t JOIN v_session AS v ON v.sid = t.sid
             WHERE t.class_sid = f.sourcedId ORDER BY v.end_date DESC, v.start_date DESC, v.sid
             LIMIT 1)
        FROM f_classes AS f""",
    )
    _refuse_missing(stage, "class", "course", "courseSourcedId", "courses.csv")
    lost = (
        "SELECT k.sid FROM term_of AS k WHERE k.class_sid = t.sid "
        "AND k.sid NOT IN (SELECT sid FROM v_session) LIMIT 1"
    )
    if "academicsessions" in stage.modes:
        text = "The sourcedId of an active row of academicSessions.csv."
        stage.reject("w_class", "termSourcedIds", f"EXISTS ({lost})", text, value=f"({lost})")
    finish(stage, KIND["class"])


def _enrollments(stage: Stage, today: date) -> None:
    make(
        stage,
        KIND["enrollment"],
        """SELECT line, state, classSourcedId, userSourcedId, role,
            coalesce(sourcedId, row_sid(classSourcedId, userSourcedId, role)), beginDate, endDate
        FROM f_enrollments""",
    )
    text = "Only students and teachers are taken into classes; this is left out on purpose."
    stage.reject(
        "w_enrollment", "role", "role LIKE '-%'", text, value="substr(role, 2)", left_out=True
    )
    text = "A last day that is not before the first one."
    stage.reject("w_enrollment", "endDate", "end_date < begin_date", text, value="end_date")
    _refuse_missing(stage, "enrollment", "class", "classSourcedId", "classes.csv")
    _refuse_missing(stage, "enrollment", "user", "userSourcedId", "users.csv")
    day = f"'{today.isoformat()}'"
    order = (
        f"coalesce(begin_date, '') <= {day} AND coalesce(end_date, '9') >= {day} DESC, "
        "coalesce(end_date, '9') DESC, begin_date DESC, line DESC"
    )
    folded = _fold(stage, "enrollment", "class_sid, user_sid, role", order)
    if folded:
        stage.notes.append(
            f"Enrollments that say once more who is in which class: {folded:,}. The one that runs "
            "now was taken, otherwise the latest."
        )
    finish(stage, KIND["enrollment"])


def _items(stage: Stage) -> None:
    make(
        stage,
        KIND["item"],
        """SELECT f.line, f.state, f.sourcedId, f.classSourcedId, f.title,
            coalesce(k.title, c.category, 'Other'), coalesce(f.assignDate, f.dueDate), f.dueDate,
            coalesce(f.resultValueMin, 0.0), coalesce(f.resultValueMax, 100.0)
        FROM f_lineItems AS f
        LEFT JOIN f_categories AS k ON k.sourcedId = f.categorySourcedId AND k.state = 'active'
        LEFT JOIN c_item AS c ON c.sid = f.sourcedId GROUP BY f.line""",
    )
    _refuse_missing(stage, "item", "class", "classSourcedId", "classes.csv")
    text = "Another sourcedId: those that begin so are of marks that were imported as a table."
    where = "sid LIKE 'mark:%' OR sid LIKE 'final-mark:%'"
    stage.reject("w_item", "sourcedId", where, text, value="sid")
    text = "A highest value above the lowest one."
    where = "result_value_max <= result_value_min"
    stage.reject("w_item", "resultValueMax", where, text, value="result_value_max")
    if stage.modes.get("categories") == "bulk":
        asked = "(SELECT categorySourcedId FROM f_lineItems AS f WHERE f.line = t.line)"
        where = f"{asked} NOT IN (SELECT sourcedId FROM f_categories WHERE state = 'active')"  # noqa: S608
        text = "The sourcedId of an active row of categories.csv."
        stage.sql.execute("CREATE INDEX l_f_lineItems ON f_lineItems (line)")
        stage.reject("w_item", "categorySourcedId", where, text, value=asked)
    finish(stage, KIND["item"])


def _results(stage: Stage) -> None:
    make(
        stage,
        KIND["result"],
        """SELECT line, state, lineItemSourcedId, studentSourcedId, sourcedId,
            coalesce(scoreStatus, CASE WHEN score IS NULL AND textScore IS NULL
                THEN 'not submitted' ELSE 'fully graded' END),
            score, textScore, scoreDate, comment
        FROM f_results""",
    )
    _refuse_missing(stage, "result", "item", "lineItemSourcedId", "lineItems.csv")
    where = "student_sid NOT IN (SELECT sid FROM v_user WHERE role = 'student')"
    text = "The sourcedId of an active student in users.csv."
    stage.reject("w_result", "studentSourcedId", where, text, value="student_sid")
    folded = _fold(stage, "result", "item_sid, student_sid", "score_date DESC, line DESC")
    if folded:
        stage.notes.append(
            f"Results of a student and an assignment that have a later one: {folded:,}. The latest "
            "one was taken."
        )
    finish(stage, KIND["result"])


def _refuse_missing(stage: Stage, kind: str, ref: str, column: str, file: str) -> None:
    where = f"{ref}_sid NOT IN (SELECT sid FROM v_{ref})"  # noqa: S608
    text = f"The sourcedId of an active row of {file}."
    stage.reject(f"w_{kind}", column, where, text, value=f"{ref}_sid")


def _fold(stage: Stage, kind: str, key: str, order: str) -> int:
    """Of several active rows with the same key, keep the first in this order."""
    cursor = stage.sql.execute(
        f"UPDATE w_{kind} SET state = 'folded' WHERE rowid IN (SELECT place FROM ("  # noqa: S608
        f"SELECT rowid AS place, row_number() OVER (PARTITION BY {key} ORDER BY {order}) AS number "
        f"FROM w_{kind} WHERE state = 'active') WHERE number > 1)"
    )
    return cursor.rowcount
