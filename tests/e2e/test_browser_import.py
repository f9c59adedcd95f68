"""An admin brings the school's own export in a browser: looks, saves, brings it again, and errs."""

import io
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from reportapp.extensions import db
from tests.cast import create_cast
from tests.e2e.browser import log_in, open_browser, visit
from tests.e2e.server import Server
from tests.e2e.world import inside, select

SDS = Path(__file__).parents[3] / "shared" / "samples" / "sds-v2.1"
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"


@pytest.fixture(scope="module")
def sample():
    if not SDS.exists():
        pytest.skip(f"THE SAMPLE IS MISSING: {SDS}")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in SDS.iterdir():
            archive.write(path, path.name)
    return buffer.getvalue()


def bring(page: Page, name: str, content: bytes) -> None:
    page.goto("/imports/")
    file = {"name": name, "mimeType": "application/octet-stream", "buffer": content}
    page.get_by_label("The zip file").set_input_files(file)
    page.get_by_role("button", name="Show what would change").click()
    page.wait_for_url("**/imports/*/")


@pytest.mark.xdist_group("e2e-browser")
def test_an_admin_looks_at_the_sample_saves_it_and_the_second_time_nothing_is_left(
    tmp_path, sample
):
    server = Server(tmp_path, SCHEDULER_ENABLED="false")
    with inside(server.env):
        db.create_all()
        create_cast()
    people = 'SELECT count(*) FROM "user"'
    ((before,),) = select(server.env, people)

    with server, open_browser() as browser, visit(browser, server.url, tmp_path) as page:
        log_in(page, "ada@admin.example")
        title = page.get_by_role("heading", level=1)

        bring(page, "sample.zip", sample)
        expect(title).to_have_text("What would change")  # the page follows by itself
        expect(page.get_by_text("Nothing is saved yet.")).to_be_visible()
        expect(page.get_by_text("People: 8 added")).to_be_visible()
        row = page.get_by_role("row").filter(has_text="relationships.csv, line 3")
        expect(row).to_contain_text("“relative”")
        expect(row).to_contain_text("left out on purpose")
        assert select(server.env, people) == [(before,)]

        page.get_by_role("button", name="Save").click()
        expect(title).to_have_text("Saved")
        expect(page.get_by_text("This is what sample.zip has changed.")).to_be_visible()
        assert select(server.env, people) == [(before + 8,)]

        bring(page, "sample.zip", sample)
        expect(title).to_have_text("What would change")
        expect(page.get_by_text("so there is nothing to save")).to_be_visible()
        expect(page.get_by_role("button", name="Save")).to_have_count(0)

        bring(page, "users.csv", PNG)
        expect(title).to_have_text("Nothing was written")
        expect(page.get_by_role("alert")).to_contain_text("This is not a zip file.")
        page.get_by_role("link", name="Choose another file").click()
        expect(page.get_by_text("23 added, 0 changed, 0 deactivated")).to_be_visible()
    assert select(server.env, people) == [(before + 8,)]
    assert server.complaints == []
