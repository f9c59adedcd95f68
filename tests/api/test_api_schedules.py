"""Schedules: what a script can list, make, read, change and delete."""

import pytest
from sqlalchemy import func, select

from reportapp.accounts.users import update_account
from reportapp.constants import Role
from reportapp.extensions import db
from reportapp.models import ReportSchedule
from reportapp.schedules.audiences import add_audience
from reportapp.schedules.edit import switch_schedule
from reportapp.schedules.recipients import add_recipient
from tests.api.script import BODY, SCHEDULES
from tests.cast import NOW, create_order
from tests.schedules.help import create_crowd, queries_of

#: What a detail holds at least.
FIELDS = {
    *("id", "name", "report_type", "frequency", "day_of_week", "day_of_month", "time"),
    *("time_zone", "export_format", "created_by", "is_active", "last_sent", "last_generated"),
    *("next_scheduled", "created_at", "updated_at", "description", "recipients"),
    *("active_recipients_count", "recent_executions"),
}


def names(answer):
    return [one["name"] for one in answer.json["results"]]


class TestMaking:
    def test_three_fields_are_enough(self, cast, script):
        answer = script("tom").post(SCHEDULES, BODY)
        made = answer.json
        assert answer.status_code == 201
        assert set(made) >= FIELDS
        told = {name: made[name] for name in ("frequency", "time", "export_format", "is_active")}
        assert told == {
            "frequency": "weekly",
            "time": "09:00",
            "export_format": "csv",
            "is_active": True,
        }
        assert made["time_zone"] == "Europe/Berlin"
        assert made["description"] == "Mondays at 09:00, Berlin"
        assert made["next_scheduled"] == "2026-11-23T08:00:00+00:00"
        assert script("tom").get(answer.headers["Location"]).json == made

    def test_the_zone_is_the_authors_own(self, cast, script):
        update_account(cast.tom, "America/New_York")
        assert script("tom").post(SCHEDULES, BODY).json["time_zone"] == "America/New_York"

    def test_a_weekly_one_needs_its_day_and_so_does_a_monthly_one(self, cast, script):
        tom = script("tom")
        body = {"name": "x", "report_type": "student_report"}
        for more in ({}, {"frequency": "weekly"}, {"day_of_week": None}):
            answer = tom.post(SCHEDULES, {**body, **more})
            assert (answer.status_code, list(answer.json)) == (400, ["day_of_week"])
        answer = tom.post(SCHEDULES, {**body, "frequency": "monthly"})
        assert (answer.status_code, list(answer.json)) == (400, ["day_of_month"])
        assert tom.post(SCHEDULES, {**body, "frequency": "daily"}).status_code == 201

    @pytest.mark.parametrize(
        ("name", "told"),
        [
            ("x" * 300, "Use at most 200 characters; this has 300."),
            (7, "Give the name as a text."),
            (["x"], "Give the name as a text."),
            ("", "Give the schedule a name."),
            (" ", "Give the schedule a name."),
            (None, "Give the schedule a name."),
        ],
    )
    def test_what_is_wrong_with_a_name_is_said(self, cast, script, name, told):
        tom, path = script("tom"), f"{SCHEDULES}{create_order(cast.tom).id}/"
        for answer in (
            tom.post(SCHEDULES, {**BODY, "name": name}),
            tom.patch(path, {"name": name}),
        ):
            assert (answer.status_code, answer.json) == (400, {"name": [told]})

    def test_everything_that_is_wrong_is_told_at_once(self, cast, script):
        answer = script("tom").post(
            SCHEDULES,
            {
                "nmae": "Monday",
                "report_type": "gossip",
                "frequency": "weekly",
                "day_of_week": "1",
                "time": "25:00",
                "time_zone": "Mars/Olympus",
                "export_format": ["csv"],
                "is_active": 1,
                "start_date": "soon",
            },
        )
        assert answer.status_code == 400
        assert set(answer.json) == {
            *("nmae", "name", "report_type", "day_of_week", "time", "time_zone"),
            *("export_format", "is_active", "start_date"),
        }
        assert all(isinstance(text, str) for texts in answer.json.values() for text in texts)
        assert answer.json["nmae"] == ["There is no such field."]
        assert db.session.scalar(select(func.count(ReportSchedule.id))) == 0

    def test_what_only_the_system_sets_is_ignored(self, cast, script):
        sent = {
            "id": 99,
            "created_by": cast.tea.id,
            "last_sent": "2000-01-01T00:00:00Z",
            "next_scheduled": "2000-01-01T00:00:00Z",
            "created_at": "never",
            "updated_at": 5,
            "recipients": [{"recipient": cast.ole.id}],
        }
        made = script("tom").post(SCHEDULES, {**BODY, **sent}).json
        assert (made["id"], made["created_by"]) == (1, cast.tom.id)
        assert (made["last_sent"], made["recipients"]) == (None, [])
        assert made["created_at"] == made["updated_at"] == "2026-11-23T07:30:00+00:00"

    @pytest.mark.parametrize("name", ["pia", "ana"])
    def test_families_may_make_none(self, cast, script, name):
        for body in (BODY, {}):
            answer = script(name).post(SCHEDULES, body)
            assert (answer.status_code, list(answer.json)) == (403, ["error"])

    def test_a_tutor_cannot_order_a_teachers_report(self, cast, script):
        answer = script("uma").post(SCHEDULES, {**BODY, "report_type": "teacher_weekly_report"})
        assert (answer.status_code, list(answer.json)) == (400, ["report_type"])

    @pytest.mark.parametrize(
        ("fields", "sentence"),
        [
            ({"frequency": "daily", "time": "7:30"}, "Every day at 07:30, Berlin"),
            ({"days_of_week": [4, 1]}, "Mondays and Thursdays at 09:00, Berlin"),
            (
                {"frequency": "monthly", "month_mode": "weekday", "nth": -1, "day_of_week": 5},
                "On the last Friday of every month at 09:00, Berlin",
            ),
            ({"frequency": "monthly", "day_of_month": 31, "max_runs": 1}, "once"),
        ],
    )
    def test_all_rhythms_of_the_form_can_be_made(self, cast, script, fields, sentence):
        body = {"name": "x", "report_type": "student_report", **fields}
        answer = script("tom").post(SCHEDULES, body)
        assert answer.status_code == 201, answer.text
        assert sentence in answer.json["description"]


class TestListing:
    @pytest.fixture
    def several(self, cast):
        create_order(cast.tom, name="Monday maths", time="10:00")
        create_order(cast.tom, name="daily Maths 100%", frequency="daily")
        create_order(cast.tom, name="Teacher week", report_type="teacher_weekly_report")
        off = create_order(cast.tom, name="Off", frequency="monthly")
        switch_schedule(cast.tom, off.id, False, NOW)
        create_order(cast.tea, cast.pia, name="Of Tea")
        create_order(cast.otto, name="Of Otto")

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("is_active=false", ["Off"]),
            ("is_active=False", ["Off"]),
            ("is_active=true", ["Teacher week", "daily Maths 100%", "Monday maths"]),
            ("frequency=daily", ["daily Maths 100%"]),
            ("report_type=teacher_weekly_report", ["Teacher week"]),
            ("search=MATHS&ordering=name", ["daily Maths 100%", "Monday maths"]),
            ("search=maths+monday", ["Monday maths"]),
            ("search=100%25", ["daily Maths 100%"]),
            ("search=_", []),
            ("ordering=name", ["daily Maths 100%", "Monday maths", "Off", "Teacher week"]),
            ("ordering=-name", ["Teacher week", "Off", "Monday maths", "daily Maths 100%"]),
            ("ordering=next_scheduled&search=maths", ["daily Maths 100%", "Monday maths"]),
            ("ordering=-next_scheduled&search=maths", ["Monday maths", "daily Maths 100%"]),
            ("ordering=-next_scheduled&page=4&page_size=1", ["Off"]),
        ],
    )
    def test_it_can_be_filtered_searched_and_ordered(self, several, script, query, found):
        listed = names(script("tom").get(f"{SCHEDULES}?{query}"))
        if query == "is_active=true":
            listed, found = sorted(listed), sorted(found)
        assert listed == found

    def test_it_can_be_ordered_by_when_it_was_made(self, several, script):
        made = names(script("tom").get(f"{SCHEDULES}?ordering=created_at"))
        assert sorted(made) == sorted(names(script("tom").get(f"{SCHEDULES}?ordering=-created_at")))

    @pytest.mark.parametrize(
        "query",
        [
            "is_active=maybe",
            "frequency=hourly",
            "report_type=x",
            "ordering=id",
            f"search={'x' * 300}",
        ],
    )
    def test_a_wrong_filter_is_told_at_its_name(self, cast, script, query):
        answer = script("tom").get(f"{SCHEDULES}?{query}")
        assert (answer.status_code, list(answer.json)) == (400, [query.partition("=")[0]])

    def test_everybody_sees_their_own_and_an_admin_the_schools(self, several, script):
        by_name = f"{SCHEDULES}?ordering=name"
        assert names(script("tea").get(by_name)) == ["Of Tea"]
        assert names(script("uma").get(by_name)) == []
        assert len(names(script("ada").get(by_name))) == 5
        assert "Of Otto" not in names(script("ada").get(by_name))
        assert names(script("olga").get(by_name)) == ["Of Otto"]

    def test_a_family_sees_what_it_receives_until_it_leaves(self, several, cast, script, stranger):
        pia = script("pia")
        assert names(pia.get(SCHEDULES)) == ["Of Tea"]
        assert names(pia.get(f"{SCHEDULES}?is_active=false")) == []
        assert names(script("pol").get(SCHEDULES)) == []
        listed = pia.get(SCHEDULES).json["results"][0]
        assert (listed["active_recipients_count"], listed["paused_reason"]) == (None, None)
        (mine,) = pia.get(f"{SCHEDULES}my_subscriptions/").json["results"]
        stranger.post(f"{SCHEDULES}unsubscribe/", {"unsubscribe_token": mine["unsubscribe_token"]})
        assert names(pia.get(SCHEDULES)) == []

    @pytest.mark.parametrize("name", ["tom", "ada", "pia"])
    def test_a_page_takes_as_many_queries_for_10_as_for_1000(self, cast, script, name):
        caller = script(name)
        path = f"{SCHEDULES}?page_size=100"
        template = create_order(cast.tom, cast.pia)
        _copy(template, 9)
        caller.get(path)  # notes the token's use
        few = queries_of(lambda: caller.get(path))
        _copy(template, 990)
        many = queries_of(lambda: caller.get(path))
        assert caller.get(path).json["count"] == 1000
        assert many == few <= 12


def _copy(template, number):
    """So many more schedules like it, with its recipients."""
    for table, key in (("report_schedule", "id"), ("report_schedule_recipient", "schedule_id")):
        columns = [column.name for column in db.metadata.tables[table].columns]
        for _ in range(number):
            values = ", ".join(
                f"(SELECT max({name}) + 1 FROM {table})"
                if name in ("id", key)
                else "lower(hex(randomblob(11)))"
                if name == "unsubscribe_token"
                else f'"{name}"'
                for name in columns
            )
            quoted = ", ".join(f'"{name}"' for name in columns)
            db.session.execute(
                db.text(
                    f"INSERT INTO {table} ({quoted}) SELECT {values} FROM {table} WHERE {key} = :id"
                ),
                {"id": template.id},
            )
    db.session.commit()


class TestReading:
    def test_the_author_sees_recipients_groups_and_runs(self, cast, script):
        order = create_order(cast.tom, cast.pia, cast.pol)
        add_audience(cast.tom, order.id, "my_guardians", None, NOW)
        seen = script("tom").get(f"{SCHEDULES}{order.id}/").json
        assert [one["recipient_name"] for one in seen["recipients"]] == [
            "Pia Example",
            "Pol Example",
        ]
        assert set(seen["recipients"][0]) == {
            *("id", "schedule", "recipient", "recipient_email", "recipient_name"),
            *("is_subscribed", "added_at", "unsubscribed_at"),
        }
        assert seen["active_recipients_count"] == 2
        assert [(one["kind"], one["people"]) for one in seen["audiences"]] == [("my_guardians", 2)]

    def test_it_takes_as_many_queries_for_many_recipients_as_for_few(self, cast, script):
        order = create_order(cast.tom, cast.pia, cast.pol)
        tom, path = script("tom"), f"{SCHEDULES}{order.id}/"
        tom.get(path)
        few = queries_of(lambda: tom.get(path))
        for person in create_crowd(cast, Role.PARENT, 30):
            add_recipient(cast.tom, order.id, person.id, NOW)
        assert queries_of(lambda: tom.get(path)) == few <= 14
        assert len(tom.get(path).json["recipients"]) == 32

    def test_a_recipient_sees_the_rhythm_and_only_themselves(self, cast, script):
        order = create_order(cast.tom, cast.pia, cast.pol)
        seen = script("pia").get(f"{SCHEDULES}{order.id}/").json
        assert seen["name"] == order.name
        assert seen["description"] == "Mondays at 09:00, Berlin"
        assert [one["recipient"] for one in seen["recipients"]] == [cast.pia.id]
        assert (seen["active_recipients_count"], seen["recent_executions"]) == (None, [])
        assert "Pol" not in script("pia").get(f"{SCHEDULES}{order.id}/").text

    def test_no_answer_to_an_author_holds_an_unsubscribe_token(self, cast, script):
        order = create_order(cast.tom, cast.pia)
        (mine,) = script("pia").get(f"{SCHEDULES}my_subscriptions/").json["results"]
        tom = script("tom")
        for path in ("", f"{order.id}/", "my_subscriptions/", f"{order.id}/executions/"):
            assert mine["unsubscribe_token"] not in tom.get(SCHEDULES + path).text
        again = tom.post(f"{SCHEDULES}{order.id}/recipients/", {"recipient_id": cast.pia.id})
        assert mine["unsubscribe_token"] not in again.text


class TestChanging:
    def test_some_fields_are_changed_and_the_next_run_planned_anew(self, cast, script):
        order = create_order(cast.tom)
        answer = script("tom").patch(f"{SCHEDULES}{order.id}/", {"time": "11:15", "name": "New"})
        assert answer.status_code == 200
        assert (answer.json["name"], answer.json["time"]) == ("New", "11:15")
        assert answer.json["next_scheduled"] == "2026-11-23T10:15:00+00:00"
        assert answer.json["day_of_week"] == 1

    def test_a_change_is_judged_with_what_is_kept(self, cast, script):
        daily = create_order(cast.tom, frequency="daily")
        tom = script("tom")
        answer = tom.patch(f"{SCHEDULES}{daily.id}/", {"frequency": "weekly"})
        assert (answer.status_code, list(answer.json)) == (400, ["day_of_week"])
        answer = tom.patch(f"{SCHEDULES}{daily.id}/", {"frequency": "weekly", "day_of_week": 3})
        assert answer.json["description"] == "Wednesdays at 09:00, Berlin"

    def test_what_was_read_can_be_sent_back(self, cast, script):
        tom = script("tom")
        for fields in ({}, {"frequency": "daily"}, {"frequency": "cron", "cron": "0 8 * * 1-5"}):
            order = create_order(cast.tom, **fields)
            read = tom.get(f"{SCHEDULES}{order.id}/").json
            answer = tom.put(f"{SCHEDULES}{order.id}/", read)
            assert (answer.status_code, answer.json) == (200, read)

    def test_sending_back_one_changed_weekday_field_of_the_two_loses_nothing(self, cast, script):
        order = create_order(cast.tom)
        tom = script("tom")
        read = tom.get(f"{SCHEDULES}{order.id}/").json
        answer = tom.put(f"{SCHEDULES}{order.id}/", {**read, "day_of_week": 3})
        assert (answer.status_code, list(answer.json)) == (400, ["day_of_week"])
        del read["days_of_week"]
        answer = tom.put(f"{SCHEDULES}{order.id}/", {**read, "day_of_week": 3})
        assert answer.json["days_of_week"] == [3]

    def test_a_put_sets_what_it_does_not_say_to_the_usual(self, cast, script):
        order = create_order(cast.tom, time="17:00", export_format="pdf", max_runs=3)
        answer = script("tom").put(f"{SCHEDULES}{order.id}/", {**BODY, "day_of_week": 2})
        put = answer.json
        assert (put["time"], put["export_format"], put["max_runs"]) == ("09:00", "csv", None)
        answer = script("tom").put(f"{SCHEDULES}{order.id}/", {"name": "x"})
        assert set(answer.json) == {"report_type", "day_of_week"}

    def test_an_admin_changes_a_teachers_within_what_teachers_may(self, cast, script):
        order = create_order(cast.tom)
        ada = script("ada")
        assert ada.patch(f"{SCHEDULES}{order.id}/", {"name": "By Ada"}).status_code == 200
        answer = ada.patch(f"{SCHEDULES}{order.id}/", {"report_type": "tutor_weekly_report"})
        assert (answer.status_code, list(answer.json)) == (400, ["report_type"])

    def test_switched_off_it_has_no_next_run(self, cast, script):
        order = create_order(cast.tom)
        answer = script("tom").patch(f"{SCHEDULES}{order.id}/", {"is_active": False})
        assert (answer.json["is_active"], answer.json["next_scheduled"]) == (False, None)

    def test_deleted_it_is_gone_for_everybody(self, cast, script):
        order = create_order(cast.tom, cast.pia)
        answer = script("tom").delete(f"{SCHEDULES}{order.id}/")
        assert (answer.status_code, answer.data) == (204, b"")
        for name in ("tom", "ada", "pia"):
            assert script(name).get(f"{SCHEDULES}{order.id}/").status_code == 404
        assert script("tom").delete(f"{SCHEDULES}{order.id}/").status_code == 404


class TestVersions:
    """ETag, If-Match and If-None-Match: nobody overwrites what they have not seen."""

    @pytest.fixture
    def path(self, cast):
        return f"{SCHEDULES}{create_order(cast.tom).id}/"

    def test_a_change_of_what_somebody_else_has_changed_is_refused(self, path, script):
        tom, ada = script("tom"), script("ada")
        tag = tom.get(path).headers["ETag"]
        changed = ada.patch(path, {"name": "By Ada"}, headers={"If-Match": tag})
        assert changed.status_code == 200
        for answer in (
            tom.patch(path, {"name": "By Tom"}, headers={"If-Match": tag}),
            tom.put(path, {**BODY, "name": "By Tom"}, headers={"If-Match": tag}),
            tom.delete(path, headers={"If-Match": tag}),
        ):
            assert (answer.status_code, list(answer.json)) == (412, ["error"])
        assert tom.get(path).json["name"] == "By Ada"
        newer = changed.headers["ETag"]
        assert newer == tom.get(path).headers["ETag"]
        assert tom.delete(path, headers={"If-Match": f'"x", W/{newer}'}).status_code == 204

    @pytest.mark.parametrize(
        "header", ["", '""', "x", '"x"', 'W/"', "\xe9", '"' + "9" * 5000 + '"']
    )
    def test_a_tag_of_nothing_matches_nothing(self, path, script, header):
        answer = script("tom").patch(path, {"name": "x"}, headers={"If-Match": header})
        assert answer.status_code == 412

    def test_any_version_will_do_where_none_is_named(self, path, script):
        assert script("tom").patch(path, {"name": "x"}).status_code == 200
        assert (
            script("tom").patch(path, {"name": "x"}, headers={"If-Match": "*"}).status_code == 200
        )

    def test_what_has_not_changed_at_all_is_not_sent_again(self, path, cast, script):
        tom = script("tom")
        tag = tom.get(path).headers["ETag"]
        answer = tom.get(path, headers={"If-None-Match": tag})
        assert (answer.status_code, answer.data, answer.headers["ETag"]) == (304, b"", tag)
        tom.post(f"{path}recipients/", {"recipient_id": cast.pia.id})
        again = tom.get(path, headers={"If-None-Match": tag})
        assert again.status_code == 200
        # What a PUT sets is as it was: a recipient more keeps nobody from saving.
        assert tom.patch(path, {"name": "x"}, headers={"If-Match": tag}).status_code == 200
