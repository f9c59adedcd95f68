"""Files that were sent, had again: with a log-in, and by a link that works once."""

from datetime import date, timedelta
from threading import Barrier, Thread

import pytest
from sqlalchemy import select

from reportapp import clock
from reportapp.constants import (
    DeliveryMode,
    DeliveryStatus,
    LinkAccess,
    Reason,
    Role,
    WhenEmpty,
)
from reportapp.delivery import deliver
from reportapp.extensions import db
from reportapp.models import Enrollment, GuardianLink, ReportDelivery, ReportFile, ReportSchedule
from reportapp.schedules.edit import delete_schedule
from reportapp.schedules.files import LinkState, artefacts_root, take_by_link
from reportapp.schedules.runs import run_now, send_test
from reportapp.tokens import sign_download
from tests.cast import NOW, create_guardian_link, create_order
from tests.web.test_web_schedule_form import GOOD
from tests.web.visitor import Visitor, words_of

BASE = "http://localhost"


def send(author, *people, when=NOW, **fields):
    """Each person's delivery, by first name, of a schedule that has just been sent."""
    order = create_order(author, *people, **fields)
    run_now(author, order.id, when, message_domain="x.example")
    deliver(clock.fixed(when), wall=clock.fixed(when))
    rows = db.session.query(ReportDelivery).filter(
        ReportDelivery.recipient_id.in_([person.id for person in people])
    )
    return {row.recipient.given_name: row for row in rows if row.execution.schedule_id == order.id}


def change(row, **values):
    for name, value in values.items():
        setattr(row, name, value)
    db.session.commit()


def link_in(mail, start):
    """The path of the mail's only link of that kind; its text and HTML have the same."""
    (word,) = [word for word in mail.text.split() if word.startswith(BASE + start)]
    assert f'href="{word}"' in mail.html
    return word.removeprefix(BASE)


class TestWithALogIn:
    def test_the_exact_bytes_come_and_nobody_on_the_way_keeps_them(self, cast, smtp, logged_in):
        sent = send(cast.tom, cast.pia)
        answer = logged_in("pia").get(f"/files/{sent['Pia'].id}")
        name, data = smtp.to("pia@parent.example").attachment
        assert (answer.status_code, answer.data) == (200, data)
        headers = answer.headers
        assert headers["Content-Disposition"] in (
            f"attachment; filename={name}",
            f'attachment; filename="{name}"',
        )
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Content-Type"].startswith("text/csv")

    def test_who_is_somebody_else_is_not_told_that_it_exists(self, cast, app, smtp):
        """Everybody of the cast with every delivery of Tom's, which is about Ana and Ben."""
        sent = send(cast.tom, cast.tom, cast.pia, cast.pol, cast.uma, cast.ada)
        managers = {"tom", "ada"}
        own = {"Tom": "tom", "Pia": "pia", "Pol": "pol", "Uma": "uma", "Ada": "ada"}
        assert all(row.status is DeliveryStatus.SENT for row in sent.values())
        for name, person in cast.people.items():
            visitor = Visitor(app).log_in(person)
            for whose, delivery in sent.items():
                expected = name in managers or own[whose] == name
                for end in ("", "/ready"):
                    status = visitor.get(f"/files/{delivery.id}{end}").status_code
                    assert status == (200 if expected else 404), (name, whose)
            missing = visitor.get("/files/2147483647")
            assert missing.status_code == 404
            if name not in managers:
                hidden = visitor.get(f"/files/{sent['Tom'].id}")
                assert words_of(hidden.text) == words_of(missing.text)

    @pytest.mark.parametrize(
        "end",
        [
            {"no_contact": True},
            {"end_date": date(2026, 11, 20)},
            {"is_active": False},
            {"begin_date": date(2026, 11, 30)},
        ],
    )
    def test_whose_link_to_the_child_has_ended_gets_the_old_file_no_more(
        self, cast, smtp, logged_in, end
    ):
        sent = send(cast.ada, cast.pol)["Pol"]  # about Ana and Cem
        visitor = logged_in("pol")
        assert visitor.get(f"/files/{sent.id}").status_code == 200
        assert "Get the latest again" in visitor.get("/subscriptions/").text
        link = db.session.query(GuardianLink).filter_by(
            guardian_id=cast.pol.id, student_id=cast.cem.id
        )
        change(link.one(), **end)
        assert visitor.get(f"/files/{sent.id}").status_code == 404
        assert visitor.get(f"/files/{sent.id}/ready").status_code == 404
        assert "Get the latest again" not in visitor.get("/subscriptions/").text
        assert logged_in("ada").get(f"/files/{sent.id}").status_code == 200

    def test_a_parent_without_a_child_has_no_file(self, cast, smtp, logged_in):
        sent = send(cast.ada, cast.nil)["Nil"]
        assert sent.reason is Reason.OUT_OF_SCOPE
        for name in ("nil", "ada"):
            assert logged_in(name).get(f"/files/{sent.id}").status_code == 404

    def test_who_was_a_teacher_and_is_a_parent_does_not_get_what_was_for_teachers(
        self, cast, smtp, logged_in
    ):
        sent = send(cast.ada, cast.tea)["Tea"]
        change(cast.tea, role=Role.PARENT)
        for child in (cast.ana, cast.ben, cast.cem):
            create_guardian_link(cast.tea, child)
        db.session.commit()
        assert logged_in("tea").get(f"/files/{sent.id}").status_code == 404

    def test_an_author_who_has_left_the_class_gets_it_no_more(self, cast, smtp, logged_in):
        sent = send(cast.tom, cast.pia)["Pia"]
        mine = {"user_id": cast.tom.id, "class_group_id": cast.classes["maths"].id}
        teaching = db.session.query(Enrollment).filter_by(**mine).one()
        change(teaching, end_date=date(2026, 11, 20))
        assert logged_in("tom").get(f"/files/{sent.id}").status_code == 404
        assert logged_in("pia").get(f"/files/{sent.id}").status_code == 200

    def test_what_has_not_arrived_is_not_there(self, cast, smtp, logged_in):
        sent = send(cast.tom, cast.pia)["Pia"]
        visitor = logged_in("pia")
        for status, reason, expected in (
            (DeliveryStatus.FAILED, Reason.PERMANENT, 404),
            (DeliveryStatus.SKIPPED, Reason.CANCELLED, 404),
            (DeliveryStatus.PENDING, None, 404),
            (DeliveryStatus.PENDING, Reason.AMBIGUOUS, 200),
            (DeliveryStatus.UNKNOWN, Reason.AMBIGUOUS, 200),
            (DeliveryStatus.SENT, None, 200),
        ):
            change(sent, status=status, reason=reason)
            assert visitor.get(f"/files/{sent.id}").status_code == expected, status

    def test_a_file_whose_time_is_over_says_so_to_its_reader_only(self, cast, smtp, logged_in, app):
        sent = send(cast.tom, cast.pia)["Pia"]
        artefact = artefacts_root() / sent.artefact[:2] / sent.artefact
        artefact.write_bytes(b"damaged")
        assert logged_in("pia").get(f"/files/{sent.id}").status_code == 410
        artefact.unlink()
        assert logged_in("pia").get(f"/files/{sent.id}").status_code == 410
        change(sent, report_file_id=None)
        page = logged_in("pia").get(f"/files/{sent.id}")
        assert (page.status_code, "kept for 90 days" in page.text) == (410, True)
        assert logged_in("pol").get(f"/files/{sent.id}").status_code == 404

    def test_after_logging_in_a_page_offers_the_file(self, cast, smtp, visitor):
        sent = send(cast.tom, cast.pia, delivery_mode="link")["Pia"]
        path = link_in(smtp.to("pia@parent.example"), "/files/")
        answer = visitor.get(path)
        assert answer.location == f"/login?next=/files/{sent.id}/ready"
        visitor.log_in(cast.pia)
        assert f'href="/files/{sent.id}"' in visitor.get(f"/files/{sent.id}/ready").text

    def test_the_runs_page_leads_authors_to_what_was_sent(self, cast, smtp, logged_in):
        smtp.on_data = lambda to: "550 we do not want it" if to.startswith("pol@") else None
        sent = send(cast.tom, cast.pia, cast.pol)
        page = logged_in("tom").get(f"/executions/{sent['Pia'].execution_id}").text
        assert f'href="/files/{sent["Pia"].id}"' in page
        assert f'href="/files/{sent["Pol"].id}"' not in page

    def test_a_test_mails_file_is_its_authors(self, cast, smtp, logged_in):
        order = create_order(cast.tom, cast.pia, delivery_mode="link")
        send_test(cast.tom, order.id, NOW, message_domain="x.example")
        deliver(clock.fixed(NOW), wall=clock.fixed(NOW))
        path = link_in(smtp.to("tom@teacher.example"), "/files/")
        assert logged_in("tom").get(path).status_code == 200
        assert logged_in("pia").get(path).status_code == 404


class TestOnce:
    @pytest.fixture
    def sent(self, cast, smtp):
        return send(cast.tom, cast.pia, delivery_mode="link", link_access="one_time")["Pia"]

    @pytest.fixture
    def link(self, sent, smtp):
        return link_in(smtp.to("pia@parent.example"), "/f/")

    def fetched(self):
        db.session.rollback()
        return db.session.query(ReportDelivery).one().fetched_at

    def test_looking_changes_nothing_however_often(self, link, visitor):
        for method in ("GET", "HEAD", "OPTIONS", "GET"):
            answer = visitor.open(method, link)
            assert answer.status_code == 200
            assert "Set-Cookie" not in answer.headers
        assert self.fetched() is None
        headers = visitor.get(link).headers
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Robots-Tag"] == "noindex"

    def test_the_button_gives_the_file_once_and_then_the_log_in_is_offered(
        self, link, sent, visitor
    ):
        data = (artefacts_root() / sent.artefact[:2] / sent.artefact).read_bytes()
        answer = visitor.open("POST", link)
        assert (answer.status_code, answer.data) == (200, data)
        assert answer.headers["Content-Disposition"].startswith("attachment;")
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert self.fetched() == NOW
        for method in ("GET", "POST"):
            page = visitor.open(method, link)
            assert page.status_code == 410
            assert "This link has been used" in page.text
            assert f'href="/files/{sent.id}/ready"' in page.text

    def test_of_many_at_once_one_gets_it(self, app, link):
        token, barrier, states = link.removeprefix("/f/"), Barrier(6), []

        def click():
            with app.app_context():
                barrier.wait()
                states.append(take_by_link(token, NOW)[1])

        threads = [Thread(target=click) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(states) == [LinkState.OPEN] + [LinkState.USED] * 5

    @pytest.mark.parametrize("token", ["x", "MQ", "A" * 9_000, "%F0%9F%98%80", "1.x.y"])
    def test_what_is_no_link_is_not_valid(self, app, visitor, token):
        for method in ("GET", "POST"):
            answer = visitor.open(method, f"/f/{token}")
            assert answer.status_code == 404
            assert "This link is not valid, or no longer." in answer.text

    def test_a_token_of_another_secret_or_of_no_delivery_is_not_valid(self, app, sent, visitor):
        secret = app.config["SECRET_KEY"]
        for token in (
            sign_download("other", sent.id),
            sign_download(secret, sent.id + 1),
            sign_download(secret, -1),
        ):
            assert visitor.get(f"/f/{token}").status_code == 404

    def test_a_schedule_whose_links_ask_for_log_in_gives_nothing_without(
        self, cast, smtp, app, visitor
    ):
        sent = send(cast.tom, cast.pia)["Pia"]
        path = f"/f/{sign_download(app.config['SECRET_KEY'], sent.id)}"
        for method in ("GET", "POST"):
            answer = visitor.open(method, path)
            assert (answer.status_code, "asks for log-in now" in answer.text) == (410, True)
        assert self.fetched() is None

    def test_whose_access_has_ended_gets_nothing_by_it(self, cast, link, visitor):
        row = db.session.query(GuardianLink).filter_by(guardian_id=cast.pia.id).one()
        change(row, no_contact=True)
        for method in ("GET", "POST"):
            assert visitor.open(method, link).status_code == 404
        assert self.fetched() is None
        change(row, no_contact=False)
        change(cast.pia, is_active=False)
        for method in ("GET", "POST"):
            assert visitor.open(method, link).status_code == 404
        assert self.fetched() is None
        change(cast.pia, is_active=True)
        assert visitor.open("POST", link).status_code == 200

    def test_a_deleted_schedules_link_still_works(self, cast, sent, link, visitor):
        delete_schedule(cast.tom, sent.execution.schedule_id, NOW)
        assert visitor.open("POST", link).status_code == 200

    def test_a_file_that_is_gone_does_not_use_the_link_up(self, sent, link, visitor):
        artefact = artefacts_root() / sent.artefact[:2] / sent.artefact
        data = artefact.read_bytes()
        artefact.unlink()
        page = visitor.open("POST", link)
        assert (page.status_code, "no longer here" in page.text) == (410, True)
        assert self.fetched() is None
        artefact.write_bytes(data)
        assert visitor.open("POST", link).data == data
        change(db.session.query(ReportDelivery).one(), report_file_id=None)
        assert "no longer here" in visitor.get(link).text


class TestOnceLimited:
    @pytest.fixture
    def settings(self):
        return {"BASE_URL": BASE, "RATELIMIT_ENABLED": True}

    def test_guessing_is_slowed_down(self, app, visitor):
        codes = {visitor.get("/f/guess").status_code for _ in range(60)}
        assert codes == {404}
        assert visitor.get("/f/guess").status_code == 429
        assert visitor.open("POST", "/f/guess").status_code == 429


@pytest.mark.parametrize("mode", list(DeliveryMode))
@pytest.mark.parametrize("access", list(LinkAccess))
@pytest.mark.parametrize("when_empty", list(WhenEmpty))
def test_no_mail_is_empty_and_each_link_leads_to_the_files_bytes(
    cast, smtp, app, visitor, mode, access, when_empty
):
    fields = {"delivery_mode": mode, "link_access": access, "when_empty": when_empty}
    send(cast.tom, cast.pia, **fields)
    (mail,) = smtp.arrived
    attached = list(mail.message.iter_attachments())
    links = [word for word in mail.text.split() if word.startswith((BASE + "/f/", BASE + "/files"))]
    assert (bool(attached), bool(links)) == {
        DeliveryMode.ATTACHMENT: (True, False),
        DeliveryMode.LINK: (False, True),
        DeliveryMode.BOTH: (True, True),
    }[mode]
    file = db.session.scalars(select(ReportFile)).one()
    data = (artefacts_root() / file.sha256[:2] / file.sha256).read_bytes()
    if attached:
        assert mail.attachment == (file.name, data)
    if links and access is LinkAccess.ONE_TIME:
        assert visitor.open("POST", link_in(mail, "/f/")).data == data
    elif links:
        assert visitor.log_in(cast.pia).get(link_in(mail, "/files/")).data == data
    smtp.arrived.clear()
    later = NOW + timedelta(days=60)
    sent = send(cast.tom, cast.pia, when=later, **fields)["Pia"]
    if when_empty is not WhenEmpty.NOTE:
        assert (smtp.arrived, sent.reason) == ([], Reason.NO_DATA)
        return
    (note,) = smtp.arrived
    assert list(note.message.iter_attachments()) == []
    for body in (note.text, words_of(note.html)):
        assert "this is" in body
        assert "There is nothing to report for these days." in body
        assert "/f/" not in body
        assert "/files/" not in body


class TestForm:
    def test_how_it_arrives_is_chosen_kept_and_shown(self, cast, logged_in):
        order = create_order(cast.tom, cast.pia)
        visitor = logged_in("tom")
        page = visitor.get(f"/schedules/{order.id}").text
        assert "Attached to the mail." in words_of(page)
        chosen = {"delivery_mode": "both", "link_access": "one_time", "when_empty": "tell"}
        planned = order.next_scheduled
        assert visitor.post(f"/schedules/{order.id}/edit", {**GOOD, **chosen}).status_code == 302
        stored = db.session.get(ReportSchedule, order.id)
        assert {name: getattr(stored, name) for name in chosen} == chosen
        assert stored.next_scheduled == planned
        shown = words_of(visitor.get(f"/schedules/{order.id}").text)
        assert "Attached, and by a link that works once." in shown
        assert "If there is nothing to report: send nothing, and tell the author." in shown
        form = visitor.get(f"/schedules/{order.id}/edit").text
        for value in chosen.values():
            assert f'<option value="{value}" selected>' in form

    @pytest.mark.parametrize("field", ["delivery_mode", "link_access", "when_empty"])
    def test_what_is_no_choice_is_told_at_its_field(self, cast, logged_in, field):
        answer = logged_in("tom").post("/schedules/new", {**GOOD, field: "pigeon"})
        assert answer.status_code == 422
        assert "This is none of the choices" in answer.text

    def test_the_preview_tells_of_the_note(self, cast, logged_in, monkeypatch):
        order = create_order(cast.tom, cast.pia, when_empty="note")
        monkeypatch.setattr(clock, "now", clock.fixed(NOW + timedelta(days=60)))
        page = logged_in("tom").get(f"/schedules/{order.id}/preview?recipient={cast.pia.id}")
        assert "would get a short note" in page.text
