"""Pure decisions: when to try again, and when to give up."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from reportapp.constants import DeliveryStatus, Reason
from reportapp.mail.smtp_errors import Blame

#: The waits before the three retries; greylisting needs the long ones.
RETRY_AFTER = (timedelta(minutes=5), timedelta(minutes=15), timedelta(minutes=60))
#: Each wait is made up to this part longer or shorter, so that retries do not come in one burst.
JITTER = 0.2
#: No mail's next attempt is farther away, unless a clock that was ahead has set it.
LONGEST_WAIT = RETRY_AFTER[-1] * (1 + JITTER)
#: So often in a row may the mail server as a whole be out of order before it is left alone for so
#: long.
SERVER_TRIES = 5
SERVER_PAUSE = timedelta(seconds=60)
#: The mail that met the trouble comes after those that wait with it: should the trouble be its own
#: after all, they are not held up by it.
BEHIND = timedelta(seconds=5)
#: A mail server that refuses us is asked again by itself after so long, should it have been its own
#: mistake; or at once when the settings change, or somebody says so.
STOP = timedelta(hours=1)
#: How long a mail may wait for whatever it waits for; later it would only surprise.
PATIENCE = timedelta(hours=24)
#: So many mails in a row must an address refuse for good until none are sent to it any more.
ADDRESS_TRIES = 3

_NOT_THE_MAILS = {
    Blame.SERVER: Reason.SERVER,
    Blame.CONFIGURATION: Reason.CONFIGURATION,
}

_AGAIN = " When it was to be sent again: "


@dataclass(frozen=True)
class Outcome:
    """What one attempt makes of a delivery. `charged`: the attempt counts as a try."""

    status: DeliveryStatus
    reason: Reason | None = None
    reply: str | None = None
    next_attempt_at: datetime | None = None
    sent_at: datetime | None = None
    charged: bool = True
    #: From now on the mail holds a link in place of the file.
    as_link: bool = False
    #: The address that the server takes nothing for; one that takes something again.
    refused: str | None = None
    forgiven: str | None = None


def after_failure(
    blame: Blame,
    reply: str,
    attempts: int,
    now: datetime,
    spread: float,
    *,
    resend: bool,
    can_link: bool = False,
) -> Outcome:
    """What becomes of a delivery whose attempt failed at the aware instant `now`.

    `attempts`: the tries charged before this one. `spread`: a random number in [-1, 1] for the
    jitter. `resend`: send again what may have arrived (AMBIGUOUS_DELIVERY). `can_link`: the mail
    has a file that a link could stand for.
    """
    if blame in _NOT_THE_MAILS:
        reason = _NOT_THE_MAILS[blame]
        return Outcome(DeliveryStatus.PENDING, reason, reply, now + BEHIND, charged=False)
    if blame is Blame.PERMANENT:
        return Outcome(DeliveryStatus.FAILED, Reason.PERMANENT, reply)
    if blame is Blame.TOO_LARGE and can_link:
        return Outcome(
            DeliveryStatus.PENDING, Reason.TOO_LARGE, reply, now, charged=False, as_link=True
        )
    if blame is Blame.TOO_LARGE:
        return Outcome(DeliveryStatus.FAILED, Reason.TOO_LARGE, reply)
    if blame is Blame.AMBIGUOUS and not resend:
        return Outcome(DeliveryStatus.UNKNOWN, Reason.AMBIGUOUS, reply)
    reason = Reason.AMBIGUOUS if blame is Blame.AMBIGUOUS else Reason.TEMPORARY
    if attempts >= len(RETRY_AFTER):
        last = DeliveryStatus.UNKNOWN if blame is Blame.AMBIGUOUS else DeliveryStatus.FAILED
        return Outcome(last, reason, reply)
    wait = RETRY_AFTER[attempts] * (1 + JITTER * spread)
    return Outcome(DeliveryStatus.PENDING, reason, reply, now + wait)


def doubt(reason: Reason | None, reply: str | None) -> str | None:
    """Of a delivery's row: the words of an earlier attempt after which it may have arrived."""
    return (reply or "") if reason is Reason.AMBIGUOUS else None


def in_doubt(outcome: Outcome, earlier: str | None) -> Outcome:
    """What the outcome of a new attempt makes of a delivery that may have arrived `earlier`: only
    the server's yes ends the doubt. Where nothing was sent this time, it says why not."""
    if earlier is None or outcome.status is DeliveryStatus.SENT:
        return outcome
    words = earlier.partition(_AGAIN)[0]
    if outcome.status is DeliveryStatus.SKIPPED and outcome.reason is not None:
        words += f"{_AGAIN}not sent ({outcome.reason.replace('_', ' ')})."
    elif outcome.reply:
        words += _AGAIN + outcome.reply
    waits = outcome.status is DeliveryStatus.PENDING
    status = DeliveryStatus.PENDING if waits else DeliveryStatus.UNKNOWN
    return replace(outcome, status=status, reason=Reason.AMBIGUOUS, reply=words)


def after_error(error: Exception, attempts: int, now: datetime) -> Outcome:
    """What becomes of a delivery that an error of our own kept from being handed over: it is tried
    again like a temporary failure."""
    words = f"The report could not be made ({type(error).__name__})."
    outcome = after_failure(Blame.TEMPORARY, words, attempts, now, 0.0, resend=False)
    return replace(outcome, reason=Reason.ERROR)


def unwritable(error: ValueError) -> Outcome:
    """What becomes of a delivery that cannot be put into a mail (a line break in a name, an
    impossible domain), today or later."""
    words = " ".join(str(error).replace("\x00", "").split())[:400]
    return Outcome(DeliveryStatus.FAILED, Reason.PERMANENT, f"The mail cannot be written: {words}")


def after_crash(reached_content: bool, now: datetime, *, resend: bool) -> Outcome:
    """What becomes of a delivery whose sender vanished: sent again if the server cannot have it,
    else held for a person, or sent again where `resend` says so."""
    if not reached_content:
        return Outcome(DeliveryStatus.PENDING, next_attempt_at=now, charged=False)
    reply = "The sending process stopped before the mail server answered."
    if resend:
        return Outcome(DeliveryStatus.PENDING, Reason.AMBIGUOUS, reply, now)
    return Outcome(DeliveryStatus.UNKNOWN, Reason.AMBIGUOUS, reply)
