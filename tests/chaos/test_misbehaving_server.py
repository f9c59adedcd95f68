"""A mail server that misbehaves in every way at every stage: each delivery ends in the state that
the server's own account of what it said allows, and the counters equal what arrived."""

import random
import statistics
import subprocess
import time
from datetime import timedelta
from ssl import PROTOCOL_TLS_SERVER, SSLContext
from threading import Event, Timer

import pytest

from reportapp import clock
from reportapp.delivery import deliver, recover
from reportapp.delivery import send as send_module
from reportapp.delivery.health import standstill, try_again
from reportapp.extensions import db
from reportapp.mail import sender
from reportapp.models import ReportDelivery, User
from reportapp.schedules.runs import run_now
from tests.cast import create_order
from tests.chaos.conftest import LONG
from tests.chaos.judge import (
    BROKEN,
    GARBAGE,
    HANG_UP,
    PER_ADDRESS,
    PER_SESSION,
    SILENCE,
    UNKIND,
    Ears,
    Judge,
    says,
)
from tests.chaos.mail_server import Answer
from tests.chaos.world import School, compare
from tests.e2e.world import create_many_families

RECIPIENTS = 24
AT = clock.now()
SQLITE, POSTGRESQL = "sqlite", "postgresql"
BOTH = (SQLITE, POSTGRESQL)
#: (seed, sessions, database): all in the long form; in the short one each number of sessions
#: meets each database.
MIXTURES = [
    (seed, sessions, database)
    for seed in range(40 if LONG else 4)
    for sessions in (1, 4)
    for database in BOTH
    if LONG or (seed % 2 == 0) == ((sessions == 1) == (database == SQLITE))
]


def on_database(*values):
    """A parameter set whose last value is the database."""
    marks = [pytest.mark.xdist_group("postgresql")] if values[-1] == POSTGRESQL else []
    return pytest.param(*values, marks=marks)


@pytest.fixture
def database():
    return SQLITE


@pytest.fixture
def database_url(request, database, database_url):
    return database_url if database == SQLITE else request.getfixturevalue("postgresql")


@pytest.fixture
def settings(server):
    return {"DELIVERY_WORKERS": 1, "MAIL_PORT": server.port}


@pytest.fixture
def school(app, cast, monkeypatch):
    """A school with two schedules for the same people: nothing waits yet."""
    app.config["MAIL_TIMEOUT_SECONDS"] = 0.4
    monkeypatch.setattr(sender, "FINAL_REPLY_TIMEOUT", 0.4)
    guardians = create_many_families(cast, cast.tom, RECIPIENTS)
    schedules = [
        create_order(cast.tom, *guardians, frequency="daily", is_active=False, now=AT).id
        for _ in range(2)
    ]
    return School({"DATABASE_URL": app.config["DATABASE_URL"]}, cast.tom.id, schedules)


def plan(cast, school) -> int:
    return run_now(cast.tom, school.schedule_ids[0], AT, message_domain="lindenhof.example")


def plan_the_other(app, school) -> int:
    """From any thread."""
    with app.app_context():
        author = db.session.get_one(User, school.author_id)
        return run_now(author, school.schedule_ids[1], AT, message_domain="lindenhof.example")


def send(instant):
    recover(instant, clock.fixed(instant))
    return deliver(clock.fixed(instant), wall=clock.fixed(instant))


# One fault for a single mail: its status, reason, charged tries, and whether it becomes a link.
SERVER, OURS = ("pending", "server", 0, False), ("pending", "configuration", 0, False)
LATER, NEVER = ("pending", "temporary", 1, False), ("failed", "permanent", 1, False)
SENT, LINK = ("sent", None, 1, False), ("sent", None, 1, True)
DOUBT = ("unknown", "ambiguous", 1, False)
CASES = [
    *(("banner", answer, SERVER) for answer in BROKEN),
    *(("banner", says(reply), SERVER) for reply in ("421 busy", "450 no", "554 no")),
    *(("EHLO", answer, SERVER) for answer in (HANG_UP, SILENCE, GARBAGE, says("421 busy"))),
    ("EHLO", says("550 no"), SERVER),
    ("STARTTLS", says("454 not now"), SERVER),
    ("STARTTLS", HANG_UP, SERVER),
    ("STARTTLS", GARBAGE, SERVER),
    ("STARTTLS", None, OURS),  # its certificate is its own
    ("AUTH", says("535 5.7.8 wrong password"), OURS),
    ("AUTH", says("530 no"), OURS),
    ("AUTH", says("454 4.7.0 later"), SERVER),
    ("AUTH", says("421 busy"), SERVER),
    ("AUTH", HANG_UP, SERVER),
    *(("MAIL", answer, SERVER) for answer in BROKEN),
    *(("MAIL", says(reply), SERVER) for reply in ("421 busy", "450 no", "451-a\r\n451 b")),
    *(("MAIL", says(reply), OURS) for reply in ("530 log in", "550 no", "553 no", "500 what")),
    ("MAIL", says("552 5.3.4 too large"), LINK),
    *(("RCPT", answer, LATER) for answer in BROKEN),
    ("RCPT", says("421 busy", hang_up=True), SERVER),
    *(("RCPT", says(reply), LATER) for reply in ("450 grey", "452 full", "451-a\r\n451 b")),
    *(("RCPT", says(reply), NEVER) for reply in ("550 nobody", "552 mailbox full", "553 no")),
    ("RCPT", says("530 log in"), OURS),
    *(("DATA", answer, LATER) for answer in BROKEN),
    ("DATA", says("421 busy", hang_up=True), SERVER),
    ("DATA", says("451 later"), LATER),
    ("DATA", says("250 what now"), LATER),
    ("DATA", says("554 no valid recipients"), NEVER),
    *(("content", answer, DOUBT) for answer in BROKEN),
    ("content", Answer(keep=True, hang_up=True), DOUBT),
    ("content", Answer(keep=True, silent=True), DOUBT),
    ("content", says("354 go on", keep=True), DOUBT),
    ("content", says("451 later"), LATER),
    ("content", says("421 closing", hang_up=True), LATER),
    ("content", says("552 5.3.4 too large"), LINK),
    *(("content", says(reply), NEVER) for reply in ("550 spam", "554-a\r\n554 b")),
    ("content", says("250-2.0.0 kept\r\n250 as 17", keep=True), SENT),
    ("content", says("250 kept", keep=True, hang_up=True), SENT),
]


def self_signed(folder) -> SSLContext:
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
            "-subj", "/CN=localhost", "-keyout", key, "-out", certificate,
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    context = SSLContext(PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


@pytest.mark.parametrize("knows", [(), ("PIPELINING",)] if LONG else [()])
@pytest.mark.parametrize("database", [on_database(each) for each in BOTH if LONG or each == SQLITE])
def test_each_failure_ends_as_its_stage_and_words_allow(app, cast, server, school, tmp_path, knows):
    guardian = db.session.query(User).filter_by(email="guardian000@parent.example").one()
    only = create_order(cast.tom, guardian, frequency="daily", is_active=False, now=AT)
    state = app.extensions["mail"]
    server.tls = self_signed(tmp_path)
    for stage, answer, expected in CASES:
        server.kept.clear()
        server.turns.clear()
        server.extensions = {"STARTTLS": ("STARTTLS",), "AUTH": ("AUTH PLAIN",)}.get(stage, knows)
        state.use_tls = stage == "STARTTLS"
        state.username, state.password = ("me", "secret") if stage == "AUTH" else (None, None)
        # A mail that is too large goes again at once, then with a link.
        left = [answer] * (1 if expected == LINK else 99)
        server.script = lambda turn, stage=stage, left=left: (
            left.pop() if turn.stage == stage and left else None
        )
        run = run_now(cast.tom, only.id, AT, message_domain="lindenhof.example")
        send(AT)
        row = db.session.query(ReportDelivery).filter_by(execution_id=run).one()
        case = f"{stage}: {answer}"
        assert (row.status, row.reason, row.attempts, row.as_link) == expected, case
        assert row.smtp_reply, case
        stopped = standstill(app.config, AT)
        assert (stopped is not None) == (expected == OURS), case
        try_again()

        # What may have arrived, or has a definite end, is not tried again; all else comes through.
        server.script = lambda turn: None
        server.extensions, state.use_tls, state.username = (), False, None
        before = len(server.kept)
        send(AT + timedelta(hours=2))
        db.session.refresh(row)
        if expected[0] == "pending":
            assert (row.status, len(server.kept)) == ("sent", 1), case
        else:
            assert (row.status, len(server.kept)) == (expected[0], before), case
        compare(school, [run], server)
        assert row.execution.successful_sends == (row.status == "sent")


@pytest.mark.parametrize(
    ("seed", "sessions", "database"), [on_database(*mixture) for mixture in MIXTURES]
)
def test_in_random_mixtures_every_delivery_ends_as_the_servers_answers_allow(
    app, cast, server, school, seed, sessions, database, record_property, monkeypatch
):
    app.config["DELIVERY_WORKERS"] = sessions
    ears = Ears(monkeypatch)
    server.extensions = ("PIPELINING",) if seed % 4 >= 2 else ()
    chance = random.Random(seed)
    often = chance.choice((0.1, 0.3, 0.5))

    def misbehave(turn):
        per_address = turn.stage in PER_ADDRESS
        if turn.stage == "RSET":
            return None
        if chance.random() > (often if per_address else often / 4):
            return None
        return chance.choice({**PER_ADDRESS, **PER_SESSION}[turn.stage])

    server.script = misbehave
    run = plan(cast, school)
    for turn in range(12):
        # For longer than any wait, and within a mail's patience.
        send(AT + timedelta(minutes=95 * turn))
    server.script = lambda turn: None
    send(AT + timedelta(hours=23))

    judges = {row.recipient.email: Judge() for row in deliveries(run)}
    for turn in ears.heard(server):
        if turn.to is not None and turn.stage in PER_ADDRESS:
            judges[turn.to].hear(turn)
    db.session.rollback()
    for row in deliveries(run):
        expected = judges[row.recipient.email]
        assert (row.status, row.as_link) == (expected.status, expected.as_link)
        assert row.attempts == expected.tries or row.status in ("failed", "unknown")
    found = compare(school, [run], server)
    assert (found.repeated, found.lost) == (0, 0)
    assert found.arrived >= found.statuses["sent"]
    unkind = sum(turn.answer in UNKIND for turn in server.turns)
    record_property(
        "figures",
        f"misbehaving server, {database:10} seed {seed:2}, {sessions} session"
        f"{'s' * (sessions > 1)}: {unkind} of {len(server.turns)} answers unkind; "
        f"{dict(found.statuses)}, arrived {found.arrived}",
    )


def deliveries(run):
    return db.session.query(ReportDelivery).filter_by(execution_id=run).all()


class Tarpit:
    """One session whose replies, from a stage on, do not come until `let_go` is set; or each after
    `seconds` only."""

    STAGES = ("banner", "EHLO", "MAIL", "RCPT", "DATA", "content")

    def __init__(self, first: str, seconds: float | None = None) -> None:
        self.slow = self.STAGES[self.STAGES.index(first) :]
        self.seconds = seconds
        self.session: int | None = None
        self.let_go = Event()

    def __call__(self, turn):
        if self.session is None and turn.stage in self.slow:
            self.session = turn.session
        if turn.session == self.session and turn.stage in self.slow:
            if self.seconds is not None:
                time.sleep(self.seconds)
            else:
                assert self.let_go.wait(20)


@pytest.mark.parametrize(
    ("stage", "database"), [on_database("banner", SQLITE), on_database("content", POSTGRESQL)]
)
def test_a_tarpit_stops_nobody_but_the_mail_that_is_in_it(
    app, cast, server, school, stage, database, monkeypatch
):
    """What was due, and what becomes due when the other sessions have nothing more to do, arrives
    before the tarpit lets go of its mail."""
    app.config["DELIVERY_WORKERS"] = 4
    app.config["MAIL_TIMEOUT_SECONDS"] = 60
    monkeypatch.setattr(send_module, "_LOOK_AGAIN", 0.1)
    tarpit, runs = Tarpit(stage), []

    def arrived(_mail):
        if len(server.kept) == RECIPIENTS - 1:
            Timer(0.4, lambda: runs.append(plan_the_other(app, school))).start()
        elif len(server.kept) == 2 * RECIPIENTS - 1:
            tarpit.let_go.set()

    server.script, server.on_kept = tarpit, arrived
    runs.append(plan(cast, school))
    assert send(AT)["sent"] == 2 * RECIPIENTS
    assert compare(school, runs, server).repeated == 0


def test_a_mail_that_was_announced_is_left_to_its_session_for_a_while(
    app, cast, server, school, monkeypatch
):
    """The session would end if another one sent it; the mail is named to the server only once."""
    app.config["DELIVERY_WORKERS"] = 2
    app.config["MAIL_TIMEOUT_SECONDS"] = 60
    monkeypatch.setattr(send_module, "_LOOK_AGAIN", 10.0)
    server.extensions = ("PIPELINING",)
    tarpit = server.script = Tarpit("content")

    def arrived(_mail):
        # All but the mail in the tarpit and the one that was announced behind it.
        if len(server.kept) == RECIPIENTS - 2:
            Timer(0.2, tarpit.let_go.set).start()

    server.on_kept = arrived
    plan(cast, school)
    assert send(AT)["sent"] == RECIPIENTS
    assert [turn.stage for turn in server.turns].count("RCPT") == RECIPIENTS
    assert server.sessions == 2


def test_a_mail_behind_one_that_takes_long_is_sent_by_another_session_and_once(
    app, cast, server, school, monkeypatch
):
    app.config["DELIVERY_WORKERS"] = 2
    app.config["MAIL_TIMEOUT_SECONDS"] = 60
    monkeypatch.setattr(send_module, "_LOOK_AGAIN", 0.05)
    tarpit = server.script = Tarpit("content")
    server.on_kept = lambda _mail: len(server.kept) == RECIPIENTS - 1 and tarpit.let_go.set()
    plan(cast, school)
    assert send(AT)["sent"] == RECIPIENTS
    assert [turn.stage for turn in server.turns].count("RCPT") == RECIPIENTS


@pytest.mark.skipif(not LONG, reason="takes its minutes: `make chaos`")
@pytest.mark.timeout(600)
def test_a_tarpit_of_a_minute_per_reply_stops_nobody_but_the_mail_that_is_in_it(
    app, cast, server, school, monkeypatch, record_property
):
    app.config["DELIVERY_WORKERS"] = 4
    app.config["MAIL_TIMEOUT_SECONDS"] = 90
    monkeypatch.setattr(sender, "FINAL_REPLY_TIMEOUT", 300)
    # Its first reply has to come within the 10 s that connecting may take.
    tarpit = server.script = Tarpit("EHLO", seconds=60)
    run = plan(cast, school)
    begun = time.monotonic()
    assert send(AT)["sent"] == RECIPIENTS
    *others, last = sorted(mail.at - begun for mail in server.kept)
    record_property(
        "figures",
        f"a tarpit of 60 s per reply: {len(others)} mails of the other sessions within "
        f"{others[-1]:.1f} s, the one in it after {last:.0f} s",
    )
    assert tarpit.session is not None
    assert others[-1] < 10
    # When its content is there; the reply takes another minute.
    assert last >= 4 * 60
    assert compare(school, [run], server).repeated == 0


def test_a_bad_recipient_delays_the_others_by_nothing_measurable(
    app, cast, server, school, record_property
):
    """Every third address is refused; what it costs is the time between two neighbours' mails."""
    bad = {f"guardian{number:03}@parent.example" for number in range(1, RECIPIENTS, 3)}
    refusal = says("550 nobody")
    server.script = lambda turn: refusal if turn.stage == "RCPT" and turn.to in bad else None
    run = plan(cast, school)
    begun = time.monotonic()
    totals = send(AT)
    mean = (time.monotonic() - begun) / RECIPIENTS
    assert totals["sent"] == RECIPIENTS - len(bad)
    assert server.sessions == 1
    assert compare(school, [run], server).repeated == 0
    gaps = {True: [], False: []}
    for before, after in zip(server.kept, server.kept[1:], strict=False):
        number = [int(mail.to[8:11]) for mail in (before, after)]
        gaps[number[1] - number[0] > 1].append(after.at - before.at)
    with_one, without = statistics.median(gaps[True]), statistics.median(gaps[False])
    record_property(
        "figures",
        f"a refused recipient between two others costs {1000 * (with_one - without):.1f} ms "
        f"(a mail takes {1000 * mean:.1f} ms)",
    )
    assert with_one - without < 0.05
