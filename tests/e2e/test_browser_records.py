"""From a school's own attendance export, by a browser, to records; and the same file once more."""

import pytest
from playwright.sync_api import Page, expect

from tests.cast import create_cast
from tests.e2e.browser import log_in, open_browser, visit
from tests.e2e.server import Server, flask
from tests.e2e.world import inside, select
from tests.school.records import name_cast

ADA = "ada@admin.example"
LINES = (
    "Pupil No;Day;Group;Hour;Status;Remark",
    "ana-1;01/09/2026;maths;3;here;",
    "ben-1;01/09/2026;maths;3;bus;late bus",
    "ana-1;01/09/2026;english;4;here;",
    "ana-1;02/09/2026;maths;3;bus;",
    "gone-1;02/09/2026;maths;3;here;",
)
STORED = (
    "SELECT u.sourced_id, g.sourced_id, a.date, a.lesson, a.status FROM attendance_record a "
    'JOIN "user" u ON u.id = a.student_id JOIN class_group g ON g.id = a.class_group_id '
    "WHERE a.date IN ('2026-09-01', '2026-09-02') AND a.lesson > 2 ORDER BY 3, 1, 4"
)


@pytest.mark.xdist_group("e2e-browser")
def test_an_attendance_file_is_understood_saved_and_the_next_time_changes_nothing(tmp_path):
    server = Server(tmp_path)
    flask(server.env, "db", "upgrade")
    with inside(server.env):
        name_cast(create_cast())
    path = tmp_path / "September.csv"
    path.write_text("\n".join(LINES), encoding="utf-8-sig")

    with server, open_browser() as browser, visit(browser, server.url, tmp_path) as page:
        log_in(page, ADA)
        page.locator("summary", has_text="School").click()
        page.get_by_role("link", name="Attendance and marks").click()
        upload(page, path)
        choose(page)
        errors = page.get_by_role("region", name="1 error in the file")
        expect(errors).to_contain_text("gone-1")
        figures = page.get_by_role("region", name="In figures")
        expect(figures).to_contain_text("To be added: 2 present, 2 late.")
        assert select(server.env, STORED) == []
        page.get_by_label("Save the other rows without the 1 rejected one").check()
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Saved")
        assert select(server.env, STORED) == [
            ("ana-1", "maths", "2026-09-01", 3, "present"),
            ("ana-1", "english", "2026-09-01", 4, "present"),
            ("ben-1", "maths", "2026-09-01", 3, "late"),
            ("ana-1", "maths", "2026-09-02", 3, "late"),
        ]

        page.get_by_role("link", name="Choose the next file").click()
        upload(page, path)
        expect(
            page.get_by_text("The choices are those that were kept as “Weekly”.")
        ).to_be_visible()
        page.get_by_role("button", name="Show what would change").click()
        expect(page.get_by_text("are there already, so there is nothing to save.")).to_be_visible()
        tally = page.locator(".tally li")
        words = ["0records to be added", "0to be changed", "4as they are already", "1row rejected"]
        expect(tally).to_have_text(words)
    assert server.complaints == []


def upload(page: Page, path) -> None:
    page.get_by_role("radio", name="Attendance").check()
    page.get_by_label("File", exact=True).set_input_files(path)
    page.get_by_role("button", name="Next: what the columns mean").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("What the columns mean")


def choose(page: Page) -> None:
    """What the page cannot know; another column of codes shows its codes at once."""
    page.get_by_label("Student", exact=True).select_option("Pupil No")
    page.get_by_label("Attendance code", exact=True).select_option("Remark")
    page.get_by_label("late bus").wait_for()
    expect(page.get_by_label("Student", exact=True)).to_have_value("Pupil No")
    page.get_by_label("Attendance code", exact=True).select_option("Status")
    expect(page.get_by_text("Both can be meant; please say which.")).to_be_visible()
    page.get_by_label("01/09/2026 is 1 September 2026").check()
    page.get_by_label("here").select_option("Present")
    page.get_by_label("bus").select_option("Late")
    page.get_by_label("Everybody has a row").check()
    page.get_by_label("Keep these choices under the name").fill("Weekly")
    page.get_by_role("button", name="Show what would change").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("What would change")
