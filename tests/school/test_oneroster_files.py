"""Files that are no bundle, hostile ones, and every way in which a right one may be written."""

import csv
import io
import random
import struct
import zipfile
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reportapp.errors import InvalidInput
from reportapp.school import oneroster_source
from reportapp.school.import_files import ProblemList, Progress, read_problems
from reportapp.school.oneroster_source import Source
from reportapp.school.oneroster_stage import Stage
from tests.school.bundles import manifest, small, table, write, zipped

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"


def load(path, folder):
    """The stage of a bundle, and its problems."""
    problems = ProblemList(folder / "problems.csv")
    stage = Stage(folder / "stage.db", problems, Progress())
    try:
        source = Source(path)
        try:
            stage.load(source)
        finally:
            source.close()
    except InvalidInput:
        stage.close()
        raise
    finally:
        problems.close()
    return stage, read_problems(problems.path, 1000)


@pytest.fixture
def refusal(tmp_path):
    """Why a bundle (a zip's bytes, or files by name) is refused."""

    def why(content):
        if isinstance(content, bytes):
            path = tmp_path / "upload"
            path.write_bytes(content)
        else:
            path = write(tmp_path / "bundle", content)
        with pytest.raises(InvalidInput) as caught:
            load(path, tmp_path)
        return caught.value.fields["file"][0]

    return why


def archive(*entries):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in entries:
            made.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "name", ["../users.csv", "/users.csv", "a/../../users.csv", "C:/users.csv"]
)
def test_a_path_that_leads_out_is_refused(refusal, name):
    assert "leads out" in refusal(archive((name, small()["users"])))


def test_a_zip_that_grows_suspiciously_is_refused(refusal, monkeypatch):
    bomb = archive(("users.csv", b"sourcedId\n" + b"0" * 5_000_000))
    assert "suspiciously large" in refusal(bomb)
    monkeypatch.setattr(oneroster_source, "MOST_BYTES", 1_000)
    assert "larger than 2 GB" in refusal(archive(("users.csv", b"x" * 2_000)))


def test_a_zip_that_lies_about_its_size_is_called_damaged(refusal):
    honest = archive(("users.csv", "sourcedId,givenName,familyName\n" + "a,b,c\n" * 9_000))
    size = struct.pack("<I", 31 + 6 * 9_000)
    assert honest.count(size) == 2
    assert "damaged" in refusal(honest.replace(size, struct.pack("<I", 100)))


def test_however_a_zip_is_damaged_it_is_called_so(tmp_path):
    chance, honest = random.Random(7), zipped({"courses": "sourcedId,title\n" + "a,b\n" * 9})
    for _ in range(400):
        damaged = bytearray(honest)
        for _ in range(chance.randrange(1, 5)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        (tmp_path / "upload").write_bytes(damaged)
        with suppress(InvalidInput):
            source = Source(tmp_path / "upload")
            try:
                for name in source.names:
                    list(source.rows(name))
            finally:
                source.close()


def test_too_many_files_and_the_same_name_twice_are_refused(refusal):
    many = archive(*((f"x{number}.csv", "a") for number in range(300)))
    assert "300 files" in refusal(many)
    assert "two files named users.csv" in refusal(
        archive(("a/users.csv", "a"), ("b/users.csv", "a"))
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (PNG, "not a zip file"),
        (b"sourcedId,givenName\n1,2\n", "not a zip file"),
        (archive(("readme.txt", "hello")), "no CSV files"),
        (archive(("other.csv", "a,b\n")), "None of the files of OneRoster"),
        ({"users": PNG}, "not a text file"),
        ({"users": "sourcedId,givenName".encode("utf-16")}, "UTF-16"),
        ({"users": "sourcedId,givenName,familyName\n\nJürgen\n".encode("latin-1")}, "line 3"),
        ({"users": b"sourcedId,givenName,familyName\na\x00b\n"}, "not a text file"),
        ({"users": "sourcedId;givenName;familyName\n"}, "semicolons"),
        ({"users": "sourcedId,givenName\n"}, "no column familyName"),
        ({"users": "sourcedId,sourced_id,givenName,familyName\n"}, "sourcedid twice"),
        ({"users": 'sourcedId,givenName,familyName\n"a,b,c\n'}, "no proper CSV"),
        ({"users": "sourcedId,givenName,familyName\n" + "x" * 1_000_001}, "not a text file"),
        ({"users": "sourcedId,givenName,familyName\n" + '"\n",' * 300_000}, "begins on line 2 of"),
        ({"users": small()["users"], "manifest": manifest("full", "users")}, "“full”"),
    ],
)
def test_what_is_no_bundle_is_refused_in_words(refusal, content, words):
    assert words in refusal(content)


def test_a_folder_inside_the_zip_and_what_macs_add_are_fine(tmp_path):
    path = tmp_path / "upload"
    path.write_bytes(archive(
        *((f"export/{name}.csv", text) for name, text in small().items()),
        ("__MACOSX/export/._users.csv", b"\x00\x05"),
    ))  # fmt: skip
    stage, problems = load(path, tmp_path)
    assert stage.sql.execute("SELECT count(*) FROM f_users").fetchone() == (4,)
    assert problems == []


def test_a_zip_and_a_folder_say_the_same(tmp_path):
    path = tmp_path / "upload"
    path.write_bytes(zipped(small()))
    one, _ = load(path, tmp_path)
    rows = one.sql.execute("SELECT * FROM f_results").fetchall()
    (tmp_path / "two").mkdir()
    two, _ = load(write(tmp_path / "b", small()), tmp_path / "two")
    assert rows == two.sql.execute("SELECT * FROM f_results").fetchall()


def test_passwords_never_reach_even_the_temporary_file(tmp_path):
    stage, _ = load(write(tmp_path / "b", small()), tmp_path)
    assert not any("P@ss" in str(row) for row in stage.sql.execute("SELECT * FROM f_users"))
    assert "Passwords are never read." in stage.notes


def test_a_row_of_another_width_is_listed_with_its_line(tmp_path):
    files = {"courses": table("sourcedId,title,subjects", "k1,Maths", '"k\n2",A,B,C', "k3,x,y")}
    stage, problems = load(write(tmp_path / "b", files), tmp_path)
    assert [(one.line, one.column) for one in problems] == [(2, ""), (3, "")]
    assert stage.unsure == {"courses"}


ORDER = (
    "sourcedId", "lineItemSourcedId", "studentSourcedId", "scoreStatus", "score", "textScore",
    "scoreDate", "comment",
)  # fmt: skip
names = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=20
)


@st.composite
def written(draw):
    """Results, and a file that says them in one of the many ways that are right."""
    statuses = ["fully graded", "partially graded", "submitted", "not submitted", "exempt"]
    rows = draw(
        st.lists(
            st.fixed_dictionaries(
                {
                    "sourcedId": names,
                    "lineItemSourcedId": names,
                    "studentSourcedId": names,
                    "scoreStatus": st.sampled_from(statuses),
                    "score": st.none() | st.floats(-1e6, 1e6),
                    "textScore": st.none() | names,
                    "scoreDate": st.none()
                    | st.dates().filter(lambda day: 1900 <= day.year <= 2200),
                    "comment": st.none() | names,
                }
            ),
            unique_by=lambda row: row["sourcedId"],
            max_size=8,
        )
    )
    chance = random.Random(draw(st.integers()))
    columns = (
        [*rows[0], "metadata.x", "ext_y"]
        if rows
        else ["sourcedId", "lineItemSourcedId", "studentSourcedId"]
    )
    chance.shuffle(columns)
    buffer = io.StringIO(newline="")
    writer = csv.writer(
        buffer,
        quoting=chance.choice([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
        lineterminator=chance.choice(["\n", "\r\n"]),
    )
    writer.writerow([chance.choice([str, str.upper, str.lower])(column) for column in columns])
    for row in rows:
        cells = []
        for column in columns:
            value = row.get(column)
            if column == "scoreStatus":
                value = chance.choice([str, str.upper, str.title])(value)
                value = value.replace(" ", chance.choice([" ", "_", ""]))
            cells.append("" if value is None else repr(value) if column == "score" else str(value))
        writer.writerow(cells)
    text = buffer.getvalue().encode()
    return rows, b"\xef\xbb\xbf" + text if chance.random() < 0.5 else text


@given(written())
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_however_a_file_is_written_it_says_the_same(tmp_path_factory, made):
    rows, content = made
    folder = tmp_path_factory.mktemp("round")
    stage, problems = load(write(folder / "b", {"results": content}), folder)
    assert problems == []
    found = stage.sql.execute(f"SELECT {', '.join(ORDER)} FROM f_results ORDER BY line").fetchall()
    stage.close()
    assert found == [
        tuple(str(row[name]) if name == "scoreDate" and row[name] else row[name] for name in ORDER)
        for row in rows
    ]


@given(st.binary(max_size=400))
@settings(max_examples=200)
def test_no_bytes_at_all_break_it(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("bytes")
    header = b"sourcedId,givenName,familyName,email\n"
    with suppress(InvalidInput):
        stage, _ = load(write(folder / "b", {"users": header + content}), folder)
        stage.close()
