"""The files of OneRoster 1.0 to 1.2 and of Microsoft SDS 2.1 that are read: their columns, every
spelling of them, and what is in them. The one place to change when a format grows."""

from dataclasses import dataclass

from reportapp.school import oneroster_values as read
from reportapp.school.oneroster_values import Reader


@dataclass(frozen=True)
class Column:
    """A column that is read; `also` holds its other spellings, `needed`: an active row must have
    a value there."""

    name: str
    read: Reader
    also: tuple[str, ...] = ()
    needed: bool = False


@dataclass(frozen=True)
class Table:
    """A file that is read; without `has_key` its rows have no sourcedId of their own."""

    name: str
    columns: tuple[Column, ...]
    has_key: bool = True


_KEY = Column("sourcedId", read.sid, needed=True)
_STATUS = Column("status", read.status)
_TITLE = Column("title", read.text(200), ("name",), needed=True)

TABLES: dict[str, Table] = {
    table.name.lower(): table
    for table in (
        Table("orgs", (_KEY, _STATUS)),
        Table(
            "academicSessions",
            (
                _KEY,
                _STATUS,
                _TITLE,
                Column("type", read.session_type, needed=True),
                Column("startDate", read.day, needed=True),
                Column("endDate", read.day, needed=True),
            ),
        ),
        Table(
            "courses",
            (_KEY, _STATUS, _TITLE, Column("subjects", read.text(500), ("subject",))),
        ),
        Table(
            "classes",
            (
                _KEY,
                _STATUS,
                _TITLE,
                Column("courseSourcedId", read.sid),
                Column(
                    "termSourcedIds",
                    read.sids,
                    ("termSourcedId", "sessionSourcedIds", "academicSessionSourcedIds"),
                ),
                Column("subjects", read.text(500), ("subject",)),
            ),
        ),
        Table(
            "users",
            (
                _KEY,
                _STATUS,
                Column("givenName", read.text(100), needed=True),
                Column("familyName", read.text(100), needed=True),
                Column("role", read.role),
                Column("email", read.email),
                Column("username", read.address_or_nothing),
                Column("agentSourcedIds", read.sids, ("agents",)),
            ),
        ),
        Table(
            "roles",
            (
                _STATUS,
                Column("userSourcedId", read.sid, needed=True),
                Column("role", read.role, needed=True),
                Column("roleType", read.flag, ("isPrimary",)),
                Column("endDate", read.day, ("roleEndDate",)),
            ),
            has_key=False,
        ),
        Table(
            "userProfiles",
            (
                _STATUS,
                Column("userSourcedId", read.sid, needed=True),
                Column("username", read.address_or_nothing),
            ),
            has_key=False,
        ),
        Table(
            "enrollments",
            (
                Column("sourcedId", read.sid),
                _STATUS,
                Column("classSourcedId", read.sid, needed=True),
                Column("userSourcedId", read.sid, needed=True),
                Column("role", read.role_in_class, needed=True),
                Column("beginDate", read.day),
                Column("endDate", read.day),
            ),
        ),
        Table(
            "relationships",
            (
                _STATUS,
                Column("userSourcedId", read.sid, needed=True),
                Column("relationshipUserSourcedId", read.sid, needed=True),
                Column("relationshipRole", read.relation, needed=True),
            ),
            has_key=False,
        ),
        Table("categories", (_KEY, _STATUS, Column("title", read.text(100), needed=True))),
        Table(
            "lineItems",
            (
                _KEY,
                _STATUS,
                _TITLE,
                Column("classSourcedId", read.sid, needed=True),
                Column("categorySourcedId", read.sid),
                Column("assignDate", read.day),
                Column("dueDate", read.day, needed=True),
                Column("resultValueMin", read.number),
                Column("resultValueMax", read.number),
            ),
        ),
        Table(
            "results",
            (
                _KEY,
                _STATUS,
                Column("lineItemSourcedId", read.sid, needed=True),
                Column("studentSourcedId", read.sid, ("userSourcedId",), needed=True),
                Column("scoreStatus", read.score_status),
                Column("score", read.number),
                Column("textScore", read.text(50)),
                Column("scoreDate", read.day),
                Column("comment", read.long_text),
            ),
        ),
    )
}

#: Never read, on purpose: they are nobody's business here.
PRIVATE_FILES = {"demographics": "demographics", "userflags": "special needs and benefits"}
