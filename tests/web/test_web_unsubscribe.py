"""Leaving a report: by the link in its mail, and signed in."""

import pytest

from reportapp import clock
from reportapp.delivery import deliver
from reportapp.errors import Conflict
from reportapp.extensions import db, transaction
from reportapp.models import GuardianLink, ReportScheduleRecipient
from reportapp.schedules.audiences import add_audience
from reportapp.schedules.edit import delete_schedule, switch_schedule
from reportapp.schedules.recipients import add_recipient, remove_recipient
from reportapp.schedules.runs import run_now
from tests.cast import NOW, create_order
from tests.schedules.help import row_of


@pytest.fixture
def link(cast):
    create_order(cast.tom, cast.pia, name="Maths & more")
    return f"/u/{row().unsubscribe_token}"


def row():
    return db.session.query(ReportScheduleRecipient).one()


def test_looking_at_the_link_changes_nothing(link, visitor):
    for method in ("GET", "HEAD", "OPTIONS"):
        assert visitor.open(method, link).status_code == 200
    assert row().is_subscribed
    page = visitor.get(link).text
    assert "Maths &amp; more" in page
    assert "Lindenhof School" in page


def test_one_click_works_without_cookie_and_without_redirect(link, visitor):
    answer = visitor.post_bare(link, {"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
    assert not row().is_subscribed
    assert row().unsubscribed_at == NOW


def test_it_needs_no_body_at_all(link, visitor):
    assert visitor.open("POST", link).status_code == 200
    assert not row().is_subscribed


def test_twice_is_as_good_as_once(link, visitor):
    for _ in range(2):
        assert visitor.post_bare(link).status_code == 200
    assert "already unsubscribed" in visitor.get(link).text
    assert not row().is_subscribed


def test_it_can_be_undone_on_the_page(link, visitor):
    assert f'action="{link}/undo"' in visitor.post_bare(link).text
    answer = visitor.post_bare(f"{link}/undo")
    assert answer.status_code == 200
    assert row().is_subscribed
    assert row().unsubscribed_at is None
    assert visitor.get(f"{link}/undo").status_code == 405


@pytest.mark.parametrize(
    "token", ["x", "A" * 22, "A" * 10_000, "%27%3B--", "..%2f..", "%F0%9F%98%80"]
)
def test_an_unknown_link_says_so(app, visitor, token):
    for method, end in (("GET", ""), ("POST", ""), ("POST", "/undo")):
        answer = visitor.open(method, f"/u/{token}{end}")
        assert answer.status_code == 404
        assert "Traceback" not in answer.text


def test_an_unknown_token_is_told_in_plain_words(app, visitor):
    assert "This link is not valid, or no longer." in visitor.get("/u/unknown").text


def test_it_works_for_a_deleted_schedule_and_a_removed_person(cast, link, visitor):
    row().removed_at = NOW
    db.session.commit()
    delete_schedule(cast.tom, row().schedule_id, NOW)
    page = visitor.get(link)
    assert page.status_code == 200
    assert "is no longer sent" in page.text
    assert visitor.post_bare(link).status_code == 200
    assert not row().is_subscribed


def test_nobody_is_promised_mails_that_do_not_come(cast, link, visitor):
    promise, silence = "The next mail from", "At present"
    undone = lambda: visitor.post_bare(f"{link}/undo").text  # noqa: E731
    assert promise in undone()
    remove_recipient(cast.tom, row().schedule_id, cast.pia.id, NOW)
    assert (promise in undone(), silence in undone()) == (False, True)
    add_recipient(cast.tom, row().schedule_id, cast.pia.id, NOW)
    switch_schedule(cast.tom, row().schedule_id, False, NOW)
    assert (promise in undone(), silence in undone()) == (False, True)
    delete_schedule(cast.tom, row().schedule_id, NOW)
    assert "is no longer sent" in undone()


class TestMemberOfAGroup:
    """Pia gets it as a guardian of 7a Mathematics, and is not on it by name."""

    @pytest.fixture
    def order(self, cast):
        order = create_order(cast.tom, name="For guardians")
        add_audience(cast.tom, order.id, "class_guardians", cast.classes["maths"].id, NOW)
        return order

    @pytest.fixture
    def link(self, cast, smtp, order):
        """As it stands in the mail's header."""
        self.sent(cast, smtp, order)
        header = smtp.to("pia@parent.example").message["List-Unsubscribe"]
        return header.strip("<>").removeprefix("https://reports.lindenhof.example")

    def sent(self, cast, smtp, order) -> list[str]:
        """Who gets it now."""
        smtp.arrived.clear()
        run_now(cast.tom, order.id, NOW, message_domain="lindenhof.example")
        deliver(clock.fixed(NOW))
        return smtp.addresses

    def test_looking_changes_nothing_one_click_leaves_and_undo_comes_back(
        self, cast, smtp, order, link, visitor
    ):
        assert "Stop receiving" in visitor.get(link).text
        assert self.sent(cast, smtp, order) == ["pia@parent.example", "pol@parent.example"]
        for _ in range(2):
            answer = visitor.post_bare(link, {"List-Unsubscribe": "One-Click"})
            assert (answer.status_code, "You are unsubscribed" in answer.text) == (200, True)
            assert self.sent(cast, smtp, order) == ["pol@parent.example"]
        assert "already unsubscribed" in visitor.get(link).text
        assert "The next mail from" in visitor.post_bare(f"{link}/undo").text
        assert self.sent(cast, smtp, order) == ["pia@parent.example", "pol@parent.example"]

    def test_who_left_stays_away_with_another_group_and_by_name(
        self, cast, smtp, order, link, visitor
    ):
        visitor.post_bare(link)
        add_audience(cast.tom, order.id, "my_guardians", None, NOW)
        with pytest.raises(Conflict):
            add_recipient(cast.tom, order.id, cast.pia.id, NOW)
        assert self.sent(cast, smtp, order) == ["pol@parent.example"]

    def test_outside_the_group_the_link_works_and_promises_nothing(
        self, cast, smtp, order, link, visitor
    ):
        with transaction():
            db.session.query(GuardianLink).filter_by(
                guardian_id=cast.pia.id
            ).one().no_contact = True
        assert visitor.get(link).status_code == 200
        assert "You are unsubscribed" in visitor.post_bare(link).text
        assert "At present" in visitor.post_bare(f"{link}/undo").text
        assert self.sent(cast, smtp, order) == ["pol@parent.example"]

    def test_signed_in_it_is_listed_and_left(self, cast, smtp, order, link, logged_in):
        visitor = logged_in("pia")
        assert "For guardians" in visitor.get("/subscriptions/").text
        mine = row_of(order, cast.pia).id
        visitor.post(f"/subscriptions/{mine}", {"subscribed": "0"})
        assert "Subscribe again" in visitor.get("/subscriptions/").text
        assert self.sent(cast, smtp, order) == ["pol@parent.example"]


def test_the_token_stays_out_of_other_logs_and_caches(link, visitor):
    headers = visitor.get(link).headers
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Robots-Tag"] == "noindex"


class TestSignedIn:
    def test_everybody_sees_and_leaves_their_own(self, link, cast, logged_in):
        visitor = logged_in("pia")
        page = visitor.get("/subscriptions/").text
        assert "Maths &amp; more" in page
        assert "Tom Example" in page
        visitor.post(f"/subscriptions/{row().id}", {"subscribed": "0"})
        assert not row().is_subscribed
        assert "Subscribe again" in visitor.get("/subscriptions/").text
        visitor.post(f"/subscriptions/{row().id}", {"subscribed": "1"})
        assert row().is_subscribed

    def test_somebody_elses_is_not_found(self, link, logged_in):
        answer = logged_in("pol").post(f"/subscriptions/{row().id}", {"subscribed": "0"})
        assert answer.status_code == 404
        assert row().is_subscribed

    def test_without_any_the_page_explains_itself(self, logged_in):
        page = logged_in("pia").get("/subscriptions/").text
        assert "You receive no reports by e-mail at present" in page
