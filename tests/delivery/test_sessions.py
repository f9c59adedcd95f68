"""What sessions do while one waits: nobody waits for what another one waits for."""

import threading
import time
from contextlib import closing
from threading import Event, Timer

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from reportapp import clock
from reportapp.constants import DeliveryPhase
from reportapp.delivery import deliver, plan_due, send, work
from reportapp.delivery.claims import claim
from reportapp.delivery.limits import Limits
from reportapp.delivery.record import Recorder
from reportapp.delivery.turns import Turns
from reportapp.extensions import db
from reportapp.mail import MailSession
from reportapp.models import ReportDelivery
from reportapp.rendering.workers import PdfWorkers
from tests.cast import NOW, create_admins, create_order
from tests.delivery.asking import create_questions
from tests.e2e.server import wait_for

DUE = clock.fixed(NOW.replace(hour=12))


def run(stop=None):
    plan_due(DUE())
    return deliver(DUE, stop, wall=DUE)


@pytest.fixture
def admins(cast):
    return create_admins(cast.school, 5)


@pytest.fixture
def slow_pdf(monkeypatch):
    """What a PDF waits for."""
    conditions = []

    def render(self, document):
        wait_for(conditions[0], "what the PDF waits for", 5, 0.01)
        return b"%PDF"

    monkeypatch.setattr(PdfWorkers, "render", render)
    return conditions


@pytest.fixture
def announced(monkeypatch):
    """For each mail that was handed over the one that was announced with it, or None."""
    plain, mails = MailSession.deliver, []

    def hand_over(self, mail, before_content, following):
        def follow():
            mails.append(following())
            return mails[-1]

        return plain(self, mail, before_content, follow)

    monkeypatch.setattr(MailSession, "deliver", hand_over)
    return mails


class TestOne:
    @pytest.fixture
    def settings(self):
        return {"DELIVERY_WORKERS": 1}

    def test_before_a_pdf_is_waited_for_what_was_sent_is_written_down(self, cast, smtp, slow_pdf):
        create_order(cast.tom, cast.pia)
        create_order(cast.tom, cast.tom, export_format="pdf")
        engine = db.engine

        def is_written_down():
            with engine.connect() as fresh:
                return "sent" in fresh.scalars(select(ReportDelivery.status)).all()

        slow_pdf.append(is_written_down)
        assert run()["sent"] == 2

    def test_before_more_is_claimed_what_was_sent_is_written_down(
        self, cast, smtp, admins, monkeypatch
    ):
        plain, counts = work.claim, []

        def claims(*rest):
            sent = db.session.scalars(select(ReportDelivery).filter_by(status="sent")).all()
            db.session.rollback()
            counts.append((len(sent), len(smtp.arrived)))
            return plain(*rest)

        monkeypatch.setattr(work, "BATCH", 2)
        monkeypatch.setattr(work, "claim", claims)
        create_order(cast.ada, *admins)
        assert run()["sent"] == 5
        assert counts == [(0, 0), (2, 2), (4, 4), (5, 5)]

    def test_a_mail_whose_pdf_is_there_is_announced(self, cast, smtp, slow_pdf, admins, announced):
        slow_pdf.append(lambda: True)
        create_order(cast.ada, *admins, export_format="pdf")
        assert run()["sent"] == 5
        assert [mail is None for mail in announced] == [False] * 4 + [True]

    def test_when_there_is_no_more_to_make_the_server_is_waited_for_in_peace(
        self, cast, smtp, monkeypatch
    ):
        plain, looks = work.Work.next_quick, []
        monkeypatch.setattr(work.Work, "next_quick", lambda self: looks.append(1) or plain(self))
        smtp.on_data = lambda to: time.sleep(0.1)
        create_order(cast.ada, cast.ada)
        assert run()["sent"] == 1
        assert len(looks) < 50

    def test_at_the_end_no_pdf_is_made_any_more(self, cast, smtp, slow_pdf):
        slow_pdf.append(lambda: True)
        create_order(cast.tom, cast.tom, export_format="pdf")
        assert run()["sent"] == 1
        assert [each.name for each in threading.enumerate() if each.name.startswith("pdf")] == []

    def test_while_the_server_looks_at_a_mail_the_next_two_are_made_and_no_more(
        self, cast, smtp, admins, monkeypatch
    ):
        plain, made, by_then = work.Work._item, [], []

        def make(self, *rest):
            made.append(rest)
            return plain(self, *rest)

        def look(to):
            if not by_then:
                wait_for(lambda: len(made) >= 3, "the mails", 5, 0.01)
                time.sleep(0.05)
                by_then.append(len(made))

        monkeypatch.setattr(work.Work, "_item", make)
        smtp.on_data = look
        create_order(cast.ada, *admins)
        assert run()["sent"] == 5
        assert by_then == [3]


class TestTwo:
    @pytest.fixture
    def settings(self):
        return {"DELIVERY_WORKERS": 2}

    def test_while_one_waits_for_a_pdf_the_other_goes_on(self, cast, smtp, slow_pdf):
        create_order(cast.tom, cast.tom, export_format="pdf")
        create_order(cast.tom, cast.pia)
        slow_pdf.append(lambda: cast_pia in smtp.addresses)
        cast_pia = cast.pia.email
        assert run()["sent"] == 2

    def test_before_it_is_written_that_a_mail_leaves_the_other_may_come(
        self, cast, smtp, admins, monkeypatch
    ):
        asked = []
        monkeypatch.setattr(Turns, "gather", lambda self: asked.append(self))
        create_order(cast.ada, *admins)
        assert run()["sent"] == len(asked) == 5

    def test_after_an_error_that_nobody_thought_of_the_other_sends_no_further_mail(
        self, cast, smtp, admins, monkeypatch
    ):
        errors = iter([ZeroDivisionError])

        def fail_once():
            for error in errors:
                raise error

        monkeypatch.setattr(send, "try_again", fail_once)  # after the first mail
        create_order(cast.ada, *admins)
        with pytest.raises(ZeroDivisionError):
            run()
        assert len(smtp.arrived) <= 2

    def test_who_has_nothing_to_send_ends_at_once_when_all_are_to_stop(
        self, cast, smtp, monkeypatch
    ):
        monkeypatch.setattr(send, "_LOOK_AGAIN", 10.0)
        create_order(cast.ada, cast.ada)
        stop = Event()
        smtp.on_data = lambda to: stop.set()
        begun = time.monotonic()
        assert run(stop)["sent"] == 1
        assert time.monotonic() - begun < 8


class TestLimited:
    @pytest.fixture
    def settings(self):
        return {"DELIVERY_PER_SECOND": 1000}

    def test_who_waits_for_its_turn_notices_by_itself_that_all_are_to_stop(
        self, cast, smtp, admins, monkeypatch
    ):
        monkeypatch.setattr(Limits, "delay", lambda self: 20.0)
        create_order(cast.ada, *admins)
        stop = Event()
        Timer(0.1, stop.set).start()
        begun = time.monotonic()
        assert run(stop)["sent"] == 0
        assert time.monotonic() - begun < 15

    def test_no_server_is_told_of_a_mail_that_has_to_wait_for_its_turn(
        self, cast, smtp, admins, announced
    ):
        create_order(cast.ada, *admins)
        assert run()["sent"] == 5
        assert announced == [None] * 5


@pytest.fixture
def asked(cast):
    """What `me` asks of its three claims."""
    create_order(cast.ada, cast.ada, cast.tom, cast.pia)
    plan_due(DUE())
    return create_questions(claim("me", DUE(), DUE(), 10), DUE())


def test_if_it_cannot_be_written_for_all_who_gather_each_is_told_so(asked, monkeypatch):
    broken, errors = OperationalError("UPDATE", {}, Exception("gone")), []

    def fail(*_):
        raise broken

    def ask(question):
        try:
            recorder.may_send(*question)
        except OperationalError as error:
            errors.append(error)

    monkeypatch.setattr(Recorder, "_written", fail)
    turns = Turns()
    with closing(Recorder(db.engine, "me", DUE, turns.gather)) as recorder:
        turns.run([lambda each=each: ask(each) for each in asked])
    assert errors == [broken] * 3


def test_who_is_interrupted_while_others_gather_is_not_taken_for_one_who_sends(asked):
    def interrupt():
        raise KeyboardInterrupt

    with closing(Recorder(db.engine, "me", DUE, interrupt)) as recorder:
        with pytest.raises(KeyboardInterrupt):
            recorder.may_send(*asked[0])
        recorder.write()
    phases = db.session.scalars(select(ReportDelivery.phase)).all()
    assert phases == [DeliveryPhase.CLAIMED] * 3
