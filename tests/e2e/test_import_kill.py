"""An import whose process is killed: all of it is there or nothing, and its page says which."""

import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func
from sqlalchemy import select as query

from reportapp import clock
from reportapp.constants import ImportStatus
from reportapp.extensions import Base, db
from reportapp.models import ImportRun, User
from reportapp.school.import_runs import DEAD_AFTER, get_run, imports_root, purge
from reportapp.school.import_work import start_check, start_save
from reportapp.school.oneroster import check_oneroster, save_oneroster
from tests.cast import create_cast
from tests.e2e.dying_import import MOMENTS
from tests.e2e.server import ROOT, environment
from tests.e2e.world import inside
from tests.school.bundles import write_large, zipped


def counts() -> dict[str, int]:
    tables = [table for table in Base.metadata.sorted_tables if table.name != "import_run"]
    return {
        table.name: db.session.scalar(query(func.count()).select_from(table)) or 0
        for table in tables
    }


def joined(run_id: int) -> None:
    for thread in threading.enumerate():
        if thread.name == f"import-{run_id}":
            thread.join(60)
    db.session.rollback()


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_at_any_moment_it_is_wholly_there_or_not_at_all_and_says_so(moment, tmp_path):
    folder = write_large(tmp_path / "bundle", 60, 300)
    bundle = tmp_path / "school.zip"
    bundle.write_bytes(zipped({path.stem: path.read_bytes() for path in folder.glob("*.csv")}))
    (tmp_path / "tmp").mkdir()
    env = environment(tmp_path, {}) | {"TMPDIR": str(tmp_path / "tmp")}
    with inside(env):
        db.create_all()
        create_cast()
        before = counts()
        command = [sys.executable, "-m", "tests.e2e.dying_import", str(bundle), moment]
        done = subprocess.run(
            command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == -signal.SIGKILL, done.stderr

        db.session.rollback()
        assert db.session.connection().exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        ada = db.session.scalars(query(User).where(User.email.like("ada@%"))).one()
        run_id = db.session.scalars(query(ImportRun.id)).one()
        later = datetime.now(UTC) + DEAD_AFTER + timedelta(seconds=1)
        found = get_run(ada, run_id, later)
        after = counts()
        assert list((tmp_path / "tmp").iterdir()) == [], "children's data was left behind"
        if moment == "save, after the commit":
            assert found.run.status is ImportStatus.DONE
            assert (found.is_broken, found.is_running) == (False, False)
            assert {one["name"]: one["added"] for one in found.summary["kinds"]}["result"] == 300
            assert after["result"] == before["result"] + 300
        else:
            assert (found.is_broken, found.can_be_tried) == (True, True)
            assert after == before
            at = clock.fixed(later)
            start_check(ada, run_id, check_oneroster, at)
            joined(run_id)
            seen = get_run(ada, run_id, later).fingerprint
            start_save(ada, run_id, save_oneroster, at, seen=seen)
            joined(run_id)
            assert get_run(ada, run_id, later).run.status is ImportStatus.DONE
            assert counts()["result"] == before["result"] + 300

        purge(later + timedelta(days=2))
        assert list(imports_root().iterdir()) == []
