"""How long files are kept once more, on PostgreSQL: every test of `test_files_purge`, and what only
this database does beside each other."""

from threading import Thread

import pytest
from sqlalchemy import select, update

from reportapp.extensions import db
from reportapp.models import ReportFile
from tests.cast import NOW, create_order
from tests.schedules.test_files_purge import *  # noqa: F403
from tests.schedules.test_files_purge import DAY, known, on_disk, purge, send

pytestmark = pytest.mark.xdist_group("postgresql")


@pytest.fixture
def database_url(postgresql):
    return postgresql


def test_a_file_that_becomes_part_of_a_mail_just_now_stays_and_is_not_waited_for(app, cast, smtp):
    send(create_order(cast.tom, cast.pia, cast.uwe), NOW)
    first, second = known()
    kept = first.sha256
    assert kept != second.sha256
    used = update(ReportFile).where(ReportFile.sha256 == kept).values(last_used_at=NOW + 91 * DAY)
    removed = []

    def purge_elsewhere():
        with app.app_context():
            removed.append(purge(NOW + 91 * DAY))

    with db.engine.connect() as sender, sender.begin():
        sender.execute(used)
        thread = Thread(target=purge_elsewhere)
        thread.start()
        thread.join(10)
        assert removed == [1]
    assert [path.name for path in on_disk()] == [kept]
    assert db.session.scalars(select(ReportFile.sha256)).all() == [kept]
