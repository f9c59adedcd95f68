"""A real SMTP server on loopback that keeps what arrives, and misbehaves on request."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from functools import cached_property

from sqlalchemy import select
from sqlalchemy.orm import Session

from reportapp.constants import DeliveryStatus, ExecutionStatus
from reportapp.mail.mailbox import LoopbackServer
from reportapp.models import ReportDelivery, ReportScheduleExecution

HANG_UP = "hang up"
#: Only reports have one; the application's other mails are not in the ledger.
_REPORT = re.compile(rb"^List-Id: ", re.MULTILINE)
_MESSAGE_ID = re.compile(rb"^Message-ID: <([^>]+)>", re.MULTILINE)


@dataclass
class Arrived:
    """One accepted mail: its envelope, its bytes, and those parsed again."""

    sender: str
    to: str
    content: bytes

    @cached_property
    def message(self) -> EmailMessage:
        return BytesParser(policy=policy.default).parsebytes(self.content)

    @property
    def text(self) -> str:
        return self.message.get_body(("plain",)).get_content()

    @property
    def html(self) -> str:
        return self.message.get_body(("html",)).get_content()

    @property
    def attachment(self) -> tuple[str, bytes]:
        """Name and bytes of the only attachment."""
        (part,) = self.message.iter_attachments()
        return part.get_filename(), part.get_payload(decode=True)


class Sink:
    """aiosmtpd's handler. `on_mail` (asked with the options), `on_rcpt` and `on_data` may answer
    with a reply of their own, such as "450 later", or HANG_UP after the content; None accepts.
    `limit`: the bytes that a mail may have, as the server announces them."""

    def __init__(self) -> None:
        self.arrived: list[Arrived] = []
        #: How often each report has arrived, by Message-ID, even if `arrived` was cleared.
        self.copies: Counter[str] = Counter()
        self.sessions = 0
        self.limit: int | None = None
        self.on_mail: Callable[[list[str]], str | None] = lambda options: None
        self.on_rcpt: Callable[[str], str | None] = lambda address: None
        self.on_data: Callable[[str], str | None] = lambda address: None

    async def handle_MAIL(self, server, session, envelope, address, mail_options):
        reply = self.on_mail(mail_options)
        if reply is not None:
            return reply
        envelope.mail_from = address
        envelope.mail_options.extend(mail_options)
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
        reply = self.on_rcpt(address)
        if reply is not None:
            return reply
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        (to,) = envelope.rcpt_tos
        reply = self.on_data(to)
        if reply is HANG_UP:
            server.transport.abort()
            return "421 gone"
        if reply is not None:
            return reply
        self.arrived.append(Arrived(envelope.mail_from, to, envelope.content))
        if _REPORT.search(envelope.content):
            self.copies[_MESSAGE_ID.search(envelope.content)[1].decode()] += 1
        return f"250 2.0.0 kept as {len(self.arrived)}"

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        self.sessions += 1
        session.host_name = hostname
        if self.limit is not None:
            return [f"250-SIZE {self.limit}" if "SIZE" in line else line for line in responses]
        return responses

    @property
    def addresses(self) -> list[str]:
        return sorted(mail.to for mail in self.arrived)

    def to(self, address: str) -> Arrived:
        (mail,) = [mail for mail in self.arrived if mail.to == address]
        return mail


@contextmanager
def smtp_sink() -> Iterator[tuple[Sink, int]]:
    """The sink and its port."""
    sink = Sink()
    controller = LoopbackServer(sink, enable_SMTPUTF8=True)
    controller.start()
    try:
        yield sink, controller.port
    finally:
        controller.stop()


def compare_with_ledger(session: Session, copies: Counter[str], *, resends: bool) -> None:
    """Fails unless the ledger tells of exactly the reports that arrived, and each run that has
    ended counts them right. `resends`: what may have arrived is sent again by itself."""
    rows = session.scalars(select(ReportDelivery)).all()
    assert not copies.keys() - {row.message_id for row in rows}, "mails that no delivery tells of"
    statuses: dict[int, Counter[DeliveryStatus]] = defaultdict(Counter)
    for row in rows:
        statuses[row.execution_id][row.status] += 1
        came = copies[row.message_id]
        told = f"{row.status} ({row.reason}), and {came} arrived"
        assert came <= 1 or resends or row.requeued_at is not None, told
        assert came or row.status is not DeliveryStatus.SENT, told
        assert not came or row.may_have_arrived, told
    ended = ReportScheduleExecution.status != ExecutionStatus.STARTED
    for run in session.scalars(select(ReportScheduleExecution).where(ended)):
        counted = statuses[run.id]
        assert run.total_recipients == sum(counted.values())
        assert (run.successful_sends, run.failed_sends, run.unknown_sends, run.skipped) == tuple(
            counted[DeliveryStatus(word)] for word in ("sent", "failed", "unknown", "skipped")
        )
