"""People of a OneRoster bundle: their one role, their address, whom we know already, and whose
guardians they are."""

from datetime import date

from reportapp.school.oneroster_kinds import KIND
from reportapp.school.oneroster_stage import Stage
from reportapp.school.oneroster_wanted import finish, make

_STRENGTH = (
    "CASE role WHEN 'manager' THEN 0 WHEN 'teacher' THEN 1 WHEN 'tutor' THEN 2 "
    "WHEN 'parent' THEN 3 WHEN 'student' THEN 4 ELSE 5 END"
)
#: Roles that only people give, and no file takes away.
_GIVEN = "('admin', 'tutor')"
#: May a person found by the address `c` be the one of the row `t`?
_FITS = f"(c.role = t.role OR (c.role IN {_GIVEN} AND t.role IN ('teacher', 'manager')))"


def resolve_users(stage: Stage, today: date, actor_id: int) -> None:
    """Fill `w_user` and `v_user`. Rights are given by people: nobody becomes an admin."""
    sql = stage.sql
    _roles(stage, today)
    make(
        stage,
        KIND["user"],
        """SELECT f.line, f.state, f.sourcedId,
            coalesce(f.email, nullif(f.username, ''),
                (SELECT nullif(p.username, '') FROM f_userProfiles AS p
                 WHERE p.userSourcedId = f.sourcedId AND p.state = 'active'
                   AND p.username <> '' ORDER BY p.line LIMIT 1)),
            coalesce((SELECT r.role FROM role_of AS r WHERE r.sid = f.sourcedId), f.role,
                (SELECT 'parent' FROM f_relationships AS g WHERE g.state = 'active'
                 AND g.relationshipUserSourcedId = f.sourcedId
                 AND g.relationshipRole NOT LIKE '-%'),
                (SELECT c.role FROM c_user AS c WHERE c.sid = f.sourcedId)),
            f.givenName, f.familyName FROM f_users AS f""",
    )
    sql.execute("CREATE INDEX e_w_user ON w_user (email)")
    sql.execute("CREATE INDEX e_c_user ON c_user (email)")
    _only_roles(stage)
    text = "A role, here or in roles.csv, or somebody's guardian in relationships.csv."
    stage.reject("w_user", "role", "role IS NULL", text)
    text = "Only teachers, students, parents and guardians are taken; left out on purpose."
    where = "role LIKE '-%'"
    stage.reject("w_user", "role", where, text, value="substr(role, 2)", left_out=True)
    _adopt(stage)
    _managers(stage)
    # Who is gone does not depend on which rows are rejected for their addresses.
    finish(stage, KIND["user"], kept=f"c.id = {actor_id}")
    _addresses(stage)
    sql.execute("DROP TABLE v_user")
    finish(stage, KIND["user"], kept=f"c.id = {actor_id}")


def _roles(stage: Stage, today: date) -> None:
    """The primary role that runs now goes first, then the strongest."""
    stage.sql.execute(
        f"""CREATE TABLE role_of AS SELECT userSourcedId AS sid, role, line FROM (
            SELECT *, row_number() OVER (PARTITION BY userSourcedId ORDER BY role LIKE '-%',
                coalesce(endDate, '9') >= '{today.isoformat()}' DESC,
                coalesce(roleType, 1) DESC, {_STRENGTH}, line) AS number
            FROM f_roles WHERE state = 'active'
              AND NOT (coalesce(roleType, 1) = 0 AND {int(stage.modes.get("roles") == "delta")}
                       AND userSourcedId IN (SELECT sid FROM c_user WHERE sid IS NOT NULL))
        ) WHERE number = 1"""  # noqa: S608
    )
    stage.sql.execute("CREATE INDEX i_role_of ON role_of (sid)")
    for column, table in (
        ("userSourcedId", "userProfiles"),
        ("relationshipUserSourcedId", "relationships"),
    ):
        stage.sql.execute(f"CREATE INDEX u_{table} ON f_{table} ({column})")


def _only_roles(stage: Stage) -> None:
    """People whose role alone is in a delta; roles of people whom nobody knows."""
    if stage.modes.get("users") != "bulk":
        stage.sql.execute(
            "INSERT INTO w_user SELECT r.line, 'active', c.sid, c.email, r.role, c.given_name, "
            "c.family_name FROM role_of AS r JOIN c_user AS c ON c.sid = r.sid "
            "WHERE c.is_active AND r.sid NOT IN (SELECT sid FROM w_user WHERE sid IS NOT NULL)"
        )
    stage.sql.execute("CREATE INDEX s_f_roles ON f_roles (userSourcedId)")
    where = "userSourcedId NOT IN (SELECT sid FROM w_user WHERE sid IS NOT NULL)"
    text = "The sourcedId of a row of users.csv."
    stage.reject("f_roles", "userSourcedId", where, text, value="userSourcedId")


def _adopt(stage: Stage) -> None:
    """Somebody who is here without a sourcedId is known by the address."""
    found = stage.sql.execute(
        f"""SELECT c.id, t.sid FROM c_user AS c JOIN w_user AS t ON t.email = c.email
        WHERE c.sid IS NULL AND c.is_active AND t.state = 'active' AND {_FITS}
          AND t.sid NOT IN (SELECT sid FROM c_user WHERE sid IS NOT NULL)
          AND (SELECT count(*) FROM w_user AS o WHERE o.email = t.email AND o.state = 'active') = 1
        """  # noqa: S608
    ).fetchall()
    stage.sql.execute("CREATE TABLE adopted (id PRIMARY KEY, sid)")
    stage.sql.executemany("INSERT INTO adopted VALUES (?, ?)", found)
    stage.sql.executemany("UPDATE c_user SET sid = ? WHERE id = ?", [(b, a) for a, b in found])
    stage.sql.executemany("INSERT INTO n_user VALUES (?, ?)", [(b, a) for a, b in found])
    if found:
        stage.notes.append(
            f"Here already, and recognised by the e-mail address: {len(found):,} of the people."
        )


def _managers(stage: Stage) -> None:
    sql = stage.sql
    kept = f"(SELECT c.role FROM c_user AS c WHERE c.sid = w_user.sid AND c.role IN {_GIVEN})"  # noqa: S608
    sql.execute(f"UPDATE w_user SET role = coalesce({kept}, role)")  # noqa: S608
    made = sql.execute("UPDATE w_user SET role = 'teacher' WHERE role = 'manager'").rowcount
    if made:
        stage.notes.append(
            f"Administrators and principals in the file: {made:,}. They are taken as "
            "teachers: only a person can make somebody an administrator here."
        )


def _addresses(stage: Stage) -> None:
    """No two people have one address, in all schools together."""
    doubled = stage.sql.execute(
        "SELECT email FROM w_user WHERE state = 'active' AND email IS NOT NULL "
        "GROUP BY email HAVING count(*) > 1"
    ).fetchall()
    stage.sql.execute("CREATE TABLE doubled (email PRIMARY KEY)")
    stage.sql.executemany("INSERT INTO doubled VALUES (?)", doubled)
    text = "An address of its own for every person; others in the file have the same."
    where = "email IN (SELECT email FROM doubled)"
    stage.reject("w_user", "email", where, text, value="email")
    text = "Another address: this one is in use already."
    stage.reject("w_user", "email", "email IN (SELECT email FROM taken)", text, value="email")
    # Who is gone gives the address free; who stays and keeps it does not.
    held = """EXISTS (SELECT 1 FROM c_user AS c WHERE c.email = t.email AND c.sid IS NOT t.sid
        AND NOT ((c.gone OR NOT c.is_active) AND c.sid IS NOT NULL)
        AND NOT EXISTS (SELECT 1 FROM w_user AS o WHERE o.sid = c.sid AND o.state = 'active'
                        AND o.email IS NOT c.email))"""
    text = "Another address: somebody else here has this one."
    while stage.reject("w_user", "email", held, text, value="email"):
        pass  # who was just rejected keeps an address that another one may want


def resolve_links(stage: Stage) -> None:
    """Fill `w_link`: who is the guardian of whom, of both ways to say so."""
    sql = stage.sql
    sql.execute("CREATE TABLE agent (line, user_sid, agent_sid)")
    query = "SELECT line, sourcedId, agentSourcedIds FROM f_users WHERE state = 'active'"
    for rows in stage.batches(query):
        pairs = [
            [line, sid, one] for line, sid, many in rows for one in (many or "").split(",") if one
        ]
        sql.executemany("INSERT INTO agent VALUES (?, ?, ?)", pairs)
    sql.execute("ALTER TABLE agent ADD COLUMN state DEFAULT 'active'")
    stage.files["agent"] = "users.csv"
    _agents(stage)
    _relationships(stage)
    make(
        stage,
        KIND["link"],
        """SELECT min(line), 'active', guardian, student, min(relation) FROM (
            SELECT a.line, g.sid AS guardian, s.sid AS student, 'parent' AS relation
            FROM (SELECT line, state, user_sid AS one, agent_sid AS other FROM agent
                  UNION ALL SELECT line, state, agent_sid, user_sid FROM agent) AS a
            JOIN v_user AS s ON s.sid = a.one JOIN v_user AS g ON g.sid = a.other
            WHERE s.role = 'student' AND g.role = 'parent' AND a.state = 'active'
            UNION ALL
            SELECT line, relationshipUserSourcedId, userSourcedId, relationshipRole
            FROM f_relationships WHERE state = 'active'
        ) GROUP BY guardian, student""",
    )
    _ended_links(stage)


def _agents(stage: Stage) -> None:
    """Of those named in `agentSourcedIds`, only parents and guardians of students are taken."""
    role_of = "(SELECT role FROM {0} WHERE sid = {1} LIMIT 1)"
    other, own = (role_of.format("v_user", sid) for sid in ("agent_sid", "user_sid"))
    left_out = role_of.format("w_user", "agent_sid")
    text = "A parent or guardian of a student; nobody else is taken as one, on purpose."
    where = (
        f"{left_out} LIKE '-%' OR {other} IS NOT NULL AND {own} IS NOT NULL AND NOT "
        f"({other} = 'parent' AND {own} = 'student' OR {other} = 'student' AND {own} = 'parent')"
    )
    shown = f"agent_sid || ' (' || ltrim(coalesce({other}, {left_out}), '-') || ')'"
    stage.reject("agent", "agentSourcedIds", where, text, value=shown, left_out=True)
    text = "The sourcedId of a person in users.csv; this one is missing or was not taken."
    where = "agent_sid NOT IN (SELECT sid FROM v_user)"
    stage.reject("agent", "agentSourcedIds", where, text, value="agent_sid")


def _relationships(stage: Stage) -> None:
    text = "Only parents and guardians are taken, nobody else; left out on purpose."
    where, value = "relationshipRole LIKE '-%'", "substr(relationshipRole, 2)"
    stage.reject("f_relationships", "relationshipRole", where, text, value=value, left_out=True)
    for column, role in (("userSourcedId", "student"), ("relationshipUserSourcedId", "parent")):
        where = f"{column} NOT IN (SELECT sid FROM v_user WHERE role = '{role}')"  # noqa: S608
        text = f"The sourcedId of a {role} in users.csv who was taken."
        stage.reject("f_relationships", column, where, text, value=column)


def _ended_links(stage: Stage) -> None:
    """A link that an import has made ends when the files that say all, or the people in a delta,
    do not have it any more. A row with an error ends none."""
    sql = stage.sql
    said = "agentSourcedIds" in stage.columns.get("users", set())
    bulk = stage.modes.get("relationships") == "bulk" or (
        said and stage.modes.get("users") == "bulk"
    )
    sql.execute("CREATE TABLE restated (sid PRIMARY KEY)")
    if bulk:
        sql.execute("INSERT INTO restated SELECT sid FROM c_user WHERE sid IS NOT NULL")
    elif said:
        # A child's list says all, unless this system keeps its lists with the guardians only.
        sql.execute(
            """INSERT INTO restated SELECT w.sid FROM w_user AS w WHERE state = 'active'
            AND sid IN (SELECT sourcedId FROM f_users) AND (
                sid IN (SELECT user_sid FROM agent) OR role = 'student' AND (
                    EXISTS (SELECT 1 FROM agent JOIN v_user AS v ON v.sid = user_sid
                            WHERE v.role = 'student')
                    OR NOT EXISTS (SELECT 1 FROM agent)))"""
        )
    if {"users", "relationships"} & stage.unsure:
        sql.execute("DELETE FROM restated")
    bad = "(SELECT sid FROM w_user WHERE state = 'bad' AND sid IS NOT NULL)"
    sql.execute(
        f"""UPDATE c_link AS c SET gone = 1 WHERE is_active AND relation IS NOT NULL
        AND (student_sid IN (SELECT sid FROM restated)
             OR guardian_sid IN (SELECT sid FROM restated))
        AND guardian_sid NOT IN {bad} AND student_sid NOT IN {bad}
        AND NOT EXISTS (SELECT 1 FROM w_link AS w WHERE w.guardian_sid = c.guardian_sid
                        AND w.student_sid = c.student_sid)"""  # noqa: S608
    )
