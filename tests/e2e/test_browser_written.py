"""A written report in the browser: from a teacher's draft to a parent's yes, and its correction."""

from datetime import timedelta

import pytest
from playwright.sync_api import Locator, Page, expect

from reportapp.documents import Period
from tests.e2e.browser import log_in, open_browser, visit
from tests.e2e.server import Server, flask
from tests.e2e.world import create_recent_cast, inside, select, today

TOM, PIA = "tom@teacher.example", "pia@parent.example"
PHONE = {"width": 390, "height": 844}
WRONG, RIGHT = "Ana helps nobody.", "Ana helps everybody.\n\nShe asks good questions."


@pytest.mark.xdist_group("e2e-browser")
def test_a_parent_reads_what_a_teacher_sent_and_then_only_the_correction(tmp_path):
    server = Server(tmp_path, SCHEDULER_ENABLED="false")
    flask(server.env, "db", "upgrade")
    with inside(server.env):
        create_recent_cast()
    days = Period(today() - timedelta(days=9), today() - timedelta(days=2))
    with (
        server,
        open_browser() as browser,
        visit(browser, server.url, tmp_path) as tom,
        visit(browser, server.url, tmp_path) as pia,
    ):
        pia.set_viewport_size(PHONE)
        log_in(tom, TOM)
        log_in(pia, PIA, home="**/reports/")
        hers = pia.locator(".rows-item").filter(has_text=f"7a Mathematics · {days.words}")

        write_about_ana(tom, days, figures=figures_of(server, days))
        assert versions(server, days) == [(1, "draft", 1, 0, 0)]
        pia.reload()
        expect(hers).to_have_count(0)

        tom.get_by_role("button", name="Send it", exact=True).click()
        expect(tom.get_by_text("The report is sent.")).to_be_visible()
        expect(tom.get_by_text("Not opened yet by Pia Example, Pol Example.")).to_be_visible()
        assert versions(server, days) == [(1, "sent", 1, 0, 0)]

        read_and_confirm(pia, hers)
        assert versions(server, days) == [(1, "read", 1, 1, 1)]
        tom.reload()
        expect(tom.get_by_text("confirmed")).to_be_visible()
        expect(tom.get_by_text("Not opened yet by Pol Example.")).to_be_visible()

        correct(tom)
        assert versions(server, days) == [(1, "archived", 1, 1, 1), (2, "sent", 1, 0, 0)]
        # The parent still has the old one open.
        pia.reload()
        expect(pia.get_by_text("You read an earlier version on")).to_be_visible()
        expect(pia.get_by_text(RIGHT)).to_be_visible()
        expect(pia.get_by_text(WRONG)).to_have_count(0)
        pia.get_by_role("link", name="All reports").click()
        expect(hers).to_have_count(1)
        expect(hers).to_contain_text("Corrected")
    assert not server.complaints


def write_about_ana(tom: Page, days: Period, figures: dict[str, str]) -> None:
    """From the front page to the last look before sending."""
    tom.get_by_role("link", name="Written reports").click()
    tom.get_by_role("link", name="Write").first.click()
    tom.get_by_label("Kind").select_option("student_report")
    tom.get_by_text("Other days").click()
    tom.get_by_label("First day").fill(days.start.isoformat())
    tom.get_by_label("Last day").fill(days.last_day.isoformat())
    tom.get_by_role("button", name="Show").last.click()
    tom.get_by_role("link", name="Start with Ana Example").click()

    for label, value in figures.items():
        figure = tom.locator(".written-figures > div").filter(has_text=label)
        expect(figure.locator("dd")).to_contain_text(value)
    beside, text = tom.locator(".written-figures"), tom.get_by_label("Behaviour")
    left, box = text.bounding_box(), beside.bounding_box()
    assert left
    assert box
    assert box["x"] > left["x"] + left["width"], "the figures do not stand beside the text"

    tom.get_by_label("Grade").fill("2+")
    text.fill(WRONG)
    expect(tom.get_by_label("Show this report to parents")).to_be_checked()
    tom.get_by_role("button", name="Save draft").click()
    expect(tom.get_by_text("The draft is saved. Nobody else sees it yet.")).to_be_visible()
    tom.get_by_role("button", name="Preview and send").click()
    expect(tom.get_by_text("Parents see it: Pia Example, Pol Example.")).to_be_visible()


def read_and_confirm(pia: Page, hers: Locator) -> None:
    pia.reload()
    expect(hers).to_contain_text("New")
    hers.get_by_role("link").click()
    expect(pia.get_by_text(WRONG)).to_be_visible()
    wide = pia.evaluate("document.documentElement.scrollWidth")
    assert wide <= PHONE["width"], "the report is wider than the phone"
    pia.get_by_role("button", name="I have read this").click()
    expect(pia.get_by_text("You told Tom Example")).to_be_visible()


def correct(tom: Page) -> None:
    tom.get_by_role("link", name="Correct it").click()
    expect(tom.get_by_text("Readers go on seeing that one")).to_be_visible()
    tom.get_by_label("Behaviour").fill(RIGHT)
    tom.get_by_role("button", name="Preview and send").click()
    tom.get_by_role("button", name="Send it", exact=True).click()
    expect(tom.get_by_text("Nobody has opened it yet.")).to_be_visible()


def figures_of(server: Server, days: Period) -> dict[str, str]:
    """Ana's in mathematics, counted by plain SQL."""
    of_ana = """student.given_name = 'Ana' and class_group.title = '7a Mathematics'"""
    ((average,),) = select(
        server.env,
        f"""select round(avg(100.0 * result.score / line_item.result_value_max), 1)
        from result join line_item on line_item.id = result.line_item_id
        join class_group on class_group.id = line_item.class_group_id
        join user student on student.id = result.student_id
        where {of_ana} and line_item.due_date >= :first and line_item.due_date < :end""",
        **_bounds(days),
    )
    ((attended, lessons),) = select(
        server.env,
        f"""select sum(status in ('present', 'late', 'partial', 'left_early')), count(*)
        from attendance_record join user student on student.id = student_id
        join class_group on class_group.id = class_group_id
        where {of_ana} and status <> 'excused' and date >= :first and date < :end""",
        **_bounds(days),
    )
    return {
        "Average score": f"{average:.1f} %",
        "Attendance": f"{100 * attended / lessons:.1f} %",
    }


def versions(server: Server, days: Period) -> list[tuple]:
    """Of the report: version, status, whether parents see it, how many have opened and how many
    have confirmed it."""
    rows = select(
        server.env,
        """select version, status, show_to_parent, count(reading.id), count(acknowledged_at)
        from student_report left join report_reading reading
            on reading.report_id = student_report.id and reading.kind = 'student_report'
        where period_start = :first and period_end = :end
        group by student_report.id order by version""",
        **_bounds(days),
    )
    return [tuple(row) for row in rows]


def _bounds(days: Period) -> dict[str, str]:
    return {"first": days.start.isoformat(), "end": days.end.isoformat()}
