"""What can go wrong on purpose: errors that a page, a command or the API turns into an answer."""

from collections.abc import Collection, Iterable


class ReportappError(Exception):
    """Base of all errors that a person may read; its text is a plain sentence."""


class ConfigError(ReportappError):
    """A setting is missing or impossible; the text names the environment variable."""


class InvalidInput(ReportappError):
    """Input that cannot be accepted. `fields` maps a field's name to its plain messages."""

    def __init__(self, fields: dict[str, list[str]]) -> None:
        self.fields = fields
        super().__init__("; ".join(f"{name}: {' '.join(texts)}" for name, texts in fields.items()))


def unknown_fields(names: Iterable[str], known: Collection[str]) -> dict[str, list[str]]:
    """For InvalidInput: those of the `names` that no field has. A misspelt one must not be
    overlooked."""
    return {name: ["There is no such field."] for name in names if name not in known}


class Missing(ReportappError):
    """The one thing without which the request means nothing."""


class NotFound(ReportappError):
    """No such thing, or it is none of the asker's business (the two are told alike)."""


class Gone(ReportappError):
    """It was there and the asker might have had it; the text says why not any more."""


class Forbidden(ReportappError):
    """The asker is known, and may not do this."""


class Conflict(ReportappError):
    """The request is right, but the state of things forbids it now."""


class Stale(Conflict):
    """It has been changed since the asker last looked at it."""
