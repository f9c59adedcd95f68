"""The list, one schedule, its recipients and its preview."""

from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import event, func, select

from reportapp import clock
from reportapp.constants import Role
from reportapp.delivery import deliver
from reportapp.extensions import db, transaction
from reportapp.models import (
    ReportDelivery,
    ReportScheduleExecution,
    ReportScheduleRecipient,
    SchedulerLease,
)
from reportapp.schedules.subscriptions import set_my_subscription
from reportapp.tokens import new_unsubscribe_token
from tests.cast import NOW, create_order, create_person
from tests.web.visitor import words_of


@contextmanager
def queries_counted():
    seen = []

    def note(*args):
        seen.append(args[2])

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield lambda: len(seen)
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


def count(model):
    return db.session.scalar(select(func.count()).select_from(model))


def test_the_list_says_when_what_goes_to_how_many(cast, logged_in):
    create_order(cast.tom, cast.pia, cast.pol, name="Maths 7a", export_format="xlsx")
    create_order(cast.tom, name="Lonely", frequency="monthly", is_active=False)
    page = logged_in("tom").get("/schedules/").text
    assert "Mondays at 09:00, Berlin" in page
    assert "Mon 23 Nov 2026, 09:00" in page
    assert "in 30 minutes" in page
    assert "Excel to" in page
    assert "2 people" in page
    assert "nobody yet" in page
    for tag in ("tag-weekly", "tag-monthly", "tag-active", "tag-inactive"):
        assert tag in page


def test_everybody_on_the_list_counts_and_who_has_left_is_told_beside(cast, logged_in):
    """The same rule on the list, on the schedule's page and in its history."""
    order = create_order(cast.tom, cast.pia, cast.pol, cast.tea, export_format="pdf")
    row = db.session.query(ReportScheduleRecipient).filter_by(recipient_id=cast.pia.id).one()
    set_my_subscription(cast.pia, row.id, False, NOW)
    visitor = logged_in("tom")
    page = visitor.get("/schedules/").text
    assert "PDF to 3 people 1 unsubscribed" in words_of(page.replace("<div", " <div"))
    visitor.post(f"/schedules/{order.id}/run")
    page = words_of(visitor.get(f"/schedules/{order.id}").text)
    assert "Recipients 3 people, 1 unsubscribed" in page
    assert "3 recipients: 0 sent 0 failed 1 skipped" in page


def test_days_are_counted_as_the_reader_does(cast, logged_in):
    create_order(cast.tom, day_of_week=5, time="07:00")  # NOW is a Monday, 08:30
    create_order(cast.tom, day_of_week=5, time="20:00")
    page = logged_in("tom").get("/schedules/").text
    assert page.count("in 4 days") == 2


def test_an_empty_list_says_what_to_do(logged_in):
    page = logged_in("tom").get("/schedules/").text
    assert "You have no schedules yet" in page
    assert "/schedules/new" in page


def test_a_long_list_has_pages(cast, logged_in):
    for number in range(27):
        create_order(cast.tom, name=f"Number {number:02}")
    visitor = logged_in("tom")
    first, second = visitor.get("/schedules/").text, visitor.get("/schedules/?page=2").text
    assert "Page 1 of 2" in first
    assert first.count("schedule-row-name") == 25
    assert second.count("schedule-row-name") == 2


@pytest.mark.parametrize("page", ["0", "-1", "x", "", "99", "9" * 40, "1.5", "²"])
def test_any_page_number_is_answered(cast, logged_in, page):
    order = create_order(cast.tom)
    visitor = logged_in("tom")
    for path in ("/schedules/", f"/schedules/{order.id}/history"):
        assert visitor.get(path, query_string={"page": page}).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/schedules/2147483648",
        "/schedules/99999999999999999999999",
        "/schedules/" + "9" * 5000,
        "/schedules/٣",
        "/schedules/-1",
        "/schedules/1.5",
        "/executions/2147483648",
        "/executions/2147483647",
    ],
)
def test_an_impossible_id_is_not_found(logged_in, path):
    assert logged_in("tom").get(path).status_code == 404


def test_the_page_of_a_schedule_shows_what_each_recipient_would_get(cast, logged_in):
    order = create_order(cast.tom, cast.pia, cast.pol, cast.uma, cast.tea)
    cast.uma.email = None
    db.session.commit()
    row = db.session.query(ReportScheduleRecipient).filter_by(recipient_id=cast.pia.id).one()
    set_my_subscription(cast.pia, row.id, False, NOW)
    page = logged_in("tom").get(f"/schedules/{order.id}").text
    assert "It covers 16–22 November 2026" in page
    assert "Nothing: unsubscribed since" in page
    assert "Nothing: no e-mail address" in page
    assert "Report on <bdi>Ana Example</bdi>" in page
    assert "Nothing: no student in common" in page


def test_a_search_finds_guardians_by_their_child_and_says_about_whom_they_would_read(
    cast, logged_in
):
    cast.ana.family_name, cast.cem.family_name = "Şahin", "Öztürk"
    order = create_order(cast.tom)  # Tom teaches Ana and Ben, not Cem
    visitor = logged_in("tom")
    found = visitor.get(f"/schedules/{order.id}?q=an şah").text
    for name in ("Pia Example", "Pol Example", "Ana Şahin"):
        assert f'<span class="visually-hidden"> {name}</span>' in found
    assert found.count("Report on <bdi>Ana Şahin</bdi>") == 3
    cast.pol.email = None
    db.session.commit()
    found = visitor.get(f"/schedules/{order.id}?q=an şah").text
    assert "Would get nothing: no e-mail address" in found
    assert found.count("Report on <bdi>Ana Şahin</bdi>") == 2
    # Pol is Cem's father, too; that is not for Tom to find out.
    assert "People found" not in visitor.get(f"/schedules/{order.id}?q=öztürk").text
    assert "<bdi>Cem" not in visitor.get(f"/schedules/{order.id}?q=pol").text


def test_the_scheduler_banner_is_there_only_while_nothing_runs(app, cast, logged_in):
    visitor = logged_in("tom")
    assert "the scheduler is not running" in visitor.get("/schedules/").text
    lease = SchedulerLease(
        name="scheduler", holder="x", heartbeat_at=NOW, expires_at=NOW + timedelta(minutes=1)
    )
    db.session.add(lease)
    db.session.commit()
    assert "the scheduler is not running" not in visitor.get("/schedules/").text


def test_a_page_asks_the_database_no_more_for_many_recipients(cast, logged_in):
    """200 recipients are normal: one query each would make the page slow."""
    few, many = create_order(cast.tom, cast.pia), create_order(cast.tom)
    with transaction() as session:
        for number in range(60):
            person = create_person(cast.school, Role.PARENT, f"Parent {number}")
            session.add(
                ReportScheduleRecipient(
                    schedule_id=many.id,
                    recipient_id=person.id,
                    unsubscribe_token=new_unsubscribe_token(),
                    added_at=NOW,
                )
            )
    visitor = logged_in("tom")
    for path in ("", "/preview"):
        asked = []
        for order in (few, many):
            with queries_counted() as count:
                visitor.get(f"/schedules/{order.id}{path}")
            asked.append(count())
        assert asked[1] <= asked[0] + 2


def test_deleting_says_what_becomes_of_the_history(cast, logged_in):
    order = create_order(cast.tom, cast.pia)
    page = logged_in("tom").get(f"/schedules/{order.id}/delete").text
    assert "Its history is kept" in page


class TestRecipients:
    def test_people_are_found_added_and_removed(self, cast, logged_in):
        order = create_order(cast.tom)
        visitor = logged_in("tom")
        page = visitor.get(f"/schedules/{order.id}?q=pia").text
        assert "Pia Example" in page
        assert "Pol" not in page
        added = visitor.post(
            f"/schedules/{order.id}/recipients", {"user_id": cast.pia.id, "q": "pia"}
        )
        assert added.location == f"/schedules/{order.id}?q=pia#recipients"
        assert db.session.query(ReportScheduleRecipient).one().removed_at is None
        assert "Nobody to add matches" in visitor.get(f"/schedules/{order.id}?q=pia").text
        visitor.post(f"/schedules/{order.id}/recipients/{cast.pia.id}/remove")
        assert db.session.query(ReportScheduleRecipient).one().removed_at is not None

    def test_a_removal_names_the_person_and_can_be_undone(self, cast, logged_in):
        order = create_order(cast.tom, cast.pia)
        visitor = logged_in("tom")
        path = f"/schedules/{order.id}/recipients"
        page = visitor.post(f"{path}/{cast.pia.id}/remove", follow_redirects=True).text
        message = page.split('<div class="alert alert-success"')[1].split("</div>")[0]
        assert "Pia Example no longer receives this report." in message
        assert f'action="{path}"' in message
        assert f'name="user_id" value="{cast.pia.id}"' in message
        visitor.post(path, {"user_id": cast.pia.id})
        assert db.session.query(ReportScheduleRecipient).one().removed_at is None

    def test_who_has_left_is_removed_without_an_undo(self, cast, logged_in):
        order = create_order(cast.tom, cast.pia)
        row = db.session.query(ReportScheduleRecipient).one()
        set_my_subscription(cast.pia, row.id, False, NOW)
        visitor = logged_in("tom")
        path = f"/schedules/{order.id}/recipients/{cast.pia.id}/remove"
        page = visitor.post(path, follow_redirects=True).text
        assert "Pia Example no longer receives this report." in page
        assert "Undo" not in page

    @pytest.mark.parametrize(("number", "folded"), [(10, 0), (11, 1), (14, 4)])
    def test_more_than_ten_are_folded_away(self, cast, logged_in, number, folded):
        parents = [
            create_person(cast.school, Role.PARENT, f"Parent {each}") for each in range(number)
        ]
        order = create_order(cast.ada, *parents)
        page = logged_in("ada").get(f"/schedules/{order.id}").text
        assert page.count("> as Parent ") == number
        shown, _, rest = page.partition(f"<summary>Show all {number}</summary>")
        assert rest.count("> as Parent ") == folded
        assert shown.count("> as Parent ") == number - folded

    @pytest.mark.parametrize("user_id", ["", "x", "-1", "0", "2147483648", "9" * 50, None])
    def test_an_impossible_person_is_not_found(self, cast, logged_in, user_id):
        order = create_order(cast.tom)
        data = {} if user_id is None else {"user_id": user_id}
        answer = logged_in("tom").post(f"/schedules/{order.id}/recipients", data)
        assert answer.status_code == 404
        assert not count(ReportScheduleRecipient)

    @pytest.mark.parametrize("name", ["otto", "ole", "oskar", "cem", "nil"])
    def test_somebody_out_of_reach_is_not_found(self, cast, logged_in, name):
        order = create_order(cast.tom)
        visitor = logged_in("tom")
        assert "People found" not in visitor.get(f"/schedules/{order.id}?q={name}").text
        data = {"user_id": cast.people[name].id}
        assert visitor.post(f"/schedules/{order.id}/recipients", data).status_code == 404
        assert not count(ReportScheduleRecipient)

    def test_who_has_unsubscribed_cannot_be_added_again(self, cast, logged_in):
        order = create_order(cast.tom, cast.pia)
        row = db.session.query(ReportScheduleRecipient).one()
        set_my_subscription(cast.pia, row.id, False, NOW)
        visitor = logged_in("tom")
        visitor.post(f"/schedules/{order.id}/recipients/{cast.pia.id}/remove")
        answer = visitor.post(f"/schedules/{order.id}/recipients", {"user_id": cast.pia.id})
        assert answer.status_code == 409
        assert "Pia Example has unsubscribed from this report" in answer.text
        assert "Add people" in answer.text

    @pytest.mark.parametrize("text", ["", " ", "%", "_", "x" * 10_000, "'; --", "a " * 500, "😀"])
    def test_any_search_is_answered(self, cast, logged_in, text):
        order = create_order(cast.tom)
        answer = logged_in("tom").get(f"/schedules/{order.id}", query_string={"q": text})
        assert answer.status_code == 200


class TestSending:
    def test_run_now_leads_to_the_page_of_the_run(self, cast, logged_in):
        order = create_order(cast.tom, cast.pia, cast.pol)
        answer = logged_in("tom").post(f"/schedules/{order.id}/run", follow_redirects=True)
        assert "Sent by hand" in answer.text
        assert "Still being sent" in answer.text
        assert count(ReportDelivery) == 2

    def test_before_run_now_it_is_told_which_days_it_covers_and_whether_they_went_out(
        self, cast, smtp, logged_in
    ):
        order = create_order(cast.tom, cast.pia)
        visitor = logged_in("tom")
        page = words_of(visitor.get(f"/schedules/{order.id}").text)
        assert "mails the report about 16–22 November 2026 to all recipients right away" in page
        assert "These days have been reported on" not in page
        visitor.post(f"/schedules/{order.id}/run")
        deliver(clock.fixed(NOW))
        page = words_of(visitor.get(f"/schedules/{order.id}").text)
        assert "These days have been reported on Mon 23 Nov 2026, 08:30." in page

    def test_run_now_without_recipients_is_refused_on_the_same_page(self, cast, logged_in):
        order = create_order(cast.tom)
        answer = logged_in("tom").post(f"/schedules/{order.id}/run")
        assert answer.status_code == 409
        assert "Nobody receives this schedule yet. Add a recipient first." in answer.text
        assert not count(ReportScheduleExecution)

    def test_two_runs_at_once_are_refused(self, cast, logged_in):
        order = create_order(cast.tom, cast.pia)
        visitor = logged_in("tom")
        visitor.post(f"/schedules/{order.id}/run")
        assert visitor.post(f"/schedules/{order.id}/run").status_code == 409
        assert count(ReportScheduleExecution) == 1

    def test_a_test_mail_goes_to_whoever_asks(self, cast, logged_in):
        order = create_order(cast.tom, cast.pia)
        logged_in("ada").post(f"/schedules/{order.id}/test")
        assert db.session.query(ReportDelivery).one().recipient_id == cast.ada.id


class TestPreview:
    def test_it_is_what_that_recipient_would_get(self, cast, logged_in):
        order = create_order(cast.tom, cast.pia)
        visitor = logged_in("tom")
        own = visitor.get(f"/schedules/{order.id}/preview").text
        pias = visitor.get(f"/schedules/{order.id}/preview?recipient={cast.pia.id}").text
        assert "Ben is lively." in own
        assert "Ana is friendly." in pias
        assert "Ben" not in pias
        assert "What you would get if it were sent now" in words_of(own)
        assert "What Pia Example would get if it were sent now" in words_of(pias)

    def test_it_shows_the_subject_of_the_mail(self, cast, logged_in):
        order = create_order(cast.tom, cast.pia, name="Maths & more")
        page = logged_in("tom").get(f"/schedules/{order.id}/preview").text
        want = "Subject: Maths &amp; more: Student report, 16–22 November 2026"
        assert want in words_of(page)

    def test_its_table_can_be_scrolled_with_the_keyboard(self, cast, logged_in):
        order = create_order(cast.tom, cast.pia)
        page = logged_in("tom").get(f"/schedules/{order.id}/preview").text
        assert 'tabindex="0" role="region" aria-label="Table: Students by class"' in page

    def test_nothing_to_get_is_told_with_its_reason(self, cast, logged_in):
        order = create_order(cast.tom, cast.tea)
        answer = logged_in("tom").get(f"/schedules/{order.id}/preview?recipient={cast.tea.id}")
        assert answer.status_code == 200
        assert "Tea Example</bdi> would get nothing." in answer.text
        assert "There is nothing in this report that they may see." in answer.text

    @pytest.mark.parametrize(
        ("export_format", "content_type", "begin"),
        [
            ("csv", "text/csv", b"\xef\xbb\xbf"),
            (
                "xlsx",
                "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
                b"PK",
            ),
            ("pdf", "application/pdf", b"%PDF"),
        ],
    )
    def test_it_can_be_downloaded(self, cast, logged_in, export_format, content_type, begin):
        order = create_order(cast.tom, cast.pia)
        answer = logged_in("tom").get(
            f"/schedules/{order.id}/preview.{export_format}?recipient={cast.pia.id}"
        )
        assert answer.status_code == 200
        assert answer.mimetype == content_type
        assert answer.data.startswith(begin)
        assert answer.headers["Content-Disposition"].startswith("attachment; filename=")

    @pytest.mark.parametrize("recipient", ["x", "-1", "2147483648", "9" * 50, "999"])
    def test_an_impossible_recipient_is_not_found(self, cast, logged_in, recipient):
        order = create_order(cast.tom, cast.pia)
        visitor = logged_in("tom")
        for path in ("preview", "preview.csv"):
            answer = visitor.get(f"/schedules/{order.id}/{path}?recipient={recipient}")
            assert answer.status_code == 404

    def test_who_is_not_on_the_schedule_cannot_be_looked_through(self, cast, logged_in):
        order = create_order(cast.tom, cast.pia)
        answer = logged_in("tom").get(f"/schedules/{order.id}/preview?recipient={cast.pol.id}")
        assert answer.status_code == 404

    def test_other_formats_do_not_exist(self, cast, logged_in):
        order = create_order(cast.tom, cast.pia)
        assert logged_in("tom").get(f"/schedules/{order.id}/preview.exe").status_code == 404
