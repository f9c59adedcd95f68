"""A school made by chance, for what must hold in every one."""

from datetime import timedelta
from random import Random

from reportapp.constants import EnrollmentRole, Role
from reportapp.extensions import transaction
from tests.cast import (
    NOW,
    create_class,
    create_guardian_link,
    create_person,
    create_school,
    create_tutor_link,
    enroll,
)

DAY = timedelta(days=1)


def random_school(rng: Random) -> list[int]:
    """Two schools with links of every kind, some of them ended, forbidden or across; the ids of
    their classes."""
    rooms = []

    def dates():
        return {
            name: rng.choice(
                [None, None, None, None, *(NOW.date() + n * DAY for n in (-9, -1, 0, 1, 9))]
            )
            for name in ("begin_date", "end_date")
        }

    def yes():
        return rng.random() < 0.85

    with transaction():
        schools = [create_school("One"), create_school("Two")]
        people = {role: [] for role in Role}
        number = 0
        for role, count in (
            (Role.ADMIN, 2),
            (Role.TEACHER, 4),
            (Role.TUTOR, 4),
            (Role.PARENT, 14),
            (Role.STUDENT, 14),
        ):
            for n in range(count):
                number += 1
                school = schools[0] if n < 2 or rng.random() < 0.8 else schools[1]
                people[role].append(create_person(school, role, f"p{number}"))
        for n in range(5):
            group = create_class(schools[n == 4], f"Class {n}", "Any")
            group.is_active = n == 0 or yes()
            rooms.append(group.id)
            for role, crowd in (
                (EnrollmentRole.TEACHER, people[Role.TEACHER]),
                (EnrollmentRole.STUDENT, people[Role.STUDENT]),
            ):
                for person in rng.sample(crowd, len(crowd) // 2):
                    enroll(group, person, role, is_active=yes(), **dates())
        for student in people[Role.STUDENT]:
            for person in rng.sample(people[Role.PARENT] + people[Role.TEACHER], 2):
                create_guardian_link(
                    person, student, no_contact=not yes(), is_active=yes(), **dates()
                )
            create_tutor_link(rng.choice(people[Role.TUTOR]), student, **dates())
        for person in people[Role.STUDENT] + people[Role.PARENT] + people[Role.TUTOR][2:]:
            person.is_active = yes()
    return rooms
