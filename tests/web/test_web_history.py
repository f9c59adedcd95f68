"""The ledger's pages."""

from datetime import timedelta

import pytest

from reportapp.constants import DeliveryStatus, Reason, Role, Trigger
from reportapp.extensions import db, transaction
from reportapp.models import AddressTrouble, ReportDelivery, ReportScheduleExecution
from reportapp.schedules.ledger import plan_execution, settle
from reportapp.schedules.runs import run_now
from tests.cast import NOW, create_order
from tests.schedules.help import create_crowd
from tests.web.visitor import path_of, words_of


@pytest.fixture
def run(cast):
    """A planned run of Tom's, hours late: Pia has it, Pol's mail failed, Uma's is uncertain."""
    order = create_order(cast.tom, cast.pia, cast.pol, cast.uma, cast.tea)
    with transaction() as session:
        planned = NOW - timedelta(hours=5)
        execution_id, _ = plan_execution(
            session, order, planned, Trigger.SCHEDULE, NOW, message_domain="x.example"
        )
        for person, status, reason in (
            (cast.pia, DeliveryStatus.SENT, None),
            (cast.pol, DeliveryStatus.FAILED, Reason.PERMANENT),
            (cast.uma, DeliveryStatus.UNKNOWN, Reason.AMBIGUOUS),
            (cast.tea, DeliveryStatus.SKIPPED, Reason.OUT_OF_SCOPE),
        ):
            delivery = (
                session.query(ReportDelivery)
                .filter_by(execution_id=execution_id, recipient_id=person.id)
                .one()
            )
            delivery.status, delivery.reason, delivery.attempts = status, reason, 1
            delivery.sent_at = NOW if status is DeliveryStatus.SENT else None
            delivery.smtp_reply = "550 <no> such user" if person is cast.pol else None
        session.flush()
        settle(session, [execution_id], NOW)
    return db.session.get(ReportScheduleExecution, execution_id)


def statuses():
    rows = db.session.query(ReportDelivery).all()
    return {row.recipient.given_name: row.status for row in rows}


def test_a_run_tells_what_became_of_each_mail_problems_first(run, logged_in):
    page = logged_in("tom").get(f"/executions/{run.id}").text
    assert "Partly sent" in page
    assert "It started 5 hours late" in page
    assert "The mail server refused it for good" in page
    assert "550 &lt;no&gt; such user" in page
    assert "it may or may not have arrived" in page
    assert "There is nothing in this report that they may see." in page
    order = [page.index(name) for name in ("Pol Example", "Tea Example", "Pia Example")]
    assert order == sorted(order)


def test_the_history_lists_the_runs_with_their_counts(run, logged_in):
    visitor = logged_in("tom")
    for path in (f"/schedules/{run.schedule_id}", f"/schedules/{run.schedule_id}/history"):
        page = visitor.get(path).text
        assert f"/executions/{run.id}" in page
        row = words_of(page.split("<tbody>")[-1].split("</tr>")[0])
        assert row.endswith("On schedule 4 recipients: 1 sent 1 failed 1 skipped 1 unclear")


def test_a_run_counts_everybody_it_was_for(run, logged_in):
    page = logged_in("tom").get(f"/executions/{run.id}").text
    assert "4 recipients 1 sent 1 failed 1 skipped 1 unclear" in words_of(page)


def test_one_mail_is_sent_again(run, logged_in):
    (pol,) = (row for row in db.session.query(ReportDelivery) if row.recipient.given_name == "Pol")
    answer = logged_in("tom").post(f"/executions/{run.id}/resend", {"delivery": pol.id})
    assert answer.status_code == 302
    assert statuses() == {"Pol": "pending", "Uma": "unknown", "Tea": "skipped", "Pia": "sent"}


def test_all_that_failed_is_sent_again_and_what_is_unclear_only_after_a_question(run, logged_in):
    visitor = logged_in("tom")
    answer = visitor.post(f"/executions/{run.id}/resend", follow_redirects=True)
    assert "1 mail is being sent again." in answer.text
    assert statuses() == {"Pol": "pending", "Uma": "unknown", "Tea": "skipped", "Pia": "sent"}
    assert "1 person may have got the mail already. If you send it again, it may arrive twice." in (
        answer.text
    )
    visitor.post(f"/executions/{run.id}/resend", {"kind": "unknown"})
    assert statuses() == {"Pol": "pending", "Uma": "pending", "Tea": "skipped", "Pia": "sent"}
    again = visitor.post(f"/executions/{run.id}/resend", {"kind": "what?"})
    assert again.status_code == 409
    assert "There is nothing to send again." in again.text


def test_a_button_of_a_failed_mail_does_not_send_one_that_is_unclear_by_now(run, logged_in):
    (uma,) = (row for row in db.session.query(ReportDelivery) if row.recipient.given_name == "Uma")
    data = {"delivery": uma.id, "kind": "failed"}
    assert logged_in("tom").post(f"/executions/{run.id}/resend", data).status_code == 409
    assert statuses()["Uma"] == "unknown"


def test_trying_a_skipped_mail_again_promises_nothing(run, logged_in):
    (tea,) = (row for row in db.session.query(ReportDelivery) if row.recipient.given_name == "Tea")
    data = {"delivery": tea.id, "kind": "skipped"}
    page = logged_in("tom").post(f"/executions/{run.id}/resend", data, follow_redirects=True).text
    assert "1 mail is tried again. What still stands in the way will be told below." in page
    assert "asked for the mail to Tea Example to be sent again" in words_of(page)


def test_names_lead_admins_to_the_person_and_nobody_else(run, cast, logged_in):
    link = f"/people/{cast.pia.id}"
    assert link in logged_in("ada").get(f"/executions/{run.id}").text
    assert link not in logged_in("tom").get(f"/executions/{run.id}").text


def test_what_has_not_left_is_taken_back_and_the_page_tells_who_did_it(run, cast, logged_in):
    visitor = logged_in("ada")
    page = visitor.post(f"/executions/{run.id}/resend", follow_redirects=True).text
    assert "1 mail has not left yet." in page
    page = visitor.post(f"/executions/{run.id}/cancel", {"state": "sent"}, follow_redirects=True)
    assert "1 mail will not be sent." in page.text
    assert "Ada Example asked for 1 mail to be sent again on Mon 23 Nov 2026, 08:30." in words_of(
        page.text
    )
    assert "Ada Example took back 1 mail before it left, on Mon 23 Nov 2026, 08:30." in (
        words_of(page.text)
    )
    assert "Pia Example" in page.text
    assert "Tea Example" not in page.text  # still only what was sent
    assert statuses() == {"Pol": "skipped", "Uma": "unknown", "Tea": "skipped", "Pia": "sent"}
    page = visitor.get(f"/executions/{run.id}").text
    assert "Taken back by hand before it left." in page
    assert "Send after all" in page
    again = visitor.post(f"/executions/{run.id}/cancel")
    assert (again.status_code, "nothing left to take back" in again.text) == (409, True)


def test_a_run_of_which_all_was_taken_back_or_skipped_does_not_look_done(cast, logged_in):
    order = create_order(cast.tom, cast.pia, cast.pol)
    run_id = run_now(cast.tom, order.id, NOW, message_domain="x.example")
    visitor = logged_in("tom")
    visitor.post(f"/executions/{run_id}/cancel")
    schedule = f"/schedules/{order.id}"
    for path in (f"/executions/{run_id}", schedule, f"{schedule}/history"):
        page = words_of(visitor.get(path).text)
        assert "Nothing sent" in page, path
        assert "Done" not in page, path
    visitor.post(f"/executions/{run_id}/resend", {"kind": "cancelled"})
    assert "Under way" in words_of(visitor.get(f"/executions/{run_id}").text)


def test_a_mail_that_waits_says_for_what_and_until_when(run, logged_in):
    with transaction() as session:
        (pol,) = (r for r in session.query(ReportDelivery) if r.recipient.given_name == "Pol")
        pol.status, pol.reason, pol.attempts = DeliveryStatus.PENDING, Reason.TEMPORARY, 2
        pol.next_attempt_at = NOW + timedelta(minutes=15)
    page = words_of(logged_in("tom").get(f"/executions/{run.id}?state=pending").text)
    assert "The mail server has put it off; it is tried again by itself." in page
    assert "Next try Mon 23 Nov 2026, 08:45. 2 tries so far." in page
    assert "we gave up" not in page


def test_only_mails_of_one_state_are_shown_on_request(run, logged_in):
    visitor = logged_in("tom")
    page = visitor.get(f"/executions/{run.id}?state=skipped").text
    assert "Tea Example" in page
    assert "Pia Example" not in page
    for nonsense in ("?state=x", "?state=", "?page=0", "?page=x"):
        assert "Pia Example" in visitor.get(f"/executions/{run.id}{nonsense}").text
    assert "nothing on this page" in visitor.get(f"/executions/{run.id}?page=9").text


def test_many_mails_come_page_by_page(cast, logged_in):
    order = create_order(cast.tom, *create_crowd(cast, Role.PARENT, 130))
    run = run_now(cast.tom, order.id, NOW, message_domain="x.example")
    visitor = logged_in("tom")
    first, second = (
        visitor.get(f"/executions/{run}?state=pending&page={number}").text for number in (1, 2)
    )
    assert (first.count("Do not send<"), second.count("Do not send<")) == (100, 30)
    assert f"/executions/{run}?page=2&amp;state=pending" in first
    assert "keeps itself up to date" in first
    assert '<noscript><meta http-equiv="refresh"' in first


@pytest.mark.parametrize(
    ("delivery", "status"), [("x", 404), ("9" * 40, 404), ("-1", 404), ("2147483647", 409)]
)
def test_an_impossible_mail_is_not_sent_again(run, logged_in, delivery, status):
    before = statuses()
    answer = logged_in("tom").post(f"/executions/{run.id}/resend", {"delivery": delivery})
    assert answer.status_code == status
    assert statuses() == before


def test_a_run_of_somebody_else_does_not_exist(run, logged_in):
    visitor = logged_in("tea")
    assert visitor.get(f"/executions/{run.id}").status_code == 404
    assert visitor.post(f"/executions/{run.id}/resend").status_code == 404
    assert visitor.post(f"/executions/{run.id}/cancel").status_code == 404


def test_the_ledger_of_a_deleted_schedule_can_still_be_read(run, logged_in):
    visitor = logged_in("tom")
    visitor.post(f"/schedules/{run.schedule_id}/delete")
    page = visitor.get(f"/executions/{run.id}")
    assert page.status_code == 200
    assert "deleted" in page.text
    assert "Send again" not in page.text


def test_times_are_the_readers(run, cast, logged_in):
    cast.tom.time_zone = "Asia/Tokyo"
    db.session.commit()
    assert "Mon 23 Nov 2026, 16:30" in logged_in("tom").get(f"/executions/{run.id}").text


@pytest.fixture
def refused(cast):
    """Pia's address has refused three mails."""
    with transaction() as session:
        session.add(
            AddressTrouble(
                address="pia@parent.example",
                failures=3,
                reply="550 <no> such user",
                failed_at=NOW,
                suspended_at=NOW,
            )
        )
    return create_order(cast.tom, cast.pia, cast.pol)


REFUSED = (
    "Mails to this address were refused 3 times, the last time on Mon 23 Nov 2026, 08:30: "
    "“550 &lt;no&gt; such user”. None are sent to it until somebody presses “Send to it again”, "
    "or the address changes."
)


@pytest.mark.parametrize("page", ["", "/who"])
def test_an_author_sees_a_refused_address_and_has_it_written_to_again(
    cast, refused, logged_in, page
):
    visitor = logged_in("tom")
    path = f"/schedules/{refused.id}{page}"
    shown = visitor.get(path).text
    assert shown.count("were refused 3 times") == 1
    assert REFUSED in words_of(shown)
    forgive = f"/schedules/{refused.id}/recipients/{cast.pia.id}/send-to-address"
    assert forgive in shown
    answer = visitor.post(forgive, {"back": page.strip("/")})
    assert path_of(answer) == path
    shown = visitor.get(path).text
    assert "Mails are sent to pia@parent.example again." in shown
    assert "were refused" not in shown


def test_an_admin_sees_a_refused_address_at_its_person(cast, refused, logged_in):
    visitor = logged_in("ada")
    path = f"/people/{cast.pia.id}"
    assert REFUSED in words_of(visitor.get(path).text)
    assert "were refused" not in visitor.get(f"/people/{cast.pol.id}").text
    visitor.post(f"{path}/send-to-address")
    assert db.session.query(AddressTrouble).count() == 0
    assert "were refused" not in visitor.get(path).text


def test_a_run_shows_the_refused_address_of_a_mail_that_was_skipped(cast, refused, logged_in):
    run = run_now(cast.tom, refused.id, NOW, message_domain="x.example")
    with transaction() as session:
        row = session.query(ReportDelivery).filter_by(recipient_id=cast.pia.id).one()
        row.status, row.reason = DeliveryStatus.SKIPPED, Reason.SUSPENDED
    visitor = logged_in("tom")
    assert REFUSED in words_of(visitor.get(f"/executions/{run}").text)
    forgive = f"/schedules/{refused.id}/recipients/{cast.pia.id}/send-to-address"
    answer = visitor.post(forgive, {"back": str(run)})
    assert path_of(answer) == f"/executions/{run}"
    page = visitor.get(f"/executions/{run}").text
    assert "Try again" in page
    assert "has refused our mails again and again" in page


def test_others_cannot_have_an_address_written_to_again(cast, refused, logged_in):
    paths = (
        f"/schedules/{refused.id}/recipients/{cast.pia.id}/send-to-address",
        f"/people/{cast.pia.id}/send-to-address",
    )
    for name, codes in {
        "tea": (404, 403),
        "olga": (404, 404),
        "pol": (403, 403),
        "tom": (None, 403),
    }.items():
        visitor = logged_in(name)
        for path, code in zip(paths, codes, strict=True):
            assert code is None or visitor.post(path).status_code == code, (name, path)
    nobody = f"/schedules/{refused.id}/recipients/{cast.ole.id}/send-to-address"
    assert logged_in("tom").post(nobody).status_code == 404
    assert db.session.query(AddressTrouble).count() == 1
