"""News in the app: the list, the count, the banner for admins, and a stopped schedule's pages."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from reportapp.constants import NoticeKind, Reason
from reportapp.delivery.health import note_trouble, standstill
from reportapp.delivery.policy import Outcome
from reportapp.extensions import db, transaction
from reportapp.models import MailServerState, Notice, SchedulerLease
from reportapp.schedules.notices import write_notices
from tests.cast import NOW, create_order
from tests.web.visitor import words_of


def notice(person, schedule, key="overdue:1"):
    """Somebody is told that a run is overdue; the notice's id."""
    with transaction() as session:
        write_notices(
            session, [person.id], NoticeKind.MISSED_RUN, key, NOW, schedule_id=schedule.id
        )
    return db.session.scalar(select(Notice.id).where(Notice.key == key))


def scheduler_seen(ago):
    seen = NOW - ago
    with transaction() as session:
        session.add(
            SchedulerLease(name="scheduler", holder="x", heartbeat_at=seen, expires_at=seen)
        )


def mail_refused(app):
    outcome = Outcome("pending", Reason.CONFIGURATION, "535 5.7.8 <wrong> password")
    note_trouble(app.config, outcome, NOW)


def test_news_are_counted_in_the_navigation_listed_with_a_link_and_put_away(cast, logged_in):
    order = create_order(cast.tom, cast.pia, name="Week <b>")
    visitor = logged_in("tom")
    assert "topbar-news" not in visitor.get("/schedules/").text
    assert "There is nothing new" in visitor.get("/notices/").text
    first, second = notice(cast.tom, order), notice(cast.tom, order, "overdue:2")
    page = visitor.get("/schedules/").text
    assert "News 2 to look at" in words_of(page)
    page = visitor.get("/notices/").text
    assert f'href="/schedules/{order.id}"' in page
    assert "“Week &lt;b&gt;” is overdue" in page
    assert visitor.post(f"/notices/{first}/put-away").status_code == 302
    assert visitor.post(f"/notices/{first}/put-away").status_code == 302
    assert "News 1 to look at" in words_of(visitor.get("/notices/").text)
    third = notice(cast.tom, order, "overdue:3")
    visitor.post("/notices/put-all-away", {"newest": second})
    assert db.session.get(Notice, third).closed_at is None
    assert db.session.get(Notice, second).closed_at == NOW


def test_nobody_sees_or_puts_away_the_news_of_others(cast, logged_in):
    order = create_order(cast.tom, cast.pia, name="Of Tom")
    theirs = notice(cast.tom, order)
    for name in ("tea", "ada", "olga"):
        visitor = logged_in(name)
        assert "Of Tom" not in visitor.get("/notices/").text
        assert visitor.post(f"/notices/{theirs}/put-away").status_code == 404
        visitor.post("/notices/put-all-away", {"newest": theirs})
    assert db.session.get(Notice, theirs).closed_at is None
    pia = logged_in("pia")
    assert pia.get("/notices/").status_code == 403
    assert pia.post(f"/notices/{theirs}/put-away").status_code == 403


@pytest.mark.parametrize("newest", ["", "x", "99999999999"])
def test_a_strange_number_is_refused(logged_in, newest):
    assert logged_in("tom").post("/notices/put-all-away", {"newest": newest}).status_code == 404


def test_while_mails_are_refused_admins_read_it_everywhere_and_can_try_again(app, cast, logged_in):
    mail_refused(app)
    ada, tom = logged_in("ada"), logged_in("tom")
    for path in ("/schedules/", "/people/", "/account/", "/notices/", "/calendar/"):
        page = ada.get(path).text
        assert "No mails can leave:" in page, path
        assert "“535 5.7.8 &lt;wrong&gt; password”" in page
    assert "No mails can leave:" not in tom.get("/schedules/").text
    assert tom.post("/notices/try-again").status_code == 403
    assert standstill(app.config, NOW) is not None
    answer = ada.post("/notices/try-again", follow_redirects=True)
    assert "is asked again with the next mail" in answer.text
    assert "No mails can leave:" not in answer.text
    assert standstill(app.config, NOW) is None


def test_a_mail_server_that_is_out_of_order_is_shown_to_admins(app, cast, logged_in):
    with transaction() as session:
        session.add(
            MailServerState(
                name="mail", paused_until=NOW + timedelta(seconds=50), reply="421 <busy>"
            )
        )
    assert "“421 &lt;busy&gt;”" in logged_in("ada").get("/account/").text
    assert "Mails wait a little" not in logged_in("tom").get("/schedules/").text


def test_admins_read_on_every_page_that_nothing_runs_the_schedules(cast, logged_in):
    ada, tom = logged_in("ada"), logged_in("tom")
    scheduler_seen(timedelta(minutes=6))
    assert "Start it again" in ada.get("/account/").text
    assert "is not running" not in tom.get("/account/").text
    assert "Tell your administrator" in tom.get("/schedules/").text
    with transaction() as session:
        session.query(SchedulerLease).update({"heartbeat_at": NOW - timedelta(minutes=4)})
    assert "Start it again" not in ada.get("/account/").text
    assert "is not running" not in tom.get("/schedules/").text


def test_pages_for_nobody_in_particular_have_no_banner(app, visitor):
    mail_refused(app)
    assert "No mails can leave" not in visitor.get("/login").text


def test_readiness_asks_for_the_heartbeat_only_where_the_scheduler_belongs_here(app, visitor):
    scheduler_seen(timedelta(minutes=6))
    app.config["SCHEDULER_ENABLED"] = True
    assert visitor.get("/readyz").status_code == 503
    app.config["SCHEDULER_ENABLED"] = False
    assert visitor.get("/readyz").status_code == 200


def test_a_stopped_schedule_says_so_on_its_page_and_in_the_list(cast, logged_in):
    order = create_order(cast.tom, cast.pia)
    with transaction():
        order.is_active, order.next_scheduled = False, None
        order.paused_reason = "Its last 3 runs reached nobody."
    visitor = logged_in("tom")
    for path in ("/schedules/", f"/schedules/{order.id}"):
        page = words_of(visitor.get(path).text)
        assert "Its last 3 runs reached nobody." in page
        assert "Stopped by itself" in page
    visitor.post(f"/schedules/{order.id}/switch", {"active": "1"})
    for path in ("/schedules/", f"/schedules/{order.id}"):
        page = words_of(visitor.get(path).text)
        assert "Stopped by itself" not in page
        assert "Active" in page


def test_many_news_are_on_several_pages(cast, logged_in):
    order = create_order(cast.tom, cast.pia, name="Week")
    for number in range(30):
        notice(cast.tom, order, f"overdue:{number}")
    visitor = logged_in("tom")
    assert visitor.get("/notices/").text.count("notice-row") == 25
    assert visitor.get("/notices/?page=2").text.count("notice-row") == 5
    assert "nothing on this page" in visitor.get("/notices/?page=9").text
