"""Any table of attendance or marks: its shape, its values, and what is guessed about it."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportapp.constants import DateOrder, ImportKind
from reportapp.errors import InvalidInput
from reportapp.school.records_guess import guess_mapping
from reportapp.school.records_mapping import check_mapping, for_all_files, from_json, to_json
from reportapp.school.records_table import MOST_ROWS, read_table
from reportapp.school.records_values import (
    date_orders,
    read_day,
    read_lesson,
    read_number,
    read_yes,
)
from tests.school.records import LESSONS, WHOLE_DAYS, file_of, sample

DAYS = st.dates(date(2000, 1, 1), date(2100, 12, 31))
WRITTEN = {
    DateOrder.YEAR_FIRST: [
        "{0:%Y-%m-%d}",
        "{0:%Y%m%d}",
        "{0:%Y/%m/%d}",
        "{0.year}-{0.month}-{0.day}",
    ],
    DateOrder.DAY_FIRST: ["{0:%d/%m/%Y}", "{0.day}.{0.month}.{0.year}", "{0:%d-%m-%Y}"],
    DateOrder.MONTH_FIRST: ["{0:%m/%d/%Y}", "{0.month}/{0.day}/{0.year}", "{0:%m-%d-%Y}"],
}
TIMES = st.sampled_from(["", " 00:00:00", "T08:30:00", " 8:30 AM"])


class TestDays:
    @given(DAYS, st.sampled_from(DateOrder), st.data(), TIMES)
    def test_a_day_is_read_back_in_its_own_order(self, day, order, data, time):
        text = data.draw(st.sampled_from(WRITTEN[order])).format(day) + time
        assert read_day(text, order) == day

    @given(st.lists(DAYS, min_size=1), st.sampled_from(DateOrder), st.data())
    def test_the_order_is_certain_only_when_no_other_one_fits(self, days, order, data):
        pattern = data.draw(st.sampled_from(WRITTEN[order]))
        values = [pattern.format(day) for day in days]
        orders = date_orders(values)
        assert order in orders
        slashed = order is not DateOrder.YEAR_FIRST and "." not in values[0]
        assert (len(orders) > 1) == (slashed and all(day.day <= 12 for day in days))

    def test_one_value_past_the_twelfth_decides(self):
        assert date_orders(["1/9/2019", "2/9/2019"]) == ["day_first", "month_first"]
        assert date_orders(["1/9/2019", "13/9/2019"]) == ["day_first"]
        assert date_orders(["1/9/2019", "9/13/2019"]) == ["month_first"]
        assert date_orders(["1/9/2019", "13/9/2019", "9/13/2019"]) == ["day_first", "month_first"]
        assert date_orders(["", "soon"]) == []

    @given(st.text(), st.sampled_from(DateOrder))
    def test_any_text_is_a_day_or_told_what_would_be_right(self, text, order):
        told = ""
        try:
            assert isinstance(read_day(text, order), date)
        except ValueError as error:
            told = str(error)
        assert told == "" or told.endswith(".")

    @pytest.mark.parametrize("text", ["30/2/2026", "31/4/2026", "1/9", "1/9-2026", "٣/٩/٢٠٢٦"])
    def test_no_such_days(self, text):
        with pytest.raises(ValueError, match="31/12/2026"):
            read_day(text, DateOrder.DAY_FIRST)


class TestValues:
    @pytest.mark.parametrize(
        ("text", "lesson"),
        [("3", 3), ("P3", 3), ("Period 3", 3), ("3rd", 3), ("3.", 3), ("AM", 1), ("pm", 2)],
    )
    def test_lessons(self, text, lesson):
        assert read_lesson(text) == lesson

    @pytest.mark.parametrize("text", ["", "soon", "100", "1-2", "-1", "3a", "²", "9" * 5000])
    def test_no_lessons(self, text):
        with pytest.raises(ValueError, match="number of the lesson"):
            read_lesson(text)

    @pytest.mark.parametrize(
        ("text", "number"), [("92", 92), ("92.5", 92.5), ("92,5", 92.5), ("80 %", 80), ("0", 0)]
    )
    def test_numbers(self, text, number):
        assert read_number(text) == number

    @pytest.mark.parametrize("text", ["-1", "1,234", "nan", "inf", "1e9", "A", "١", "9" * 5000])
    def test_no_numbers(self, text):
        with pytest.raises(ValueError, match="Write a number"):
            read_number(text)

    def test_yes_and_no(self):
        assert [read_yes(text) for text in ("Yes", "TRUE", "1", "", "No", "0")] == [
            *[True] * 3,
            *[False] * 3,
        ]
        with pytest.raises(ValueError, match="yes or no"):
            read_yes("maybe")


class TestTables:
    @pytest.mark.parametrize("separator", [",", ";", "\t"])
    @pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf", b"sep=|\n", b"\xef\xbb\xbfsep=|\r\n"])
    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
    def test_separators_line_ends_and_marks_do_not_matter(self, tmp_path, separator, mark, end):
        rows = [['"Name, first; last"', "Day", "Code"], ["", "", ""], ['"a ""b"""', " 1 ", "P"]]
        text = end.join(separator.join(row) for row in rows) + end
        path = tmp_path / "any.csv"
        path.write_bytes(mark.replace(b"|", separator.encode()) + text.encode())
        table = read_table(path)
        assert table.columns == ("Name, first; last", "Day", "Code")
        assert [row.cells for row in table.rows()] == [['a "b"', "1", "P"]]
        assert next(table.rows()).line == (4 if b"sep" in mark else 3)

    def test_a_cell_of_two_lines_does_not_disturb_the_count_of_lines(self, tmp_path):
        path = file_of(tmp_path, "a,b", '"x', 'y",1', "z,2")
        assert [row.line for row in read_table(path).rows()] == [2, 4]

    @pytest.mark.parametrize("separator", [",", ";", "\t"])
    def test_a_column_may_have_a_name_of_two_lines(self, tmp_path, separator):
        path = file_of(tmp_path, f'"Student,\nID"{separator}Code', f"1{separator}P")
        assert read_table(path).columns == ("Student, ID", "Code")

    def test_columns_without_a_name_or_with_the_same_one_are_told_apart(self, tmp_path):
        assert read_table(file_of(tmp_path, "a,a,,b", "1,2,3,4")).columns == (
            "a",
            "a (2)",
            "Column 3",
            "b",
        )

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (b"", "empty"),
            (b"\xef\xbb\xbf\r\n\r\n", "empty"),
            (b"\x89PNG\r\n\x1a\n\x00\x00\x00", "no text in UTF-8"),
            ("a,b\n1,2".encode("utf-16"), "no text in UTF-8"),
            ("a,b\n1,2".encode("utf-16-le"), "no text in UTF-8"),
            ("a,b\n1,2\nGröße,3".encode("latin-1"), "Line 3"),
            (b"a,b\n" + b"1,2\n" * 5000 + b"\0,1", "no text in UTF-8"),
            (b"only one column\nx", "must name the columns"),
            (b'a,b\n1,"open', "from line 2 on"),
            (b"a,b\n" + b"x" * 300_000, "cannot be read as a table"),
            (b"x" * 300_000, "cannot be read as a table"),
            (b"a,b\n" + b"," * 1_000_000, "Line 2 is too long"),
            (b"," * 1_000_000, "Line 1 is too long"),
            (b"a," * 150 + b"b", "at most 100"),
            (b"a," + b"b" * 101, "names of the columns"),
            (b"a,b\x07\n1,2", "names of the columns"),
            (b"sep=,\n", "must name the columns"),
            (b",,\n,,\n", "must name the columns"),
        ],
    )
    def test_what_is_no_table_is_refused_in_words(self, tmp_path, content, words):
        path = tmp_path / "wrong.csv"
        path.write_bytes(content)
        with pytest.raises(InvalidInput, match=words):
            list(read_table(path).rows())

    def test_too_many_rows_are_refused(self, tmp_path):
        path = tmp_path / "long.csv"
        path.write_text("a,b\n" + "1,2\n" * (MOST_ROWS + 1))
        with pytest.raises(InvalidInput, match="at most 300,000 rows"):
            list(read_table(path).rows())

    @given(st.binary(max_size=300))
    def test_any_file_is_a_table_or_refused(self, tmp_path_factory, content):
        path = tmp_path_factory.mktemp("any") / "any.csv"
        path.write_bytes(content)
        refused = ["file"]
        try:
            table = read_table(path)
            guess_mapping(ImportKind.ATTENDANCE, table)
            guess_mapping(ImportKind.MARKS, table)
        except InvalidInput as error:
            refused = list(error.fields)
        assert refused == ["file"]


class TestGuesses:
    def test_both_samples_of_attendance_are_read_without_asking(self):
        for name, order in ((WHOLE_DAYS, "year_first"), (LESSONS, "day_first")):
            guess = guess_mapping(ImportKind.ATTENDANCE, read_table(sample(name)))
            assert guess.data == {
                "student": "student_id",
                "day": "attendance_date",
                "code": "AttendanceCode",
                "group": "section_id",
                "lesson": "Period",
                "all_day": "all_day",
                "date_order": order,
                "codes": {"P": "present", "A": "absent"},
                "others": "unknown",
            }

    def test_what_is_not_certain_is_left_open(self, tmp_path):
        path = file_of(tmp_path, "Pupil;Date;Status", "1;1/2/2026;L", "1;2/2/2026;Zebra")
        guess = guess_mapping(ImportKind.ATTENDANCE, read_table(path))
        assert guess.data == {
            "student": "Pupil",
            "day": "Date",
            "code": "Status",
            "codes": {"L": "late"},
        }
        assert guess.orders == ["day_first", "month_first"]
        assert guess.counts == {"L": 1, "Zebra": 1}

    def test_a_mark_column_is_of_numbers_or_of_words_by_what_is_in_it(self, tmp_path):
        words = file_of(tmp_path, "student,class,mark", "a,m,A-", "b,m,C", name="words.csv")
        numbers = file_of(tmp_path, "student,class,mark", "a,m,12", "b,m,13", name="numbers.csv")
        guesses = [
            guess_mapping(ImportKind.MARKS, read_table(path)).data for path in (words, numbers)
        ]
        assert "number" not in guesses[0]
        assert (guesses[0]["letter"], guesses[1]["number"]) == ("mark", "mark")

    def test_spellings_of_a_code_count_together(self, tmp_path):
        path = file_of(tmp_path, "student,date,code", *[f"1,2026-01-01,{c}" for c in "PpAaa"])
        counts = guess_mapping(ImportKind.ATTENDANCE, read_table(path)).counts
        assert counts == {"P": 2, "A": 3}


ATTENDANCE = {
    "student": "a",
    "day": "b",
    "code": "c",
    "date_order": "year_first",
    "codes": {"P": "present", "x": "leave_out"},
    "others": "present",
    "first_day": "2026-11-01",
}
COLUMNS = ["a", "b", "c", "d", "e"]


class TestMappings:
    def test_it_is_read_back_as_it_was_kept(self):
        mapping = check_mapping(ImportKind.ATTENDANCE, ATTENDANCE, COLUMNS)
        text = to_json(mapping, COLUMNS)
        assert from_json(ImportKind.ATTENDANCE, text) == (mapping, COLUMNS)
        assert for_all_files(mapping).first_day is None
        data = {"student": "a", "group": "b", "letter": "c", "due": "2026-11-01"}
        mapping = check_mapping(ImportKind.MARKS, data, COLUMNS)
        text = to_json(mapping, COLUMNS)
        assert from_json(ImportKind.MARKS, text) == (mapping, COLUMNS)

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"student": ""}, "student"),
            ({"student": "z"}, "student"),
            ({"code": "a"}, "code"),
            ({"date_order": None}, "date_order"),
            ({"date_order": "any"}, "date_order"),
            ({"others": []}, "others"),
            ({"codes": {}}, "codes"),
            ({"codes": {"P": "happy"}}, "codes"),
            ({"codes": {"P": "present", "p": "absent"}}, "codes"),
            ({"codes": 5}, "codes"),
            ({"codes": "P"}, "codes"),
            ({"first_day": "soon"}, "first_day"),
            ({"last_day": "2026-10-01"}, "last_day"),
        ],
    )
    def test_what_is_wrong_is_told_by_field(self, changes, field):
        with pytest.raises(InvalidInput) as caught:
            check_mapping(ImportKind.ATTENDANCE, {**ATTENDANCE, **changes}, COLUMNS)
        assert list(caught.value.fields) == [field]

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"group": ""}, "group"),
            ({"letter": ""}, "number"),
            ({"highest": "0"}, "highest"),
            ({"highest": "nan"}, "highest"),
            ({"due": "2026-02-30"}, "due"),
        ],
    )
    def test_the_same_for_marks(self, changes, field):
        data = {"student": "a", "group": "b", "letter": "c", **changes}
        with pytest.raises(InvalidInput) as caught:
            check_mapping(ImportKind.MARKS, data, COLUMNS)
        assert list(caught.value.fields) == [field]

    @pytest.mark.parametrize(
        "text", ["", "5", "[]", "{", "null", '{"columns": []}', '{"columns": ["a"], "new": 1}']
    )
    def test_anything_else_that_was_kept_is_refused(self, text):
        with pytest.raises(InvalidInput):
            from_json(ImportKind.ATTENDANCE, text)
