"""Sending mails of a run again, taking them back, and having the files that were sent."""

from datetime import timedelta

import pytest

from reportapp import clock
from reportapp.constants import DeliveryStatus, Reason
from reportapp.delivery import deliver
from reportapp.extensions import db
from reportapp.models import GuardianLink, ReportDelivery
from tests.api.script import SCHEDULES
from tests.cast import NOW, create_order


@pytest.fixture
def run(cast, script):
    """Where a run of Tom's to Pia and Pol is."""
    order = create_order(cast.tom, cast.pia, cast.pol)
    return script("tom").post(f"{SCHEDULES}{order.id}/run/").headers["Location"]


def send(now=NOW):
    db.session.rollback()
    return deliver(clock.fixed(now), wall=clock.fixed(now))


def mails(script, run):
    listed = script("tom").get(f"{run}deliveries/").json["results"]
    return {one["recipient_name"].split()[0]: one for one in listed}


def test_what_failed_is_sent_again_with_its_message_id(run, script, smtp):
    smtp.on_rcpt = lambda address: "550 no" if address.startswith("pia") else None
    send()
    before = mails(script, run)["Pia"]
    assert before["status"] == "failed"
    smtp.on_rcpt = lambda address: None
    tom = script("tom")
    again = tom.post(f"{run}resend/")
    assert (again.status_code, again.json) == (202, {"count": 1})
    send(NOW + timedelta(minutes=1))
    after = mails(script, run)["Pia"]
    assert (after["status"], after["message_id"]) == ("sent", before["message_id"])
    none = tom.post(f"{run}resend/", {"kind": "failed"})
    assert (none.status_code, list(none.json)) == (409, ["error"])


def test_what_has_not_left_is_taken_back_one_or_all(run, script, smtp):
    tom = script("tom")
    one = mails(script, run)["Pol"]["id"]
    assert tom.post(f"{run}cancel/", {"delivery_id": one}).json == {"count": 1}
    assert tom.post(f"{run}cancel/").json == {"count": 1}
    assert tom.post(f"{run}cancel/").status_code == 409
    send()
    assert smtp.arrived == []
    assert {mail["reason"] for mail in mails(script, run).values()} == {"cancelled"}
    assert tom.post(f"{run}resend/", {"kind": "cancelled", "delivery_id": one}).json["count"] == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"kind": "all"}, "kind"),
        ({"kind": None}, "kind"),
        ({"delivery_id": "1"}, "delivery_id"),
        ({"delivery_id": 2**40}, "delivery_id"),
        ({"deliveries": [1]}, "deliveries"),
    ],
)
def test_what_is_wrong_is_told_at_its_field(run, script, body, field):
    answer = script("tom").post(f"{run}resend/", body)
    assert (answer.status_code, list(answer.json)) == (400, [field])


def test_a_mail_is_sent_again_by_the_word_that_its_row_has(run, script, smtp):
    send()
    one = mails(script, run)["Pia"]
    row = db.session.get(ReportDelivery, one["id"])
    row.status, row.reason = DeliveryStatus.UNKNOWN, Reason.AMBIGUOUS
    db.session.commit()
    assert mails(script, run)["Pia"]["status"] == "unknown"
    body = {"kind": "unknown", "delivery_id": one["id"]}
    assert script("tom").post(f"{run}resend/", body).json == {"count": 1}


def test_who_got_a_file_may_have_it_again_while_they_may_see_whom_it_is_about(
    run, cast, script, stranger
):
    send()
    path = f"/api/reports/deliveries/{mails(script, run)['Pia']['id']}/file/"
    for name in ("pia", "tom", "ada"):
        answer = script(name).get(path)
        assert (answer.status_code, answer.mimetype) == (200, "text/csv")
        assert "Ana Example" in answer.text
        assert ".csv" in answer.headers["Content-Disposition"]
    for name in ("pol", "tea", "uma", "olga"):
        assert script(name).get(path).status_code == 404
    assert stranger.get(path).status_code == 401
    link = db.session.query(GuardianLink).filter_by(guardian_id=cast.pia.id).one()
    link.no_contact = True
    db.session.commit()
    assert script("pia").get(path).status_code == 404
    db.session.query(ReportDelivery).update({"report_file_id": None})
    db.session.commit()
    gone = script("tom").get(path)
    assert (gone.status_code, list(gone.json)) == (410, ["error"])
