"""The built-in mailbox: a real SMTP server on loopback that keeps every mail in a Maildir, so that
the whole way of a mail can be seen without a mail server. Never in production."""

import mailbox
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import parsedate_to_datetime
from pathlib import Path
from threading import Lock
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Mailbox

from reportapp.errors import NotFound

_MAX_BYTES = 50_000_000
_lock = Lock()
_servers: dict[Path, "LoopbackServer"] = {}


@dataclass(frozen=True)
class ListedMail:
    """A row of the mailbox's list."""

    key: str
    sender: str
    to: str
    subject: str
    date: datetime | None
    attachments: tuple[str, ...]


class LoopbackServer(Controller):
    """An SMTP server on a loopback port of the system's choice, which `port` tells once started."""

    def __init__(self, handler: Any, **options: Any) -> None:
        super().__init__(handler, hostname="127.0.0.1", port=0, ready_timeout=30, **options)

    def _trigger_server(self) -> None:
        # aiosmtpd talks to itself once to find out whether it works, on the port it asked for.
        server: Any = self.server
        self.port = int(server.sockets[0].getsockname()[1])
        super()._trigger_server()


def mailbox_folder(instance_path: str) -> Path:
    """Where the app with this instance folder keeps its mailbox."""
    return Path(instance_path) / "mailbox"


def mailbox_port(folder: Path) -> int:
    """The loopback port of this process's SMTP server for `folder`, started if need be. Every
    process runs its own, on a port of the system's choice, and all write to the same folder."""
    with _lock:
        controller = _servers.get(folder)
        if controller is None:
            mailbox.Maildir(folder, create=True)
            controller = LoopbackServer(Mailbox(folder), data_size_limit=_MAX_BYTES)
            controller.start()
            _servers[folder] = controller
        return controller.port


def list_mails(folder: Path, page: int = 1, page_size: int = 25) -> tuple[list[ListedMail], int]:
    """One page of the mailbox, newest first, and how many mails there are."""
    keys = _keys(folder)
    chosen = keys[(page - 1) * page_size : page * page_size]
    return [_listed(key, get_mail(folder, key)) for key in chosen], len(keys)


def get_mail(folder: Path, key: str) -> EmailMessage:
    """One mail, parsed. Raises NotFound."""
    if key not in _keys(folder):
        raise NotFound("There is no such mail.")
    raw = mailbox.Maildir(folder, create=False).get_bytes(key)
    message = BytesParser(policy=policy.default).parsebytes(raw)
    assert isinstance(message, EmailMessage)
    return message


def date_of(message: EmailMessage) -> datetime | None:
    """The mail's own date, where it has one."""
    try:
        return parsedate_to_datetime(str(message["Date"]))
    except ValueError:
        return None


def _keys(folder: Path) -> list[str]:
    if not folder.exists():
        return []
    # A Maildir key begins with the second and the microsecond of its arrival.
    keys = mailbox.Maildir(folder, create=False).keys()
    return sorted(keys, key=_arrival, reverse=True)


def _arrival(key: str) -> tuple[int, int]:
    second, _, rest = key.partition(".")
    micros = rest[1:].partition("P")[0] if rest.startswith("M") else "0"
    return int(second), int(micros) if micros.isdigit() else 0


def _listed(key: str, message: EmailMessage) -> ListedMail:
    names = tuple(part.get_filename() or "?" for part in message.iter_attachments())
    return ListedMail(
        key,
        str(message["From"] or ""),
        str(message["To"] or ""),
        str(message["Subject"] or ""),
        date_of(message),
        names,
    )
