"""Who may enter."""

import pytest

from reportapp.extensions import db
from reportapp.models import ReportSchedule, ReportScheduleRecipient
from reportapp.web import BLUEPRINTS
from reportapp.web.guards import GUARDS, public
from tests.cast import create_order

#: Blueprints that bring their own guard: other rooms may add theirs here.
OTHER_ROOMS = {"api"}


def test_every_route_has_a_named_guard(app):
    guards = {blueprint.name: guard for blueprint, guard in BLUEPRINTS}
    assert set(guards.values()) <= set(GUARDS)
    for rule in app.url_map.iter_rules():
        if rule.endpoint == "static":
            continue
        group = rule.endpoint.rpartition(".")[0]
        if group.split(".")[0].split("-")[0] in OTHER_ROOMS:
            continue
        assert group in guards, f"{rule} has no guard"
        assert guards[group] in app.before_request_funcs[group], f"{rule} has lost its guard"


def test_only_these_pages_are_public():
    assert {blueprint.name for blueprint, guard in BLUEPRINTS if guard is public} == {
        "file_link",
        "health",
        "log_in_link",
        "login",
        "unsubscribe",
    }


def private_pages(app):
    """A path for every route that is not public, with its method."""
    shown = {"schedule_id": 1, "execution_id": 1, "user_id": 1, "subscription_id": 1, "number": 1}
    shown |= {"entry_id": 1, "term_id": 1, "run_id": 1, "link_id": 1, "other_id": 2}
    shown |= {"report_id": 1, "audience_id": 1, "mapping_id": 1, "delivery_id": 1, "notice_id": 1}
    shown |= {"token_id": 1}
    open_groups = {blueprint.name for blueprint, guard in BLUEPRINTS if guard is public}
    own = {blueprint.name for blueprint, _ in BLUEPRINTS}
    for rule in app.url_map.iter_rules():
        group = rule.endpoint.rpartition(".")[0]
        if group in own - open_groups and group != "mailbox":
            values = {name: shown.get(name, "csv") for name in rule.arguments}
            path = app.url_map.bind("localhost").build(rule.endpoint, values)
            for method in rule.methods - {"HEAD", "OPTIONS"}:
                yield method, path


def test_without_a_log_in_every_private_page_leads_to_the_log_in(app, visitor):
    token = visitor.token()
    for method, path in private_pages(app):
        answer = visitor.open(method, path, data={"csrf_token": token})
        assert (answer.status_code, answer.location[:6]) == (302, "/login"), path


@pytest.mark.parametrize("name", ["pia", "ana"])
def test_families_cannot_open_schedules(app, logged_in, name):
    visitor = logged_in(name)
    token = visitor.token()
    for method, path in private_pages(app):
        if path.startswith(("/schedules", "/executions")):
            answer = visitor.open(method, path, data={"csrf_token": token})
            assert answer.status_code == 403, path


def test_somebody_elses_schedule_does_not_exist(app, cast, logged_in):
    order = create_order(cast.tom, cast.pia)
    for name in ("tea", "uma", "olga"):
        visitor = logged_in(name)
        for method, path in private_pages(app):
            path = path.replace("/schedules/1", f"/schedules/{order.id}")
            if f"/schedules/{order.id}" in path:
                answer = visitor.open(method, path, data={"csrf_token": visitor.token()})
                assert answer.status_code == 404, path
    assert db.session.get(ReportSchedule, order.id).deleted_at is None
    assert db.session.query(ReportScheduleRecipient).one().removed_at is None


def test_an_admin_sees_the_schedules_of_the_own_school_only(cast, logged_in):
    create_order(cast.tom, name="Of Tom")
    create_order(cast.otto, name="Of Otto")
    page = logged_in("ada").get("/schedules/?everybody=1")
    assert "Of Tom" in page.text
    assert "Tom Example" in page.text
    assert "Of Otto" not in page.text
    assert logged_in("tom").get("/schedules/?everybody=1").status_code == 403


def test_a_deactivated_person_is_logged_out(cast, logged_in):
    visitor = logged_in("tom")
    cast.tom.is_active = False
    db.session.commit()
    assert visitor.get("/schedules/").status_code == 302


@pytest.mark.parametrize(
    ("path", "name"),
    [("/schedules/new", "tom"), ("/account/password", "pia"), ("/logout", "pia")],
)
def test_a_form_without_its_token_is_refused(logged_in, path, name):
    answer = logged_in(name).post_bare(path, {"name": "x"})
    assert answer.status_code == 400
    assert "Traceback" not in answer.text
    assert "reload" in answer.text
