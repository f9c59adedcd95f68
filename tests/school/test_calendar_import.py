"""The school calendar from files and from countries."""

import csv
from contextlib import suppress
from datetime import date, timedelta
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reportapp.constants import CalendarKind, CalendarSource
from reportapp.errors import Conflict, Forbidden, InvalidInput
from reportapp.extensions import db
from reportapp.models import CalendarEntry
from reportapp.school import calendar, calendar_import
from reportapp.school.calendar import add_entry, change_entry
from reportapp.school.calendar_csv import TEMPLATE, read_csv
from reportapp.school.calendar_found import Found, FoundCalendar
from reportapp.school.calendar_ics import read_ics
from reportapp.school.calendar_import import look_at, read_country, read_file, save_import
from reportapp.school.calendar_values import EntryInput
from reportapp.school.countries import country_names, part_names, public_holidays
from tests.cast import NOW

HEADER = "title,first_day,last_day,kind\n"
TODAY = NOW.date()


def table(*rows: str) -> bytes:
    return (HEADER + "\n".join(rows)).encode()


def ics(*events: str) -> bytes:
    """Each event: its properties, one a line."""
    blocks = [f"BEGIN:VEVENT\r\n{event.strip()}\r\nEND:VEVENT\r\n" for event in events]
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{''.join(blocks)}END:VCALENDAR\r\n".encode()


def days(found: FoundCalendar) -> list[tuple[str, str, str]]:
    assert found.errors == ()
    return [(e.title, str(e.first_day), str(e.last_day)) for e in found.entries]


def errors(found: FoundCalendar) -> list[tuple[int, str, str]]:
    return [(error.line, error.column, error.value) for error in found.errors]


def stored() -> list[tuple[str, str, str, str]]:
    db.session.rollback()
    rows = db.session.query(CalendarEntry).order_by(CalendarEntry.first_day, CalendarEntry.title)
    return [(row.title, str(row.first_day), row.kind, row.source) for row in rows]


def refusal(attempt) -> str:
    with pytest.raises(InvalidInput) as caught:
        attempt()
    assert list(caught.value.fields) == ["file"]
    return str(caught.value)


class TestTables:
    @pytest.mark.parametrize("separator", [",", ";", "\t"])
    @pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
    @pytest.mark.parametrize("end", ["\n", "\r\n"])
    def test_separators_line_ends_and_marks_do_not_matter(self, cast, separator, mark, end):
        rows = [
            ["Kind", "First_Day", "last_day", "TITLE", "note"],
            ["holiday", "21.12.2026", "6/1/2027", "Größe 9 – Ferien", ""],
            ["EXAM", "2026-12-01", "2026-12-04", "Exams"],
        ]
        text = end.join(separator.join(row) for row in rows)
        found = read_file(cast.ada, mark + text.encode(), NOW)
        assert days(found) == [
            ("Größe 9 – Ferien", "2026-12-21", "2027-01-06"),
            ("Exams", "2026-12-01", "2026-12-04"),
        ]
        assert [entry.kind for entry in found.entries] == ["holiday", "exam"]

    def test_the_template_can_be_taken_as_it_is(self, cast):
        assert len(days(read_file(cast.ada, ("\ufeff" + TEMPLATE).encode(), NOW))) == 3

    def test_every_error_tells_its_line_its_column_and_what_is_there(self, cast):
        content = table(
            "Fine,2026-12-01,2026-12-01,holiday",
            ",2026-02-30,soon,term",
            '"Two',
            'lines",2026-12-02,2026-12-01,exam',
            "One,too,many,exam,cells",
            "Fine,01.12.2026,1/12/2026,holiday",
            "Null\0,2026-12-01,2026-12-01,exam".replace("\0", "\x07"),
        )
        assert errors(read_file(cast.ada, content, NOW)) == [
            (3, "kind", "term"),
            (3, "title", ""),
            (3, "first_day", "2026-02-30"),
            (3, "last_day", "soon"),
            (4, "last_day", "2026-12-01"),
            (6, "", "cells"),
            (7, "title", "Fine"),
            (8, "title", "Null�"),
        ]

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (b"", "empty"),
            (b" \n \n", "empty"),
            (b"\x89PNG\r\n\x1a\n\x00\x00\x00", "no text in UTF-8"),
            (HEADER.encode("utf-16"), "no text in UTF-8"),
            ((HEADER + "Größe").encode("latin-1"), "Line 2"),
            (b"a\0b", "no text in UTF-8"),
            (b"title,first_day\nA,2026-12-01", "lacks last_day, kind"),
            (b"title,title,first_day,last_day,kind\n", "title twice"),
            (HEADER.encode(), "no entries"),
            (HEADER.encode() + b'"open', "cannot be read as a table"),
            (HEADER.encode() + b"x" * 500_000, "cannot be read as a table"),
            (b"x" * 1_000_001, "at most 1,000,000"),
        ],
    )
    def test_what_is_no_such_table_is_refused_in_words(self, cast, content, words):
        assert words in refusal(lambda: read_file(cast.ada, content, NOW))

    def test_2000_entries_are_the_most(self, cast):
        rows = [f"Entry {number},2026-12-01,2026-12-01,exam" for number in range(2_001)]
        assert len(read_file(cast.ada, table(*rows[:2_000]), NOW).entries) == 2_000
        assert "at most 2,000" in refusal(lambda: read_file(cast.ada, table(*rows), NOW))

    @settings(max_examples=150)
    @given(
        st.lists(
            st.tuples(
                st.text(st.characters(blacklist_categories=("C", "Z")), min_size=1, max_size=200),
                st.dates(date(2000, 1, 1), date(2098, 12, 31)),
                st.integers(0, 365),
                st.sampled_from(list(CalendarKind)),
            ),
            min_size=1,
            max_size=12,
            unique_by=lambda row: row[:3],
        ),
        st.sampled_from(",;\t"),
        st.sampled_from(["%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y"]),
    )
    def test_what_was_written_is_read_again(self, rows, separator, how):
        entries = [
            EntryInput(title, first, first + timedelta(days=length), kind)
            for title, first, length, kind in rows
        ]
        text = StringIO()
        writer = csv.writer(text, delimiter=separator)
        writer.writerow(["title", "first_day", "last_day", "kind"])
        writer.writerows(
            [e.title, f"{e.first_day:{how}}", f"{e.last_day:{how}}", e.kind] for e in entries
        )
        found = read_csv(text.getvalue(), 2_000)
        assert found.errors == ()
        assert [
            EntryInput(e.title, e.first_day, e.last_day, e.kind) for e in found.entries
        ] == entries
        assert len({entry.uid for entry in found.entries}) == len(entries)


class TestCalendarFiles:
    def read(self, cast, *events, kind="holiday"):
        return read_file(cast.ada, ics(*events), NOW, kind)

    def test_the_end_is_not_included(self, cast):
        found = self.read(
            cast,
            "UID:1\r\nDTSTART;VALUE=DATE:20261221\r\nDTEND;VALUE=DATE:20270107\r\n"
            "SUMMARY:Chris\r\n tmas\\, all",
            "UID:2\r\nDTSTART;VALUE=DATE:20261201\r\nSUMMARY:One day",
            "UID:3\r\nDTSTART;VALUE=DATE:20261202\r\nDURATION:P2D\r\nSUMMARY:Two days",
            "UID:4\r\nDTSTART:20261203T080000\r\nDTEND:20261204T120000\r\nSUMMARY:With times",
            "UID:5\r\nDTSTART;TZID=Asia/Tokyo:20261205T000000\r\n"
            "DTEND;TZID=Asia/Tokyo:20261206T000000\r\nSUMMARY:Elsewhere",
            "UID:6\r\nDTSTART:20261206T230000Z\r\nDTEND:20261207T230000Z\r\nSUMMARY:Berlin's day",
        )
        assert days(found) == [
            ("Christmas, all", "2026-12-21", "2027-01-06"),
            ("One day", "2026-12-01", "2026-12-01"),
            ("Two days", "2026-12-02", "2026-12-03"),
            ("With times", "2026-12-03", "2026-12-04"),
            ("Elsewhere", "2026-12-05", "2026-12-05"),
            ("Berlin's day", "2026-12-07", "2026-12-07"),
        ]

    def test_the_kind_is_the_chosen_one_or_the_events_own(self, cast):
        found = self.read(
            cast,
            "UID:1\r\nDTSTART;VALUE=DATE:20261221\r\nSUMMARY:A",
            "UID:2\r\nDTSTART;VALUE=DATE:20261221\r\nSUMMARY:B\r\nCATEGORIES:Red,Exam",
            kind="closure",
        )
        assert [entry.kind for entry in found.entries] == ["closure", "exam"]
        with pytest.raises(InvalidInput) as caught:
            self.read(cast, "UID:1", kind="party")
        assert list(caught.value.fields) == ["kind"]

    @pytest.mark.parametrize(
        ("start", "rule", "expected"),
        [
            ("20201003", "FREQ=YEARLY", ["2027-10-03", "2028-10-03", "2029-10-03"]),
            ("20201003", "FREQ=YEARLY;COUNT=1000000", ["2027-10-03", "2028-10-03", "2029-10-03"]),
            ("20201003", "FREQ=YEARLY;COUNT=8", ["2027-10-03"]),
            ("20201003", "FREQ=YEARLY;UNTIL=20281003T000000Z", ["2027-10-03", "2028-10-03"]),
            ("20211003", "FREQ=YEARLY;INTERVAL=2", ["2027-10-03", "2029-10-03"]),
            (
                "20201126",
                "FREQ=YEARLY;BYMONTH=11;BYDAY=4TH",
                ["2026-11-26", "2027-11-25", "2028-11-23", "2029-11-22"],
            ),
            (
                "20200525",
                "FREQ=YEARLY;BYMONTH=5;BYDAY=-1MO",
                ["2027-05-31", "2028-05-29", "2029-05-28"],
            ),
            ("20000229", "FREQ=YEARLY", ["2028-02-29"]),
            (
                "20261123",
                "FREQ=YEARLY;BYMONTH=11;BYMONTHDAY=23",
                ["2026-11-23", "2027-11-23", "2028-11-23", "2029-11-23"],
            ),
        ],
    )
    def test_yearly_events_are_entered_for_the_next_three_years(self, cast, start, rule, expected):
        event = f"UID:1\r\nDTSTART;VALUE=DATE:{start}\r\nRRULE:{rule}\r\nSUMMARY:Again"
        assert [first for _, first, _ in days(self.read(cast, event))] == expected

    @pytest.mark.parametrize(
        "rule",
        [
            "FREQ=DAILY;COUNT=1000000",
            "FREQ=SECONDLY",
            "FREQ=WEEKLY;BYDAY=MO",
            "FREQ=YEARLY;BYSECOND=1,2,3",
            "FREQ=YEARLY;INTERVAL=0",
            "FREQ=YEARLY;INTERVAL=99999999999",
            "FREQ=YEARLY;COUNT=0",
            "FREQ=YEARLY;BYMONTH=1,2,3",
            "FREQ=YEARLY;BYMONTH=13",
            "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
            "FREQ=YEARLY;BYMONTHDAY=-1",
            "FREQ=YEARLY;BYDAY=MO",
            "FREQ=YEARLY;BYMONTH=10;BYDAY=9MO",
            "FREQ=YEARLY;UNTIL=soon",
            "COUNT=3",
            "nonsense",
        ],
    )
    def test_other_repeats_are_refused_with_their_line(self, cast, rule):
        event = f"UID:1\r\nSUMMARY:Again\r\nDTSTART;VALUE=DATE:20261003\r\nRRULE:{rule}"
        found = self.read(cast, event)
        assert [(error.line, error.column) for error in found.errors] == [(7, "RRULE")]
        assert found.entries == ()

    def test_single_days_of_a_repeat_can_be_left_out_moved_and_cancelled(self, cast):
        found = self.read(
            cast,
            "UID:1\r\nDTSTART;VALUE=DATE:20251201\r\nRRULE:FREQ=YEARLY\r\nSUMMARY:Day\r\n"
            "EXDATE;VALUE=DATE:20291201",
            "UID:1\r\nRECURRENCE-ID;VALUE=DATE:20271201\r\nDTSTART;VALUE=DATE:20271203\r\nSUMMARY:Moved",
            "UID:1\r\nRECURRENCE-ID;VALUE=DATE:20281201\r\nDTSTART;VALUE=DATE:20281201\r\n"
            "SUMMARY:Off\r\nSTATUS:CANCELLED",
            "UID:2\r\nDTSTART;VALUE=DATE:20261201\r\nSUMMARY:Gone\r\nSTATUS:CANCELLED",
        )
        assert days(found) == [
            ("Day", "2026-12-01", "2026-12-01"),
            ("Moved", "2027-12-03", "2027-12-03"),
        ]

    @pytest.mark.parametrize(
        ("event", "where"),
        [
            ("UID:1\r\nSUMMARY:No day", (3, "DTSTART")),
            ("UID:1\r\nSUMMARY:A\r\nDTSTART:garbage", (6, "DTSTART")),
            ("UID:1\r\nSUMMARY:A\r\nDTSTART;VALUE=DATE:20261332", (6, "DTSTART")),
            ("UID:1\r\nSUMMARY:A\r\nDTSTART;VALUE=DATE:00010101", (6, "DTSTART")),
            ("UID:1\r\nSUMMARY:A\r\nDTSTART;VALUE=DATE:19990101", (6, "DTSTART")),
            ("UID:1\r\nSUMMARY:A\r\nDTSTART:99991231T235959Z", (6, "DTSTART")),
            ("UID:1\r\nDTSTART;VALUE=DATE:20261201", (3, "SUMMARY")),
            (
                "UID:1\r\nSUMMARY:" + "x" * 10_000 + "\r\nDTSTART;VALUE=DATE:20261201",
                (5, "SUMMARY"),
            ),
            (
                "DTSTART;VALUE=DATE:20261201\r\nDTSTART;VALUE=DATE:20261202\r\nSUMMARY:A",
                (4, "DTSTART"),
            ),
            ("DTSTART;VALUE=DATE:20261201\r\nDTEND;VALUE=DATE:20261101\r\nSUMMARY:A", (5, "DTEND")),
            ("DTSTART;VALUE=DATE:20261201\r\nDTEND;VALUE=DATE:20281101\r\nSUMMARY:A", (5, "DTEND")),
            ("DTSTART;VALUE=DATE:20261201\r\nDURATION:P99999999D\r\nSUMMARY:A", (5, "DURATION")),
            ("DTSTART;VALUE=DATE:20261201\r\nDURATION:-P1D\r\nSUMMARY:A", (5, "DURATION")),
            ("DTSTART;VALUE=DATE:20261201\r\nRDATE:20261202\r\nSUMMARY:A", (5, "RDATE")),
            ("DTSTART;VALUE=PERIOD:20261201T000000Z/P1D\r\nSUMMARY:A", (4, "DTSTART")),
            ("no colon here\r\nSUMMARY:A", (3, "BEGIN")),
            ("BEGIN:VALARM\r\n" * 5_000, (3, "BEGIN")),
        ],
    )
    def test_every_error_tells_its_line_and_property(self, cast, event, where):
        assert [error[:2] for error in errors(self.read(cast, event))] == [where]

    def test_two_events_with_one_uid_are_refused(self, cast):
        event = "UID:1\r\nDTSTART;VALUE=DATE:20261201\r\nSUMMARY:A"
        assert [error[1:] for error in errors(self.read(cast, event, event))] == [("UID", "1")]

    def test_events_without_a_uid_and_with_a_monstrous_one_are_taken(self, cast):
        event = "DTSTART;VALUE=DATE:20261201\r\nSUMMARY:A"
        found = self.read(cast, event, event, f"UID:{'u' * 10_000}\r\n{event}")
        assert len(found.entries) == 2
        assert all(len(entry.uid) <= 255 for entry in found.entries)

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", "no events"),
            (b"BEGIN:VCALENDAR\r\n", "cut off"),
            (ics("UID:1\r\nSUMMARY:A")[:-40], "cut off"),
            (b"BEGIN:VCALENDAR\r\n" + b"BEGIN:VEVENT\r\n" * 50_000, "inside of another"),
            (ics(*["UID:1\r\nSUMMARY:A"] * 2_001), "at most 2,000 events"),
            (
                ics(
                    *[
                        f"UID:{n}\r\nSUMMARY:A\r\nDTSTART;VALUE=DATE:19010101\r\nRRULE:FREQ=YEARLY"
                        for n in range(700)
                    ]
                ),
                "With all repeats",
            ),
        ],
    )
    def test_what_is_no_calendar_is_refused_in_words(self, cast, content, words):
        assert words in refusal(lambda: read_file(cast.ada, content, NOW))

    @settings(max_examples=200)
    @given(st.text(max_size=300) | st.text(st.sampled_from("\r\n :;=,TZDTSRULEBYAMOP0123456789")))
    def test_no_text_in_an_event_breaks_the_reading(self, text):
        zone = ZoneInfo("Europe/Berlin")
        start = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:A\nDTSTART;VALUE=DATE:20261201\n"
        for body in (text, f"RRULE:{text}", f"DTEND:{text}", f"EXDATE:{text}", f"UID:{text}"):
            whole = f"{start}{body}\nEND:VEVENT\nEND:VCALENDAR\n"
            with suppress(InvalidInput):
                read_ics(whole, 2_000, TODAY, zone, CalendarKind.HOLIDAY)


class TestCountries:
    def test_the_public_holidays_of_today_and_the_coming_two_years(self, cast):
        found = read_country(cast.ada, "DE-BE", NOW)
        assert found.entries[0].title == "Christmas Day"
        assert {entry.first_day.year for entry in found.entries} == {2026, 2027, 2028}
        assert "Women's Day" in {entry.title for entry in found.entries}
        assert "Women's Day" not in {
            entry.title for entry in read_country(cast.ada, "DE", NOW).entries
        }

    def test_the_country_is_remembered(self, cast):
        save_import(cast.ada, read_country(cast.ada, "DE-BE", NOW), NOW, country="DE-BE")
        assert cast.school.country == "DE-BE"

    @pytest.mark.parametrize("code", ["", "XX", "DE-XX", "\0", "x" * 10_000])
    def test_an_unknown_one_is_refused(self, cast, code):
        with pytest.raises(InvalidInput) as caught:
            read_country(cast.ada, code, NOW)
        assert list(caught.value.fields) == ["country"]

    def test_another_part_of_the_country_takes_the_place_of_the_first(self, cast):
        save_import(cast.ada, read_country(cast.ada, "DE-BE", NOW), NOW)
        plan = look_at(cast.ada, read_country(cast.ada, "DE-BW", NOW), NOW)
        assert "Epiphany" in {entry.title for entry in plan.added}
        assert {entry.title for entry in plan.gone} >= {"Women's Day"}

    def test_every_country_and_every_part_can_be_named_and_stored(self):
        names = country_names()
        assert (names["DE"], names["GB"], names["CI"]) == (
            "Germany",
            "United Kingdom",
            "Ivory Coast",
        )
        assert len(set(names.values())) == len(names)
        codes = [f"{country}-{part}" for country in names for part in part_names(country)]
        assert max(map(len, codes)) <= 10
        assert part_names("DE")["BE"] == "Berlin"

    def test_names_are_english_where_there_are_any(self):
        assert dict(public_holidays("JP", range(2027, 2028)))[date(2027, 1, 1)] == "New Year's Day"
        assert dict(public_holidays("ZA", range(2027, 2028)))[date(2027, 1, 1)] == "New Year's Day"


class TestSaving:
    FIRST = table(
        "Autumn,2026-10-12,2026-10-23,holiday",
        "Christmas,2026-12-21,2027-01-06,holiday",
        "Exams,2027-01-18,2027-01-22,exam",
        "Winter,2027-02-01,2027-02-05,holiday",
    )
    SECOND = table(
        "Christmas,2026-12-22,2027-01-06,holiday",
        "Exams,2027-01-18,2027-01-22,exam",
        "Easter,2027-03-22,2027-04-02,holiday",
    )

    def take(self, cast, content, **options):
        return save_import(cast.ada, read_file(cast.ada, content, NOW), NOW, **options)

    def test_looking_changes_nothing(self, cast):
        plan = look_at(cast.ada, read_file(cast.ada, self.FIRST, NOW), NOW)
        assert [entry.title for entry in plan.added] == ["Autumn", "Christmas", "Exams", "Winter"]
        assert stored() == []

    @pytest.mark.parametrize(
        "content",
        [
            FIRST,
            ics(
                "UID:1\r\nDTSTART;VALUE=DATE:20261221\r\nSUMMARY:A",
                "UID:2\r\nDTSTART;VALUE=DATE:20201221\r\nRRULE:FREQ=YEARLY\r\nSUMMARY:B",
                "DTSTART;VALUE=DATE:20261221\r\nSUMMARY:C",
            ),
        ],
    )
    def test_the_same_file_twice_changes_nothing_more(self, cast, content):
        self.take(cast, content)
        first = stored()
        plan = self.take(cast, content)
        assert plan.is_empty
        assert plan.unchanged == len(first)
        assert stored() == first

    def test_a_new_file_tells_what_it_adds_changes_and_lacks(self, cast):
        self.take(cast, self.FIRST)
        plan = look_at(cast.ada, read_file(cast.ada, self.SECOND, NOW), NOW)
        assert [entry.title for entry in plan.added] == ["Easter"]
        assert [(str(old.first_day), str(new.first_day)) for old, new in plan.changed] == [
            ("2026-12-21", "2026-12-22")
        ]
        # Autumn is over: what has been stays.
        assert [entry.title for entry in plan.gone] == ["Winter"]
        assert plan.unchanged == 1

    def test_entries_are_removed_only_when_asked(self, cast):
        self.take(cast, self.FIRST)
        self.take(cast, self.SECOND)
        assert [row[0] for row in stored()] == ["Autumn", "Christmas", "Exams", "Winter", "Easter"]
        self.take(cast, self.SECOND, remove=True)
        assert [row[:2] for row in stored()] == [
            ("Autumn", "2026-10-12"),
            ("Christmas", "2026-12-22"),
            ("Exams", "2027-01-18"),
            ("Easter", "2027-03-22"),
        ]

    def test_other_sources_and_other_schools_are_left_alone(self, cast):
        typed = {
            "kind": "exam",
            "title": "Typed",
            "first_day": "2027-05-01",
            "last_day": "2027-05-01",
        }
        add_entry(cast.ada, typed, NOW)
        add_entry(cast.olga, typed, NOW)
        save_import(cast.olga, read_file(cast.olga, self.FIRST, NOW), NOW)
        save_import(cast.ada, read_country(cast.ada, "DE", NOW), NOW)
        before = stored()
        self.take(cast, self.FIRST)
        self.take(cast, table("Only,2027-06-01,2027-06-01,exam"), remove=True)
        assert sorted(stored()) == sorted(
            [
                *before,
                ("Only", "2027-06-01", "exam", "csv"),
                ("Autumn", "2026-10-12", "holiday", "csv"),
            ]
        )

    def test_an_entry_that_was_changed_by_hand_is_set_back(self, cast):
        self.take(cast, self.FIRST)
        row = db.session.query(CalendarEntry).filter_by(title="Exams").one()
        change_entry(cast.ada, row.id, {"title": "Tests"}, NOW)
        self.take(cast, self.FIRST)
        assert "Exams" in {row[0] for row in stored()}

    def test_holidays_of_the_same_name_in_one_year_are_two(self, cast):
        content = table(
            "Break,2027-05-03,2027-05-03,holiday", "Break,2027-02-01,2027-02-01,holiday"
        )
        self.take(cast, content)
        moved = table("Break,2027-05-04,2027-05-04,holiday", "Break,2027-02-01,2027-02-01,holiday")
        assert len(self.take(cast, moved, remove=True).changed) == 1
        assert [row[1] for row in stored()] == ["2027-02-01", "2027-05-04"]

    def test_with_an_error_nothing_is_saved(self, cast):
        content = self.FIRST + b"\nBad,2027-02-30,2027-02-30,exam"
        assert "nothing of it" in refusal(lambda: self.take(cast, content))
        assert stored() == []

    def test_it_is_all_or_nothing(self, cast, monkeypatch):
        def fails(*_arguments):
            raise RuntimeError("planning failed")

        monkeypatch.setattr(calendar, "calendar_changed", fails)
        with pytest.raises(RuntimeError):
            self.take(cast, self.FIRST)
        assert stored() == []

    def test_what_was_looked_at_must_still_be_so(self, cast):
        found = read_file(cast.ada, self.FIRST, NOW)
        seen = look_at(cast.ada, found, NOW).fingerprint
        self.take(cast, self.SECOND)
        with pytest.raises(Conflict, match="look again"):
            save_import(cast.ada, found, NOW, seen=seen)
        assert len(stored()) == 3

    def test_saving_twice_is_harmless(self, cast):
        found = read_file(cast.ada, self.FIRST, NOW)
        seen = look_at(cast.ada, found, NOW).fingerprint
        for _ in range(2):
            save_import(cast.ada, found, NOW, seen=seen)
        assert len(stored()) == 4

    def test_the_change_is_told_once(self, cast, monkeypatch):
        calls = []
        monkeypatch.setattr(calendar, "calendar_changed", lambda *given: calls.append(given[1:]))
        self.take(cast, self.FIRST)
        assert calls == [(cast.school.id, NOW)]

    def test_entries_that_no_reader_made_are_checked_once_more(self, cast):
        for entries in (
            (Found("", TODAY, TODAY, CalendarKind.EXAM, "1"),),
            (Found("A", TODAY, date(2020, 1, 1), CalendarKind.EXAM, "1"),),
            (Found("A", TODAY, TODAY, CalendarKind.EXAM, "1"),) * 2,
        ):
            with pytest.raises(InvalidInput):
                save_import(cast.ada, FoundCalendar(CalendarSource.CSV, entries), NOW)
        assert stored() == []

    @pytest.mark.parametrize("name", ["tom", "uma", "pia", "ana"])
    def test_only_admins_may_import(self, cast, name):
        actor = cast.people[name]
        found = FoundCalendar(CalendarSource.CSV, ())
        for attempt in (
            lambda: read_file(actor, self.FIRST, NOW),
            lambda: read_country(actor, "DE", NOW),
            lambda: look_at(actor, found, NOW),
            lambda: save_import(actor, found, NOW),
        ):
            with pytest.raises(Forbidden):
                attempt()

    @settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.data())
    def test_after_saving_with_removal_the_calendar_is_the_file(self, cast, data):
        titles = st.sampled_from(["A", "B", "C"])
        day = st.dates(date(2026, 12, 1), date(2027, 2, 1))
        rows = st.lists(
            st.tuples(titles, day, st.sampled_from(list(CalendarKind))),
            min_size=1,
            max_size=6,
            unique=True,
        )
        for listed in (data.draw(rows), data.draw(rows)):
            lines = [f"{title},{day},{day},{kind}" for title, day, kind in listed]
            self.take(cast, table(*lines), remove=True)
            assert sorted(stored()) == sorted((t, str(d), k, "csv") for t, d, k in listed)


def test_the_limits_are_the_documented_ones():
    assert (calendar_import.MOST_BYTES, calendar_import.MOST_FOUND) == (1_000_000, 2_000)
