"""The reader's own settings."""

import pytest

from reportapp.accounts.users import authenticate
from reportapp.extensions import db
from tests.cast import PASSWORD, create_order
from tests.web.visitor import Visitor


def test_times_are_shown_in_the_own_zone(cast, logged_in):
    create_order(cast.tom, cast.pia)
    visitor = logged_in("pia")
    assert "Mon 23 Nov 2026, 09:00" in visitor.get("/subscriptions/").text
    assert visitor.post("/account/time-zone", {"time_zone": "Asia/Tokyo"}).status_code == 302
    assert "Mon 23 Nov 2026, 17:00" in visitor.get("/subscriptions/").text
    visitor.post("/account/time-zone", {"time_zone": ""})
    assert cast.pia.time_zone is None


@pytest.mark.parametrize("zone", ["new york", "NEW_YORK", " america/new york "])
def test_a_zone_is_known_by_its_city_and_stored_by_its_name(cast, logged_in, zone):
    answer = logged_in("pia").post("/account/time-zone", {"time_zone": zone})
    assert answer.status_code == 302
    assert cast.pia.time_zone == "America/New_York"


@pytest.mark.parametrize("zone", ["Mars/Olympus", "x" * 10_000, "../../etc/passwd", "berlim"])
def test_an_unknown_zone_is_an_error_at_its_field(cast, logged_in, zone):
    answer = logged_in("pia").post("/account/time-zone", {"time_zone": zone})
    assert answer.status_code == 422
    assert "Choose a time zone from the list" in answer.text
    assert f'value="{zone}"' in answer.text
    assert cast.pia.time_zone is None


def test_a_new_password_ends_other_log_ins_and_keeps_this_one(app, cast, logged_in):
    here, elsewhere = logged_in("pia"), Visitor(app).log_in(cast.pia, remember="y")
    fields = {"current_password": PASSWORD, "new_password": "a brand new one"}
    assert here.post("/account/password", fields).status_code == 302
    assert here.get("/account/").status_code == 200
    assert elsewhere.get("/account/").status_code == 302
    assert authenticate(cast.pia.email, "a brand new one") is not None
    db.session.rollback()


@pytest.mark.parametrize(
    ("fields", "messages"),
    [
        ({}, ["This is not your present password.", "Use 8 to 200 characters."]),
        ({"current_password": PASSWORD, "new_password": "short"}, ["Use 8 to 200 characters."]),
        ({"current_password": PASSWORD, "new_password": "x" * 10_000}, ["Use 8 to 200"]),
        ({"current_password": "no", "new_password": "long enough"}, ["not your present password"]),
    ],
)
def test_a_wrong_password_change_changes_nothing(cast, logged_in, fields, messages):
    answer = logged_in("pia").post("/account/password", fields)
    assert answer.status_code == 422
    for message in messages:
        assert message in answer.text
    assert "long enough" not in answer.text
    assert cast.pia.session_version == 1
