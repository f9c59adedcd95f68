"""Sending by hand, and what became of it."""

import csv
import io

import pytest
from openpyxl import load_workbook
from pypdf import PdfReader

from reportapp import clock
from reportapp.delivery import deliver
from reportapp.extensions import db
from reportapp.models import ReportDelivery, ReportSchedule
from reportapp.schedules.subscriptions import set_subscribed
from tests.api.script import BODY, SCHEDULES
from tests.cast import NOW, create_order


@pytest.fixture
def order(cast):
    return create_order(cast.tom, cast.pia, cast.pol)


@pytest.fixture
def path(order):
    return f"{SCHEDULES}{order.id}/"


def send():
    db.session.rollback()
    return deliver(clock.fixed(NOW), wall=clock.fixed(NOW))


class TestRuns:
    def test_a_run_is_told_at_once_and_followed_until_its_end(self, path, order, script, smtp):
        tom = script("tom")
        begun = tom.post(f"{path}run/")
        assert begun.status_code == 202
        assert (begun.json["status"], begun.json["total_recipients"]) == ("started", 2)
        assert begun.json["duration_seconds"] is None
        send()
        ended = tom.get(begun.headers["Location"]).json
        assert set(ended) >= {
            *("id", "schedule", "schedule_name", "status", "total_recipients"),
            *("successful_sends", "failed_sends", "skipped", "error_message", "started_at"),
            *("completed_at", "duration_seconds", "success_rate_percent", "scheduled_for"),
            *("period_start", "period_end"),
        }
        told = {name: ended[name] for name in ("status", "successful_sends", "schedule_name")}
        assert told == {
            "status": "completed",
            "successful_sends": 2,
            "schedule_name": order.name,
        }
        assert (ended["duration_seconds"], ended["success_rate_percent"]) == (0.0, 100.0)
        assert (ended["period_start"], ended["period_end"]) == ("2026-11-16", "2026-11-23")
        assert tom.get(f"{path}executions/").json == {"count": 1, "results": [ended]}
        assert tom.get(path).json["recent_executions"] == [ended]
        assert tom.get(path).json["last_sent"] == "2026-11-23T07:30:00+00:00"

    def test_who_was_skipped_and_why_stands_with_the_mails(self, path, order, cast, script):
        row = db.session.query(ReportDelivery)
        token = script("pol").get(f"{SCHEDULES}my_subscriptions/").json["results"][0]
        set_subscribed(token["unsubscribe_token"], False, NOW)
        tom = script("tom")
        begun = tom.post(f"{path}run/").headers["Location"]
        send()
        mails = tom.get(f"{begun}deliveries/").json
        told = [(one["recipient_name"], one["status"], one["reason"]) for one in mails["results"]]
        assert told == [("Pol Example", "skipped", "unsubscribed"), ("Pia Example", "sent", None)]
        assert mails["results"][1]["smtp_reply"].startswith("250")
        sent = tom.get(f"{begun}deliveries/?status=sent").json
        assert (sent["count"], sent["results"]) == (1, mails["results"][1:])
        assert tom.get(f"{begun}deliveries/?status=lost").json.keys() == {"status"}
        assert tom.get(f"{begun}deliveries/?page=2&page_size=1").json["results"] == [
            mails["results"][1]
        ]
        assert row.count() == 2

    def test_one_run_at_a_time_and_none_for_nobody(self, path, cast, script):
        tom = script("tom")
        assert tom.post(f"{path}run/").status_code == 202
        again = tom.post(f"{path}run/")
        assert (again.status_code, list(again.json)) == (409, ["error"])
        lonely = create_order(cast.tom)
        assert tom.post(f"{SCHEDULES}{lonely.id}/run/").status_code == 409

    def test_the_latest_runs_come_first_and_only_so_many(self, path, script):
        tom = script("tom")
        for _ in range(7):
            tom.post(f"{path}run/")
            send()
        listed = tom.get(f"{path}executions/?limit=3").json
        assert listed["count"] == 7
        assert [one["id"] for one in listed["results"]] == [7, 6, 5]
        rest = tom.get(f"{path}executions/?limit=3&offset=6").json["results"]
        assert [one["id"] for one in rest] == [1]
        assert [one["id"] for one in tom.get(path).json["recent_executions"]] == [7, 6, 5, 4, 3]
        assert tom.get(f"{path}executions/?offset={10**30}").json["results"] == []
        for query in ("limit=0", "limit=101", "limit=x", "offset=-1"):
            answer = tom.get(f"{path}executions/?{query}")
            assert (answer.status_code, list(answer.json)) == (400, [query.partition("=")[0]])


class TestTestMails:
    def test_a_test_to_oneself_has_a_task_with_its_fate(self, path, cast, script, smtp):
        tom = script("tom")
        body = {"recipient_email": "Tom@Teacher.example"}
        asked = tom.post(f"{path}test_email/", body)
        assert asked.status_code == 202
        assert set(asked.json) == {"message", "task_id", "recipient_email"}
        assert asked.json["recipient_email"] == "Tom@Teacher.example"
        task = f"/api/reports/tasks/{asked.json['task_id']}/"
        assert asked.headers["Location"] == task
        waiting = tom.get(task).json
        assert (waiting["status"], waiting["completed_at"]) == ("pending", None)
        send()
        done = tom.get(task).json
        assert (done["status"], done["recipient_email"]) == ("sent", "tom@teacher.example")
        assert done["smtp_reply"].startswith("250")
        (mail,) = smtp.arrived
        assert mail.to == "tom@teacher.example"

    def test_a_test_to_somebody_within_reach_holds_what_they_would_get(self, path, script, smtp):
        body = {"recipient_email": "pia@parent.example"}
        assert script("tom").post(f"{path}test_email/", body).status_code == 202
        send()
        (mail,) = smtp.arrived
        assert mail.to == "pia@parent.example"
        text = mail.attachment[1].decode()
        assert "Ana Example" in text
        assert "Ben Example" not in text

    @pytest.mark.parametrize(
        "address",
        ["nil@parent.example", "ole@parent.example", "stranger@example.com", "*@*"],
    )
    def test_it_is_no_way_to_mail_strangers(self, path, cast, script, smtp, address):
        answer = script("tom").post(f"{path}test_email/", {"recipient_email": address})
        assert (answer.status_code, list(answer.json)) == (403, ["error"])
        send()
        assert db.session.query(ReportDelivery).count() == 0

    def test_who_has_left_gets_no_test_either(self, path, cast, script, stranger):
        (mine,) = script("pia").get(f"{SCHEDULES}my_subscriptions/").json["results"]
        stranger.post(f"{SCHEDULES}unsubscribe/", {"unsubscribe_token": mine["unsubscribe_token"]})
        body = {"recipient_email": "pia@parent.example"}
        assert script("tom").post(f"{path}test_email/", body).status_code == 409

    def test_an_address_is_needed(self, path, script):
        tom = script("tom")
        for body in ({}, None, {"recipient_email": ""}):
            answer = tom.post(f"{path}test_email/", body)
            assert answer.json == {"error": "recipient_email is required"}
        wrong = {"recipient_email": ["Give an e-mail address, such as name@school.example."]}
        for value in (["tom@teacher.example"], "x", "a\tb", "@", "*", "a b@c", "@a", "a@b@c"):
            answer = tom.post(f"{path}test_email/", {"recipient_email": value})
            assert (answer.status_code, answer.json) == (400, wrong), value


class TestPreviews:
    def test_it_holds_what_that_person_would_get_in_every_format(self, path, cast, script):
        tom = script("tom")
        query = f"{path}preview/?recipient_id={cast.pia.id}"
        plain = tom.get(query).json
        assert (plain["recipient_name"], plain["reason"]) == ("Pia Example", None)
        (section,) = plain["document"]["sections"]
        assert [column["title"] for column in section["columns"]][:3] == [
            *("Student", "Class", "Average score %"),
        ]
        assert [row[:3] for row in section["rows"]] == [["Ana Example", "7a Mathematics", 81.0]]
        for kind, text in (
            ("csv", lambda data: data.decode("utf-8-sig")),
            ("html", bytes.decode),
            ("xlsx", lambda data: str([*load_workbook(io.BytesIO(data)).worksheets[0].values])),
            ("pdf", lambda data: PdfReader(io.BytesIO(data)).pages[0].extract_text()),
        ):
            answer = tom.get(f"{query}&format={kind}")
            assert answer.status_code == 200
            assert "Ana" in text(answer.data), kind
            assert "Ben Example" not in text(answer.data), kind
        rows = [*csv.reader(io.StringIO(tom.get(f"{query}&format=csv").text.lstrip("\ufeff")))]
        assert len(rows) == 2

    def test_the_page_can_run_nothing_and_fetch_nothing(self, path, script):
        answer = script("tom").get(f"{path}preview/?format=html")
        assert answer.content_type == "text/html; charset=utf-8"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert "sandbox" in answer.headers["Content-Security-Policy"]

    def test_who_would_get_nothing_is_told_why(self, cast, script):
        """The other teacher has no student in common with Uwe."""
        order = create_order(cast.tea, cast.uwe, class_group_id=cast.classes["biology"].id)
        path = f"{SCHEDULES}{order.id}/preview/?recipient_id={cast.uwe.id}"
        plain = script("tea").get(path).json
        assert (plain["document"], plain["reason"]) == (None, "out_of_scope")
        answer = script("tea").get(f"{path}&format=csv")
        assert (answer.status_code, list(answer.json)) == (404, ["error"])

    def test_only_who_is_on_it_can_be_looked_at(self, path, cast, script):
        tom = script("tom")
        for key in (cast.nil.id, cast.ole.id, 0, 10**30):
            answer = tom.get(f"{path}preview/?recipient_id={key}")
            assert (answer.status_code, answer.json) == (404, {"error": "Recipient not found"})
        answer = tom.get(f"{path}preview/?format=doc&recipient_id=x")
        assert (answer.status_code, set(answer.json)) == (400, {"format", "recipient_id"})


class TestNextRuns:
    def test_the_runs_to_come_of_one_that_is_saved(self, path, script):
        told = script("tom").get(f"{path}next_runs/?count=2").json
        assert (told["description"], told["reason"]) == ("Mondays at 09:00, Berlin", None)
        assert [(one["day"], one["run"]) for one in told["results"]] == [
            ("2026-11-23", "2026-11-23T08:00:00+00:00"),
            ("2026-11-30", "2026-11-30T08:00:00+00:00"),
        ]
        assert told["results"][1]["period_start"] == "2026-11-23"
        assert len(script("tom").get(f"{path}next_runs/").json["results"]) == 10

    def test_none_while_it_is_switched_off_or_has_ended_and_it_says_so(self, path, script):
        tom = script("tom")
        tom.patch(path, {"is_active": False})
        told = tom.get(f"{path}next_runs/").json
        assert (told["results"], told["reason"]) == ([], "It is switched off.")
        order = db.session.query(ReportSchedule).one()
        order.paused_reason = "Its last 3 runs reached nobody."
        db.session.commit()
        told = tom.get(f"{path}next_runs/").json
        assert told["reason"] == "It is switched off. Its last 3 runs reached nobody."
        order.is_active = True
        db.session.commit()
        told = tom.get(f"{path}next_runs/").json
        assert (told["results"], told["reason"]) == ([], "Its rhythm has ended.")

    def test_the_runs_of_one_that_is_not_saved(self, cast, script):
        tom = script("tom")
        told = tom.post(
            f"{SCHEDULES}preview_runs/?count=3", {"frequency": "monthly", "day_of_month": 31}
        ).json
        days = [one["day"] for one in told["results"]]
        assert days == ["2026-11-30", "2026-12-31", "2027-01-31"]
        assert tom.get(SCHEDULES).json["count"] == 0

    def test_what_is_wrong_is_told_at_its_field(self, cast, script):
        tom = script("tom")
        for body, fields in (
            ({}, {"day_of_week"}),
            ({**BODY, "time": "x", "time_zone": "y", "hour": 5}, {"time", "time_zone", "hour"}),
            ({"frequency": "cron", "cron": "0 0 31 2 *"}, {"cron"}),
            ({**BODY, "end_date": "2026-11-01"}, {"end_date"}),
        ):
            answer = tom.post(f"{SCHEDULES}preview_runs/", body)
            assert (answer.status_code, set(answer.json)) == (400, fields), body
        for count in ("0", "51", "x"):
            answer = tom.post(f"{SCHEDULES}preview_runs/?count={count}", BODY)
            assert (answer.status_code, set(answer.json)) == (400, {"count"})
