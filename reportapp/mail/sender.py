"""The SMTP session: Flask-Mail's connection with a timeout, checked certificates, many mails per
session, and the knowledge of how far each mail has come."""

import smtplib
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import flask_mail
from flask import Flask, current_app

from reportapp.mail.host import Alone, Host, SecureHost, Waiting
from reportapp.mail.mailbox import mailbox_folder, mailbox_port
from reportapp.mail.message import SealedMail, refuse_line_breaks
from reportapp.mail.smtp_errors import Blame, SendFailure, Stage, breakdown, refusal, reply_text

#: Seconds. Connecting is quick or hopeless; RFC 5321 section 4.5.3.2 asks for patience with the
#: reply to the content, since giving up there leaves the mail's fate unknown.
CONNECT_TIMEOUT = 10
FINAL_REPLY_TIMEOUT = 300


class _NoLogIn(Exception):
    """The server offers no way to log in."""


class ReportMail(flask_mail.Mail):
    """Flask-Mail, with our sessions."""

    def init_app(self, app: Flask) -> Any:
        state = super().init_app(app)
        # Our tests talk to a real server; nothing is ever quietly not sent.
        state.suppress = False
        return state

    def connect(self, patience: int | None = None, waiting: Waiting | None = None) -> "MailSession":
        """A session to be entered. `patience`: seconds for each answer, for a mail that somebody
        waits for; usually the server gets all the time that RFC 5321 asks for. `waiting`: what the
        thread does meanwhile; usually nothing."""
        state, config = current_app.extensions["mail"], current_app.config
        return MailSession(state, config, patience, waiting or Alone())


class MailSession(flask_mail.Connection):
    """A context manager around one SMTP session. Entering connects, and raises SendFailure."""

    host: Host

    def __init__(self, state: Any, config: Any, patience: int | None, waiting: Waiting) -> None:
        super().__init__(state)
        self._waiting = waiting
        self._timeout = patience or config["MAIL_TIMEOUT_SECONDS"]
        self._final_timeout = patience or max(FINAL_REPLY_TIMEOUT, self._timeout)
        self._own_name = config["MESSAGE_ID_DOMAIN"]
        self._instance = Path(current_app.instance_path)
        #: This session's MAIL FROM was good for at least one mail.
        self._welcome = False
        #: How far the mail in hand has come.
        self._stage = Stage.MAIL
        #: The mail whose addresses were told in advance, and the replies that were not read yet.
        self._announced: SealedMail | None = None
        self._owed = 0

    def configure_host(self) -> Host:
        try:
            host = self._waiting.elsewhere(self._connect)
        except smtplib.SMTPResponseException as error:
            raise refusal(Stage.CONNECT, error.smtp_code, error.smtp_error) from None
        except _NoLogIn as error:
            raise SendFailure(Blame.CONFIGURATION, Stage.CONNECT, str(error)) from None
        except (OSError, smtplib.SMTPException, ValueError) as error:
            raise breakdown(Stage.CONNECT, error) from None
        assert host.sock is not None
        host.sock.setblocking(False)
        host.waiting, host.patience = self._waiting, self._timeout
        return host

    def _connect(self) -> Host:
        wait = min(CONNECT_TIMEOUT, self._timeout)
        if not self.mail.server:
            port = mailbox_port(mailbox_folder(str(self._instance)))
            host = Host("127.0.0.1", port, self._own_name, wait)
        elif self.mail.use_ssl:
            host = SecureHost(
                self.mail.server,
                self.mail.port,
                self._own_name,
                timeout=wait,
                context=ssl.create_default_context(),
            )
        else:
            host = Host(self.mail.server, self.mail.port, self._own_name, wait)
        try:
            assert host.sock is not None
            host.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            host.sock.settimeout(self._timeout)
            if self.mail.server and self.mail.use_tls:
                host.starttls(context=ssl.create_default_context())
            host.ehlo_or_helo_if_needed()
            if self.mail.username and self.mail.password:
                try:
                    host.login(self.mail.username, self.mail.password)
                except smtplib.SMTPNotSupportedError as error:
                    raise _NoLogIn(str(error)) from None
        except BaseException:
            host.close()
            raise
        return host

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        # An error while saying goodbye must not hide that the mails were sent.
        self._withdraw()
        try:
            self.host.quit()
        except (OSError, smtplib.SMTPException):
            self.host.close()

    def deliver(
        self,
        mail: SealedMail,
        before_content: Callable[[], bool],
        following: Callable[[], SealedMail | None] = lambda: None,
    ) -> str | None:
        """Send one mail; the server's reply to it.

        `before_content` is called when the server waits for the content: what it writes down is
        known before the server can have the mail. If it answers False the mail is not sent, and
        None is returned; the session ends with it. `following`, which is called before: the mail
        that will be given to `deliver` next, if that is known, so that the server can look at its
        addresses at once; it must not raise. Raises SendFailure; the session can go on afterwards
        unless its blame is SERVER, CONFIGURATION or AMBIGUOUS.
        """
        try:
            self._envelope(mail)
            # It may take its time to be made; from the commit on, this one's content may have left.
            coming = following()
            if not before_content():
                # There is no other way out that the server could not take for an empty mail.
                self.host.close()
                return None
            self._stage = Stage.CONTENT
            return self._content(mail, coming)
        except SendFailure as failure:
            # The replies about the next mail are still to come, and to be of use.
            if self._announced is None and (
                self._owed or failure.blame in (Blame.TEMPORARY, Blame.PERMANENT, Blame.TOO_LARGE)
            ):
                self._reset()
            raise
        except (OSError, smtplib.SMTPException) as error:
            self.host.close()
            raise breakdown(self._stage, error) from None
        except BaseException:
            # In the middle of something; the next mail must not be taken for its continuation.
            self.host.close()
            raise

    def _envelope(self, mail: SealedMail) -> None:
        """Have the server take sender and recipient and wait for the content. Raises what `deliver`
        raises."""
        self._stage = Stage.MAIL
        if self._announced is not mail:
            self._withdraw()
            self._say(self._announcement(mail))
        self._announced = None
        special = not (mail.sender + mail.to).isascii()
        reply = self._reply()
        self._expect(Stage.MAIL, reply, 250, special=special, welcome=self._welcome)
        self._welcome = True
        self._stage = Stage.RCPT
        if not self._owed:
            self._say([f"RCPT TO:<{mail.to}>"])
        self._expect(Stage.RCPT, self._reply(), 250, 251)
        self._stage = Stage.DATA
        if not self._owed:
            self._say(["DATA"])
        self._expect(Stage.DATA, self._reply(), 354)

    def _announcement(self, mail: SealedMail) -> list[str]:
        """From whom, and in the same go to whom and that the content comes, for a server that knows
        PIPELINING (RFC 2920, which allows it even before the reply to the mail before, section
        3.1)."""
        refuse_line_breaks(mail.sender + mail.to)
        lines = [" ".join([f"MAIL FROM:<{mail.sender}>", *self._options(mail)])]
        if self.host.has_extn("pipelining"):
            lines += [f"RCPT TO:<{mail.to}>", "DATA"]
        return lines

    def _withdraw(self) -> None:
        """Take back what was announced."""
        if self._announced is not None:
            self._announced = None
            self._reset()

    def _say(self, lines: list[str], after: bytes = b"") -> None:
        """The lines, in one write with what comes before them: a small one of its own would wait
        for an acknowledgement."""
        self.host.send(after + "".join(f"{line}\r\n" for line in lines).encode())
        self._owed += len(lines)

    def _reply(self) -> tuple[int, bytes]:
        if not self.is_open:
            raise smtplib.SMTPServerDisconnected("The connection is closed.")
        self._owed -= 1
        return self.host.getreply()

    def _options(self, mail: SealedMail) -> list[str]:
        options = []
        if self.host.has_extn("size"):
            options.append(f"SIZE={mail.size}")
            # RFC 1870: 0 or nothing stands for no fixed limit. Asking would only get a refusal,
            # by some servers one that does not tell that it is about the size.
            limit = self.host.esmtp_features["size"]
            if limit.isdecimal() and 0 < int(limit) < mail.size:
                words = f"The mail has {mail.size:,} bytes; the mail server takes {limit}."
                raise SendFailure(Blame.TOO_LARGE, Stage.MAIL, words)
        if not (mail.sender + mail.to).isascii():
            if not self.host.has_extn("smtputf8"):
                raise SendFailure(
                    Blame.PERMANENT, Stage.RCPT, f"The mail server cannot write to {mail.to}."
                )
            options.append("SMTPUTF8")
        return options

    def _content(self, mail: SealedMail, following: SealedMail | None) -> str:
        lines: list[str] = []
        if following is not None and self.host.has_extn("pipelining"):
            # Why one cannot be announced is told when its turn comes.
            with suppress(SendFailure, ValueError):
                lines = self._announcement(following)
        self._say(lines, mail.wire)
        self._announced = following if lines else None
        self.host.patience = self._final_timeout
        reply = self.host.getreply()
        # Whatever it says, the next ones come sooner.
        self.host.patience = self._timeout
        self._expect(Stage.CONTENT, reply, 250)
        return reply_text(*reply)

    def _expect(
        self,
        stage: Stage,
        reply: tuple[int, bytes],
        *codes: int,
        special: bool = False,
        welcome: bool = False,
    ) -> None:
        if reply[0] in codes:
            return
        if 400 <= reply[0] < 600:
            raise refusal(stage, *reply, special=special, welcome=welcome)
        # smtplib says -1 where there is no code: nothing to rely on. What comes next could be the
        # answer to anything, so the session ends with it.
        raise smtplib.SMTPException(reply_text(*reply))

    def _reset(self) -> None:
        try:
            while self._owed:
                if self._reply()[0] == 354:
                    # The server waits for a content that does not come; see `deliver`.
                    self.host.close()
                    return
            self.host.rset()
        except (OSError, smtplib.SMTPException):
            self.host.close()

    def still_there(self) -> bool:
        """Ask the server whether the session still stands, after a while without a mail."""
        self._withdraw()
        try:
            return self.is_open and self.host.noop()[0] == 250
        except (OSError, smtplib.SMTPException):
            self.host.close()
            return False

    @property
    def is_open(self) -> bool:
        """Whether the session can take another mail, as far as this side knows."""
        return getattr(self.host, "sock", None) is not None
