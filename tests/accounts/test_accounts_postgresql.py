"""What the database has a say in, once more on PostgreSQL; and two at the same moment."""

import pytest

from reportapp.accounts.links import add_link
from reportapp.accounts.log_in_links import set_password_by_link
from reportapp.accounts.people import switch_person
from reportapp.constants import LinkKind, Role
from reportapp.extensions import db, transaction
from reportapp.models import GuardianLink, User
from tests.accounts.test_links import (  # noqa: F401
    TestAdding as TestAddingLinks,
)
from tests.accounts.test_links import (  # noqa: F401
    TestDates,
    TestNoContact,
    test_what_the_page_calls_over_never_counts_for_reports,
)
from tests.accounts.test_log_in_links import (  # noqa: F401
    TestAsking,
    asked,
    test_a_change_of_the_account_voids_a_link,
    test_hostile_text_is_no_link,
)
from tests.accounts.test_people import TestAdding, TestSwitching, TestTheList  # noqa: F401
from tests.at_once import succeeded
from tests.cast import NOW, create_person

pytestmark = pytest.mark.xdist_group("postgresql")


@pytest.fixture
def database_url(postgresql):
    return postgresql


def user(user_id) -> User:
    return db.session.get_one(User, user_id)


@pytest.mark.parametrize("_again", range(3))
def test_two_admins_cannot_switch_off_each_other_at_once(app, cast, _again):
    with transaction():
        eva = create_person(cast.school, Role.ADMIN, "Eva")
    ada_id, eva_id = cast.ada.id, eva.id
    done = succeeded(
        app,
        lambda: switch_person(user(ada_id), eva_id, False),
        lambda: switch_person(user(eva_id), ada_id, False),
    )
    assert sorted(done) == [False, True]
    assert [user(ada_id).is_active, user(eva_id).is_active] == done


@pytest.mark.parametrize("_again", range(3))
def test_of_two_uses_of_a_link_at_once_one_counts(app, cast, asked, _again):  # noqa: F811
    token = asked(cast.pia)
    done = succeeded(
        app,
        lambda: set_password_by_link(token, "the first phrase", NOW),
        lambda: set_password_by_link(token, "the second phrase", NOW),
    )
    assert sorted(done) == [False, True]
    assert user(cast.pia.id).session_version == 2


def test_of_two_admins_who_add_the_same_link_at_once_one_does(app, cast):
    ada_id, ben_id, nil_id = cast.ada.id, cast.ben.id, cast.nil.id

    def add():
        add_link(user(ada_id), ben_id, LinkKind.GUARDIAN, nil_id, {}, NOW)

    assert sorted(succeeded(app, add, add)) == [False, True]
    assert db.session.query(GuardianLink).filter_by(student_id=ben_id).count() == 1
