"""A sender that is killed again and again, at random moments and at each named point: nothing is
lost, nothing is sent twice, and the ledger tells what nobody can know."""

import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from threading import Event, Timer

import pytest

from tests.chaos.conftest import LONG
from tests.chaos.sender import AT_THE_END, PER_BATCH, PER_MAIL, start_sender
from tests.chaos.world import compare, create_large_school, run_all, still_open
from tests.e2e.server import ROOT, environment, wait_for

RECIPIENTS = 2000 if LONG else 500
RANDOM_KILLS = 40 if LONG else 3
#: All of them in the long form; in the short one each database, number and mode comes up twice.
COMBINATIONS = [
    (database, sessions, mode)
    for database in ("sqlite", "postgresql")
    for sessions in (1, 4)
    for mode in ("hold", "resend")
    if LONG or (database == "sqlite") == ((sessions == 1) == (mode == "hold"))
]

pytestmark = [pytest.mark.timeout(900), pytest.mark.xdist_group("postgresql")]


@pytest.fixture(scope="module")
def schools(tmp_path_factory, postgresql_server):
    """{database: school}, made once for all tests of this module."""
    folder = tmp_path_factory.mktemp("chaos")
    urls = {"sqlite": f"sqlite:///{folder / 'chaos.db'}", "postgresql": postgresql_server}
    return {
        name: create_large_school(environment(folder, {"DATABASE_URL": url}), RECIPIENTS)
        for name, url in urls.items()
    }


def ended(process) -> bool:
    """Waits for a sender; whether it came to its own end."""
    process.join(120)
    assert process.exitcode in (0, -signal.SIGKILL), f"the sender ended with {process.exitcode}"
    return process.exitcode == 0


@dataclass
class Killer:
    """Kills a sender when some more mails have arrived, in the middle of whatever it does then."""

    server: object
    kills: int = 0
    _due: int | None = None
    _process: object = None
    _shot: Event = field(default_factory=Event)

    def kill_after(self, process, mails: int) -> None:
        self._process, self._due = process, len(self.server.kept) + mails
        self.server.on_kept = self._kept
        self.kills += not ended(process)
        self.server.on_kept = lambda kept: None

    def _kept(self, _mail) -> None:
        if self._due is not None and len(self.server.kept) >= self._due:
            self._due = None
            # Now, before the server has said yes, or up to some mails later.
            pause = random.choice((0, random.uniform(0, 0.006)))
            if pause:
                Timer(pause, self._process.kill).start()
            else:
                self._process.kill()
                time.sleep(0.002)


@pytest.mark.parametrize(("database", "sessions", "mode"), COMBINATIONS)
def test_whenever_a_sender_is_killed_nothing_is_lost_and_nothing_is_sent_twice(
    database, sessions, mode, schools, server, record_property
):
    school = schools[database].with_settings(
        MAIL_SERVER="127.0.0.1",
        MAIL_PORT=server.port,
        DELIVERY_WORKERS=sessions,
        AMBIGUOUS_DELIVERY=mode,
    )
    # Each number of sessions and each database meets servers that know it and some that do not.
    if (database == "sqlite") == (sessions == 4):
        server.extensions = ("PIPELINING",)
    runs = run_all(school)
    begun, killer, missed = time.monotonic(), Killer(server), []
    plan = [*PER_MAIL, *PER_BATCH, *[None] * RANDOM_KILLS]
    random.shuffle(plan)
    # Every kill leaves something to be done for all those that follow.
    stride = RECIPIENTS // (len(plan) + 2)
    for point in plan:
        if point is None:
            killer.kill_after(start_sender(school.env), random.randint(1, stride))
        else:
            number = random.randint(1, stride) if point in PER_MAIL else 1
            if ended(start_sender(school.env, point, number)):
                missed.append(point)
            else:
                killer.kills += 1
    for point in AT_THE_END:
        if ended(start_sender(school.env, point)):
            missed.append(point)
        else:
            killer.kills += 1
    wait_for(
        lambda: ended(start_sender(school.env)) and not still_open(school, runs), "the end", 60
    )

    found = compare(school, runs, server)
    unknown = found.statuses["unknown"]
    record_property(
        "figures",
        f"{database:10} {sessions} session{'s' * (sessions > 1):1} {mode:6}: {RECIPIENTS} mails, "
        f"{killer.kills} kills: arrived {found.arrived}, repeated {found.repeated}, "
        f"lost {found.lost}, unknown {unknown}, neither arrived nor unknown {found.forgotten} "
        f"({time.monotonic() - begun:.0f} s)",
    )
    assert missed == []
    assert found.lost == found.forgotten == 0
    assert found.statuses["sent"] + unknown == RECIPIENTS
    if mode == "hold":
        assert found.repeated == 0
        assert unknown <= killer.kills * sessions
    else:
        assert (found.arrived, unknown) == (RECIPIENTS, 0)


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
@pytest.mark.parametrize("asked_by", [signal.SIGTERM, *([signal.SIGINT] if LONG else [])])
def test_a_sender_that_is_asked_to_end_leaves_nothing_uncertain(
    database, asked_by, schools, server, record_property
):
    school = schools[database].with_settings(
        MAIL_SERVER="127.0.0.1", MAIL_PORT=server.port, DELIVERY_WORKERS=4
    )
    runs = run_all(school)
    asked = 0
    while still_open(school, runs) and (LONG or not asked):
        command = [sys.executable, "-m", "flask", "reports", "deliver"]
        with subprocess.Popen(command, cwd=ROOT, env=dict(school.env)) as process:
            enough = len(server.kept) + random.randint(1, RECIPIENTS // 2)
            wait_for(
                lambda mails=enough, sender=process: (
                    len(server.kept) >= mails or sender.poll() is not None
                ),
                "some mails",
                pause=0.002,
            )
            process.send_signal(asked_by)
            assert process.wait(60) == 0
            asked += len(server.kept) < RECIPIENTS
    assert ended(start_sender(school.env, alone=False))
    found = compare(school, runs, server)
    record_property(
        "figures",
        f"{database:10} {asked_by.name}, {asked} times: arrived {found.arrived}, "
        f"repeated {found.repeated}, unknown {found.statuses['unknown']}",
    )
    assert asked
    assert (found.arrived, found.repeated) == (RECIPIENTS, 0)
    assert found.statuses == {"sent": RECIPIENTS}


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_four_senders_at_once_send_each_mail_once(database, schools, server, record_property):
    school = schools[database].with_settings(
        MAIL_SERVER="127.0.0.1", MAIL_PORT=server.port, DELIVERY_WORKERS=2
    )
    runs = run_all(school)
    senders = [start_sender(school.env, alone=False) for _ in range(4)]
    assert [ended(each) for each in senders] == [True] * 4
    found = compare(school, runs, server)
    record_property(
        "figures",
        f"{database:10} four senders at once: arrived {found.arrived}, repeated {found.repeated}",
    )
    assert found.statuses == {"sent": RECIPIENTS}
    assert (found.arrived, found.repeated) == (RECIPIENTS, 0)
