"""Making and changing a schedule."""

import string

import pytest
from bs4 import BeautifulSoup
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reportapp.constants import Trigger
from reportapp.extensions import db
from reportapp.models import ReportSchedule, ReportScheduleRecipient
from reportapp.school.calendar import add_entry
from tests.cast import NOW, create_order
from tests.web.visitor import fields_of, path_of

GOOD = {
    "name": "Class 7a",
    "report_type": "student_report",
    "frequency": "weekly",
    "days_of_week": "1",
    "interval": "1",
    "month_mode": "day",
    "day_of_month": "1",
    "nth": "1",
    "day_of_week": "1",
    "cron": "",
    "time": "09:00",
    "time_zone": "Europe/Berlin",
    "closed_days": "send",
    "period": "rhythm",
    "start_date": "",
    "end_date": "",
    "paused_until": "",
    "max_runs": "",
    "export_format": "pdf",
    "delivery_mode": "attachment",
    "link_access": "login",
    "when_empty": "skip",
    "is_active": "y",
}


def schedules():
    return db.session.query(ReportSchedule).order_by(ReportSchedule.id).all()


def test_a_teacher_makes_a_schedule(cast, logged_in):
    answer = logged_in("tom").post("/schedules/new", {**GOOD, "to_author": "y"})
    (schedule,) = schedules()
    assert path_of(answer) == f"/schedules/{schedule.id}"
    assert (schedule.name, schedule.export_format) == ("Class 7a", "pdf")
    assert schedule.next_scheduled is not None
    assert db.session.query(ReportScheduleRecipient).one().recipient_id == cast.tom.id


def test_without_the_tick_nobody_receives_it_yet(logged_in):
    visitor = logged_in("tom")
    answer = visitor.post("/schedules/new", GOOD, follow_redirects=True)
    assert "Nobody receives this yet" in answer.text
    assert not db.session.query(ReportScheduleRecipient).count()


def test_an_untouched_form_has_sensible_values(logged_in):
    page = logged_in("tom").get("/schedules/new")
    fields = fields_of(page.text)
    assert fields["time"] == "09:00"
    assert fields["time_zone"] == "Europe/Berlin"
    assert "tutor_weekly_report" not in page.text
    assert "Mondays at 09:00, Berlin" in page.text
    assert '<option value="pdf" selected>' in page.text


def test_a_city_is_enough_and_is_stored_by_its_zones_name(logged_in):
    visitor = logged_in("tom")
    assert visitor.post("/schedules/new", {**GOOD, "time_zone": "new york"}).status_code == 302
    assert schedules()[0].time_zone == "America/New_York"
    query = {**GOOD, "time_zone": "new york"}
    shown = visitor.get("/schedules/next-runs", query_string=query).text
    assert 'data-zone="America/New_York"' in shown
    answer = visitor.post("/schedules/new", {**GOOD, "time_zone": "istanbul"})
    assert "Did you mean Asia/Istanbul or Europe/Istanbul?" in answer.text


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("name", "", "Give the schedule a name."),
        ("name", "x" * 10_000, "Use at most 200 characters"),
        ("name", "a\u202eb", "invisible character"),
        ("report_type", "", "Choose one of"),
        ("report_type", "secret_report", "none of the choices"),
        ("report_type", "tutor_weekly_report", "A teacher cannot order this report."),
        ("frequency", "", "Choose one of"),
        ("frequency", "hourly", "none of the choices"),
        ("days_of_week", [], "Choose a weekday"),
        ("days_of_week", ["1", "8"], "Choose a weekday"),
        ("days_of_week", "-1", "Choose a weekday"),
        ("days_of_week", "9" * 10_000, "Choose a weekday"),
        ("interval", "0", "Give a whole number of weeks from 1 to 52."),
        ("interval", "٣", "Give a whole number of weeks"),
        ("closed_days", "flee", "none of the choices"),
        ("period", "the future", "none of the choices"),
        ("start_date", "1970-01-01", "Give a date from 2000 to 2100"),
        ("end_date", "9999-12-31", "Give a date from 2000 to 2100"),
        ("end_date", "2026-11-01", "It would never run"),
        ("paused_until", "soon", "Give a date from 2000 to 2100"),
        ("max_runs", "0", "Give a whole number of times"),
        ("time", "", "Give a time of day"),
        ("time", "24:00", "Give a time of day"),
        ("time", "9 o'clock", "Give a time of day"),
        ("time", "1" * 10_000, "Give a time of day"),
        ("time_zone", "", "Choose a time zone"),
        ("time_zone", "Mars/Olympus", "Choose a time zone"),
        ("time_zone", "../../etc/passwd", "Choose a time zone"),
        ("export_format", "exe", "none of the choices"),
    ],
)
def test_what_is_wrong_is_told_at_its_field_and_nothing_is_stored(logged_in, field, value, message):
    answer = logged_in("tom").post("/schedules/new", {**GOOD, field: value})
    assert answer.status_code == 422
    at_field = answer.text.split(f'id="{field}-error"')[1].split("</div>")[0]
    assert message.replace("'", "&#39;") in at_field
    assert "hidden" not in at_field
    assert not schedules()


@pytest.mark.parametrize(
    ("typed", "field", "message"),
    [
        ({"frequency": "cron"}, "cron", "Write five fields"),
        ({"frequency": "cron", "cron": "* * * * *"}, "cron", "more often than once an hour"),
        ({"frequency": "cron", "cron": "0 9 30 2 *"}, "cron", "never run"),
        ({"frequency": "cron", "cron": "0 9 * * *" * 1000}, "cron", "Write five fields"),
        ({"frequency": "monthly", "month_mode": "moon"}, "month_mode", "none of the choices"),
        ({"frequency": "monthly", "day_of_month": "32"}, "day_of_month", "Choose a day"),
        ({"frequency": "monthly", "month_mode": "weekday", "nth": "5"}, "nth", "Choose one of"),
        (
            {"frequency": "monthly", "month_mode": "weekday", "day_of_week": "8"},
            "day_of_week",
            "Choose a weekday",
        ),
        ({"start_date": "2027-02-01", "end_date": "2027-01-01"}, "end_date", "before the first"),
        ({"period": "term_to_date"}, "period", "has no terms yet"),
    ],
)
def test_what_a_rhythm_lacks_is_told_at_its_field(logged_in, typed, field, message):
    answer = logged_in("tom").post("/schedules/new", {**GOOD, **typed})
    assert answer.status_code == 422
    at_field = answer.text.split(f'id="{field}-error"')[1].split("</div>")[0]
    assert message in at_field
    assert not schedules()


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"days_of_week": ["5", "1"]}, "Mondays and Fridays at 09:00, Berlin"),
        ({"interval": "2"}, "Mondays of every second week at 09:00, Berlin"),
        (
            {"frequency": "monthly", "month_mode": "weekday", "nth": "-1", "day_of_week": "5"},
            "On the last Friday of every month at 09:00, Berlin",
        ),
        (
            {"frequency": "monthly", "month_mode": "last_school_day"},
            "On the last school day of every month at 09:00, Berlin",
        ),
        ({"frequency": "daily", "closed_days": "skip"}, "Every school day at 09:00, Berlin"),
        ({"frequency": "cron", "cron": "5 8,12 * * mon-fri"}, "Mondays to Fridays at 08:05 and 1"),
        ({"end_date": "2027-07-31", "max_runs": "10"}, "; until 31 July 2027; 10 times"),
        ({"closed_days": "before"}, "on days without school the school day before"),
    ],
)
def test_every_rhythm_can_be_made_is_told_in_words_and_can_be_changed(logged_in, typed, sentence):
    visitor = logged_in("tom")
    saved = visitor.post("/schedules/new", {**GOOD, **typed}, follow_redirects=True)
    assert sentence in saved.text
    (schedule,) = schedules()
    edit = f"/schedules/{schedule.id}/edit"
    shown = fields_of(visitor.get(edit).text)
    for field, value in typed.items():
        assert shown[field] == value or sorted(shown[field]) == sorted(value)
    before = {column.key: getattr(schedule, column.key) for column in schedule.__table__.columns}
    assert visitor.post(edit, {**shown, "time": "09:00"}).status_code == 302
    db.session.refresh(schedule)
    after = {column.key: getattr(schedule, column.key) for column in schedule.__table__.columns}
    assert after == before


#: Those that another rhythm needs, and those that may stay empty.
NOT_NEEDED = {"is_active", "day_of_month", "day_of_week", "nth", "month_mode", "cron", "interval"}
NOT_NEEDED |= {"closed_days", "period", "start_date", "end_date", "paused_until", "max_runs"}
NOT_NEEDED |= {"delivery_mode", "link_access", "when_empty"}


@pytest.mark.parametrize("field", sorted(set(GOOD) - NOT_NEEDED))
def test_a_missing_field_is_an_error(logged_in, field):
    data = {name: value for name, value in GOOD.items() if name != field}
    assert logged_in("tom").post("/schedules/new", data).status_code == 422
    assert not schedules()


def test_a_day_that_the_frequency_does_not_use_is_ignored(logged_in):
    data = {**GOOD, "frequency": "daily", "days_of_week": "rubbish", "day_of_month": "99"}
    assert logged_in("tom").post("/schedules/new", data).status_code == 302
    assert schedules()[0].day_of_week is None


def test_what_was_typed_stays_in_the_form(logged_in):
    typed = {**GOOD, "name": "Mine & <yours>", "time": "25:00", "frequency": "monthly"}
    page = logged_in("tom").post("/schedules/new", {**typed, "day_of_month": "31"}).text
    assert 'value="Mine &amp; &lt;yours&gt;"' in page
    assert 'value="25:00"' in page
    assert '<option value="monthly" selected>' in page
    assert '<option value="31" selected>' in page
    assert 'value="pdf" selected' in page


def test_the_next_runs_can_be_seen_without_scripts_and_nothing_is_stored(logged_in):
    data = {**GOOD, "time": "07:15", "only_show": "1"}
    answer = logged_in("tom").post("/schedules/new", data)
    assert answer.status_code == 200
    assert "Mon 30 Nov 2026, 07:15" in answer.text
    assert not schedules()
    assert logged_in("tom").post("/schedules/new", {**data, "time": "x"}).status_code == 422


def test_the_form_of_a_schedule_shows_it_and_changes_it(cast, logged_in):
    order = create_order(cast.tom, frequency="monthly", day_of_month=31, time="18:05")
    visitor = logged_in("tom")
    page = visitor.get(f"/schedules/{order.id}/edit").text
    assert fields_of(page)["time"] == "18:05"
    assert '<option value="31" selected>' in page
    answer = visitor.post(f"/schedules/{order.id}/edit", {**GOOD, "name": "New name"})
    assert answer.status_code == 302
    (schedule,) = schedules()
    assert (schedule.name, schedule.frequency, schedule.day_of_week) == ("New name", "weekly", 1)


def test_a_wrong_change_changes_nothing(cast, logged_in):
    order = create_order(cast.tom, name="Before")
    answer = logged_in("tom").post(
        f"/schedules/{order.id}/edit", {**GOOD, "name": "After", "time": "99:99"}
    )
    assert answer.status_code == 422
    assert schedules()[0].name == "Before"


def test_an_admin_may_only_give_a_teachers_schedule_what_a_teacher_may_order(cast, logged_in):
    order = create_order(cast.tom)
    visitor = logged_in("ada")
    assert "tutor_weekly_report" not in visitor.get(f"/schedules/{order.id}/edit").text
    data = {**GOOD, "report_type": "tutor_weekly_report"}
    assert visitor.post(f"/schedules/{order.id}/edit", data).status_code == 422


def numbers(answer):
    """Of the lines about runs."""
    lines = BeautifulSoup(answer.text, "html.parser").select("li:not(.skipped)")
    return [line["value"] for line in lines]


class TestNextRuns:
    def ask(self, visitor, **changed):
        return visitor.get("/schedules/next-runs", query_string={**GOOD, **changed})

    def test_they_are_ten_with_what_they_cover(self, logged_in):
        answer = self.ask(logged_in("tom"))
        assert answer.status_code == 200
        assert numbers(answer) == [str(n) for n in range(1, 11)]
        assert "Mondays at 09:00, Berlin" in answer.text
        assert "Mon 30 Nov 2026, 09:00" in answer.text
        assert "covers 23–29 November 2026" in answer.text
        assert "<html" not in answer.text
        assert "for you" not in answer.text

    def test_days_left_out_in_a_row_are_one_line_and_count_as_none_of_the_ten(
        self, cast, logged_in
    ):
        add_entry(
            cast.ada,
            {
                "kind": "holiday",
                "title": "Snow",
                "first_day": "2026-11-25",
                "last_day": "2026-12-04",
            },
            NOW,
        )
        answer = self.ask(logged_in("tom"), frequency="daily", closed_days="skip")
        lines = [
            " ".join(line.text.split())
            for line in BeautifulSoup(answer.text, "html.parser").select("li.skipped")
        ]
        assert lines == ["Wed 25 Nov 2026 – Fri 4 Dec 2026 left out: Snow"]
        assert numbers(answer) == [str(n) for n in range(1, 11)]

    def test_another_zone_is_shown_in_the_readers_zone_too(self, logged_in):
        answer = self.ask(logged_in("tom"), time_zone="America/New_York")
        assert "Mon 23 Nov 2026, 09:00" in answer.text
        assert "Mon 23 Nov 2026, 15:00 for you (Berlin)" in answer.text

    def test_errors_are_named_by_their_field(self, logged_in):
        answer = self.ask(logged_in("tom"), time="nine", time_zone="Nowhere")
        assert answer.status_code == 422
        assert 'data-field="time"' in answer.text
        assert 'data-field="time_zone"' in answer.text

    def test_while_changing_a_schedule_todays_report_is_not_promised_again(self, cast, logged_in):
        order = create_order(cast.tom, frequency="daily", time="07:00")
        _pretend_it_ran(order)
        visitor = logged_in("tom")
        new = self.ask(visitor, frequency="daily", time="20:00")
        changed = self.ask(visitor, frequency="daily", time="20:00", schedule=order.id)
        assert "Mon 23 Nov 2026, 20:00" in new.text
        assert "Mon 23 Nov 2026, 20:00" not in changed.text
        assert "Tue 24 Nov 2026, 20:00" in changed.text

    @pytest.mark.parametrize("schedule", ["1", "x", "9" * 30, "-1"])
    def test_somebody_elses_schedule_does_not_exist(self, cast, logged_in, schedule):
        create_order(cast.tea)
        assert self.ask(logged_in("tom"), schedule=schedule).status_code == 404


def _pretend_it_ran(schedule):
    from reportapp.models import ReportScheduleExecution

    db.session.add(
        ReportScheduleExecution(
            schedule_id=schedule.id,
            scheduled_for=NOW.replace(hour=6),
            period_start=NOW.date().replace(day=22),
            period_end=NOW.date(),
            planned_day=NOW.date(),
            trigger=Trigger.SCHEDULE,
            status="completed",
            started_at=NOW.replace(hour=6),
            completed_at=NOW,
        )
    )
    db.session.commit()


def test_switching_off_and_on(cast, logged_in):
    order = create_order(cast.tom)
    visitor = logged_in("tom")
    visitor.post(f"/schedules/{order.id}/switch", {"active": "0"})
    assert schedules()[0].next_scheduled is None
    visitor.post(f"/schedules/{order.id}/switch", {"active": "1"})
    assert schedules()[0].next_scheduled is not None


def test_deleting_asks_first(cast, logged_in):
    order = create_order(cast.tom, cast.pia)
    visitor = logged_in("tom")
    assert visitor.get(f"/schedules/{order.id}/delete").status_code == 200
    assert schedules()[0].deleted_at is None
    visitor.post(f"/schedules/{order.id}/delete")
    assert schedules()[0].deleted_at is not None
    assert visitor.get(f"/schedules/{order.id}").status_code == 404


any_text = st.text(max_size=60) | st.text(alphabet=string.printable, max_size=300)


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.dictionaries(st.sampled_from([*GOOD, "to_author", "only_show", "schedule"]), any_text))
def test_no_text_in_any_field_breaks_the_form(visiting_tom, typed):
    visitor, token = visiting_tom
    for data in (typed, {**GOOD, **typed}):
        answer = visitor.post_bare("/schedules/new", {**data, "csrf_token": token})
        assert answer.status_code < 500
        answer = visitor.get("/schedules/next-runs", query_string=data)
        assert answer.status_code < 500


@pytest.fixture
def visiting_tom(logged_in):
    visitor = logged_in("tom")
    return visitor, visitor.token()
