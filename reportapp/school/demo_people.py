"""The people of the demo school: staff, students, their guardians, and who belongs to whom."""

from dataclasses import dataclass, field
from datetime import timedelta
from math import ceil
from typing import Any

from argon2 import PasswordHasher

from reportapp.constants import Role
from reportapp.models import GuardianLink, TutorLink, User
from reportapp.school.demo_names import Names, PersonName
from reportapp.school.demo_stage import Stage

DEMO_PASSWORD = "lindenhof"  # noqa: S105 (of made-up people; printed by `flask demo logins`)
#: The log-ins that stay the same whatever the seed.
FIXED_EMAILS = (
    "admin@lindenhof.example",
    "teacher@lindenhof.example",
    "tutor@lindenhof.example",
    "parent@family.example",
)
SCHOOL_DOMAIN = "lindenhof.example"
FAMILY_DOMAIN = "family.example"


@dataclass(eq=False)
class Person:
    """Somebody; `id` is set when the database has given one."""

    role: Role
    name: PersonName
    sourced_id: str
    email: str | None
    is_active: bool = True
    id: int = 0


@dataclass
class People:
    """Everybody, in groups. `guardians` holds the special ones below too."""

    admin: Person
    teachers: list[Person]
    tutors: list[Person]
    students: list[Person]
    guardians: list[Person] = field(default_factory=list)
    #: Has children in two year groups.
    parent: Person | None = None
    childless: Person | None = None
    no_address: Person | None = None
    inactive: Person | None = None
    #: Running links only, in the order of the students.
    guardians_of: dict[int, list[Person]] = field(default_factory=dict)
    students_of: dict[int, list[Person]] = field(default_factory=dict)

    @property
    def everybody(self) -> list[Person]:
        return [self.admin, *self.teachers, *self.tutors, *self.students, *self.guardians]


def make_people(stage: Stage, students: int, year_group_size: int) -> People:
    """Everybody with their links, in the database. Students are in the order of their year groups,
    of which each has `year_group_size`, so that siblings can be put into different ones."""
    makers = _Makers(stage, Names(stage.dice))
    people = makers.school(students)
    families = makers.families(people.students, year_group_size)
    links = makers.guardians(people, families)
    _insert(stage, people)
    _link_guardians(stage, people, links)
    _link_tutors(stage, people)
    return people


#: Guardian, child, and how many days ago the link ended (None: it runs).
_Link = tuple[Person, Person, int | None]


class _Makers:
    def __init__(self, stage: Stage, names: Names) -> None:
        self.dice, self.names = stage.dice, names
        self.numbers: dict[Role, int] = {}

    def person(
        self, role: Role, name: PersonName, domain: str | None, email: str | None = None
    ) -> Person:
        """Somebody with the address `email`, or one at `domain`, or none."""
        number = self.numbers[role] = self.numbers.get(role, 0) + 1
        if email is None and domain is not None:
            email = self.names.address(name, domain)
        return Person(role, name, f"demo-{role}-{number:03d}", email)

    def school(self, students: int) -> People:
        def staff(role: Role, number: int, fixed: str) -> list[Person]:
            return [
                self.person(role, self.names.draw(), SCHOOL_DOMAIN, fixed if n == 0 else None)
                for n in range(number)
            ]

        return People(
            staff(Role.ADMIN, 1, FIXED_EMAILS[0])[0],
            staff(Role.TEACHER, max(6, students // 20), FIXED_EMAILS[1]),
            staff(Role.TUTOR, max(4, students // 30), FIXED_EMAILS[2]),
            [self.student() for _ in range(students)],
        )

    def student(self) -> Person:
        has_address = self.dice.random() < 0.5
        return self.person(Role.STUDENT, self.names.draw(), SCHOOL_DOMAIN if has_address else None)

    def families(self, students: list[Person], year_group_size: int) -> list[list[Person]]:
        """The students by family. The first and the last student are siblings, and so is one in
        eight with somebody of an earlier year group."""
        families: list[list[Person]] = []
        family_of: dict[int, list[Person]] = {}
        for number, student in enumerate(students):
            earlier = number - year_group_size
            family: list[Person] = []
            if number and number == len(students) - 1:
                family = family_of[0]
            elif earlier > 0 and self.dice.random() < 0.125:
                family = family_of[self.dice.randrange(1, earlier + 1)]
            if family:
                self._rename(student, family[0])
            else:
                families.append(family)
            family.append(student)
            family_of[number] = family
        return families

    def _rename(self, student: Person, sibling: Person) -> None:
        student.name = self.names.relative(sibling.name)
        if student.email is not None:
            student.email = self.names.address(student.name, SCHOOL_DOMAIN)

    def guardians(self, people: People, families: list[list[Person]]) -> list[_Link]:
        """One guardian for most families, two for some, none for others; and special cases."""
        links: list[_Link] = []
        for number, family in enumerate(families):
            # The first families are one of each kind, however small the school.
            usual = self.dice.choices((0, 1, 2), (15, 60, 25))[0]
            for turn in range((2, 1, 0)[number] if number < 3 else usual):
                fixed = FIXED_EMAILS[3] if number == turn == 0 else None
                guardian = self._guardian(people, family[0], FAMILY_DOMAIN, fixed)
                people.parent = people.parent or guardian
                links.extend((guardian, child, None) for child in family)
        links.extend(self._special(people))
        return links

    def _special(self, people: People) -> list[_Link]:
        def child(number: int) -> Person:
            return people.students[number % len(people.students)]

        people.no_address = self._guardian(people, child(1), None)
        people.inactive = self._guardian(people, child(3), FAMILY_DOMAIN)
        people.inactive.is_active = False
        former = self._guardian(people, child(4), FAMILY_DOMAIN)
        name = self.names.draw()
        people.childless = self.person(Role.PARENT, name, FAMILY_DOMAIN)
        people.guardians.append(people.childless)
        return [
            (people.no_address, child(1), None),
            (people.inactive, child(3), None),
            (former, child(4), 30),
        ]

    def _guardian(
        self, people: People, child: Person, domain: str | None, email: str | None = None
    ) -> Person:
        guardian = self.person(Role.PARENT, self.names.relative(child.name), domain, email)
        people.guardians.append(guardian)
        return guardian


def _insert(stage: Stage, people: People) -> None:
    """One password hash for all: hashing is slow on purpose."""
    password_hash = PasswordHasher().hash(DEMO_PASSWORD)
    everybody = people.everybody
    rows = [
        {
            "school_id": stage.school_id,
            "sourced_id": person.sourced_id,
            "email": person.email,
            "role": person.role,
            "given_name": person.name.given.text,
            "family_name": person.name.family.text,
            "password_hash": password_hash if person.email and person.is_active else None,
            "is_active": person.is_active,
            "created_at": stage.opening,
        }
        for person in everybody
    ]
    for person, id_ in zip(everybody, stage.add_with_ids(User, rows), strict=True):
        person.id = id_


def _link_guardians(stage: Stage, people: People, links: list[_Link]) -> None:
    rows: list[dict[str, Any]] = []
    for guardian, child, ended in links:
        end = None if ended is None else stage.today - timedelta(days=ended)
        rows.append(
            {
                "guardian_id": guardian.id,
                "student_id": child.id,
                "begin_date": stage.first_monday,
                "end_date": end,
            }
        )
        if end is None:
            people.guardians_of.setdefault(child.id, []).append(guardian)
    stage.add(GuardianLink, rows)


def _link_tutors(stage: Stage, people: People) -> None:
    """About ten students for each tutor; every fifth of them has a second tutor."""
    students, tutors = people.students, people.tutors
    each = min(10, ceil(len(students) / 2))
    # The parent who can log in sees what the tutor who can log in writes.
    order = [students[0], *stage.dice.sample(students[1:], len(students) - 1)]
    rows: dict[tuple[int, int], dict[str, Any]] = {}
    for number, tutor in enumerate(tutors):
        mine = [order[(number * each + n) % len(order)] for n in range(each)]
        mine += [order[((number + 1) * each + n) % len(order)] for n in range(0, each, 5)]
        people.students_of[tutor.id] = list(dict.fromkeys(mine))
        for student in mine:
            rows[tutor.id, student.id] = _tutor_row(stage, tutor, student)
    former = next((s for s in reversed(order) if (tutors[0].id, s.id) not in rows), None)
    if former is not None:
        rows[tutors[0].id, former.id] = {
            **_tutor_row(stage, tutors[0], former),
            "end_date": stage.today - timedelta(days=20),
        }
    stage.add(TutorLink, list(rows.values()))


def _tutor_row(stage: Stage, tutor: Person, student: Person) -> dict[str, Any]:
    return {
        "tutor_id": tutor.id,
        "student_id": student.id,
        "begin_date": stage.first_monday,
        "end_date": None,
    }
