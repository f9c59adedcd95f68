"""Settings: read from the environment once, at start, and checked with the variable's name."""

import os
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from email.utils import getaddresses, parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from reportapp.errors import ConfigError


def _text(raw: str) -> str:
    if "\r" in raw or "\n" in raw:
        raise ValueError("must be one line")
    return raw.strip()


def _switch(raw: str) -> bool:
    value = raw.strip().lower()
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off", ""}:
        return False
    raise ValueError("must be true or false")


def _whole(low: int, high: int) -> Callable[[str], int]:
    def read(raw: str) -> int:
        try:
            value = int(raw)
        except ValueError:
            raise ValueError(f"must be a whole number, not {raw!r}") from None
        if not low <= value <= high:
            raise ValueError(f"must be between {low} and {high}, not {value}")
        return value

    return read


def _one_of(*choices: str) -> Callable[[str], str]:
    def read(raw: str) -> str:
        value = raw.strip().lower()
        if value not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}, not {raw!r}")
        return value

    return read


def _zone(raw: str) -> str:
    name = raw.strip()
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise ValueError(f"must be a time zone such as Europe/Berlin, not {raw!r}") from None
    return name


def _base_url(raw: str) -> str:
    value = _text(raw).rstrip("/")
    parts = urlsplit(value)
    # Its characters are those of a mail's header: another alphabet would be encoded there, and the
    # mail programs' unsubscribe button would be gone.
    if (
        parts.scheme not in {"http", "https"}
        or not re.fullmatch(r"[A-Za-z0-9.:\[\]-]+", parts.netloc)
        or not re.fullmatch(r"[\w./~%-]*", parts.path, re.ASCII)
        or parts.query
        or parts.fragment
    ):
        raise ValueError(f"must be like https://reports.school.example, not {raw!r}")
    return value


def _sender(raw: str) -> str:
    value = _text(raw)
    addresses = getaddresses([value])
    if len(addresses) != 1 or not re.fullmatch(r"[!-?A-~]+@[A-Za-z0-9.-]+", addresses[0][1]):
        raise ValueError(f"must be like 'Reports <reports@school.example>', not {raw!r}")
    return value


def _database_url(raw: str) -> str:
    value = raw.strip()
    try:
        url = make_url(value)
    except ArgumentError:
        raise ValueError("must be like postgresql://user:password@host/name") from None
    if url.get_backend_name() not in {"sqlite", "postgresql"}:
        raise ValueError(f"must be a sqlite or postgresql URL, not {url.get_backend_name()}")
    if url.get_backend_name() == "postgresql" and url.drivername in {"postgresql", "postgres"}:
        url = url.set(drivername="postgresql+psycopg")
    return url.render_as_string(hide_password=False)


@dataclass(frozen=True)
class Setting:
    """One environment variable: how it is read, its default and what it is for."""

    name: str
    read: Callable[[str], Any]
    default: str
    help: str


SETTINGS: tuple[Setting, ...] = (
    Setting(
        "APP_ENV",
        _one_of("development", "production"),
        "development",
        "`production` insists on SECRET_KEY, BASE_URL and MAIL_SERVER, and has no mailbox",
    ),
    Setting(
        "DATABASE_URL",
        _database_url,
        "",
        "empty: a SQLite file in `instance/`; else `postgresql://user:password@host/name`",
    ),
    Setting(
        "SECRET_KEY",
        _text,
        "",
        "signs sessions; outside production a random one is kept in `instance/`",
    ),
    Setting(
        "BASE_URL",
        _base_url,
        "",
        "where people reach the app; the links in mails begin with it; empty: `http://127.0.0.1:PORT`",
    ),
    Setting("PLATFORM_NAME", _text, "Reportapp", "the name on pages and in mails"),
    Setting("DEFAULT_TIME_ZONE", _zone, "Europe/Berlin", "the zone of a newly made school"),
    Setting("HOST", _text, "127.0.0.1", "the address that `python app.py` listens on"),
    Setting("PORT", _whole(1, 65535), "8000", "its port"),
    Setting(
        "TRUSTED_PROXIES",
        _whole(0, 5),
        "0",
        "how many reverse proxies stand in front and set X-Forwarded-For and X-Forwarded-Proto",
    ),
    Setting(
        "API_REQUESTS_PER_MINUTE",
        _whole(0, 1_000_000),
        "600",
        "at most so many API requests per person, or per address without a token; 0: no limit",
    ),
    Setting("MAIL_SERVER", _text, "", "SMTP host; empty: the built-in mailbox at `/mailbox`"),
    Setting("MAIL_PORT", _whole(1, 65535), "587", "SMTP port"),
    Setting("MAIL_USE_TLS", _switch, "true", "STARTTLS; the certificate is checked"),
    Setting("MAIL_USE_SSL", _switch, "false", "TLS from the first byte (port 465)"),
    Setting("MAIL_USERNAME", _text, "", "SMTP log-in, where the server wants one"),
    Setting("MAIL_PASSWORD", _text, "", "its password"),
    Setting(
        "MAIL_DEFAULT_SENDER",
        _sender,
        "Reportapp <reports@localhost.localdomain>",
        "the From of every mail",
    ),
    Setting("MAIL_TIMEOUT_SECONDS", _whole(1, 600), "60", "how long to wait for the mail server"),
    Setting(
        "SCHEDULER_ENABLED",
        _switch,
        "true",
        "false: `python app.py` serves pages only; run `flask scheduler run` elsewhere",
    ),
    Setting("DELIVERY_WORKERS", _whole(1, 32), "1", "SMTP sessions used at the same time"),
    Setting(
        "DELIVERY_MAILS_PER_SESSION",
        _whole(1, 100_000),
        "500",
        "mails over one SMTP session before a new one is opened",
    ),
    Setting("DELIVERY_PER_SECOND", _whole(0, 10_000), "0", "at most so many mails; 0: no limit"),
    Setting(
        "DELIVERY_PER_DOMAIN_AND_MINUTE",
        _whole(0, 100_000),
        "0",
        "at most so many mails to one domain, such as gmail.com; 0: no limit",
    ),
    Setting("PDF_WORKERS", _whole(1, 32), "2", "processes that lay out PDFs for mails"),
    Setting(
        "PDF_SECONDS",
        _whole(1, 3600),
        "120",
        "how long one PDF may take; a longer one is not sent, and the ledger says so",
    ),
    Setting(
        "DELIVERY_LEASE_SECONDS",
        _whole(5, 3600),
        "60",
        "after a crash, how long until another process takes over",
    ),
    Setting(
        "AMBIGUOUS_DELIVERY",
        _one_of("hold", "resend"),
        "hold",
        "a mail that may or may not have left when the process died: show it, or send it again",
    ),
    Setting(
        "ARTEFACT_DAYS",
        _whole(1, 3650),
        "90",
        "how long the files that were sent are kept, for downloads and for the ledger",
    ),
    Setting(
        "MAX_ATTACHMENT_BYTES",
        _whole(1024, 1_000_000_000),
        "10000000",
        "a larger file is not attached: the mail holds a link to it",
    ),
)

#: Characters; a shorter one can be guessed.
LEAST_SECRET = 16
#: What must be set by hand in production: a default would be a hole or a dead end there.
REQUIRED_IN_PRODUCTION = ("SECRET_KEY", "BASE_URL", "MAIL_SERVER")


def read_settings(environ: Mapping[str, str]) -> dict[str, Any]:
    """All settings by name, read from `environ` or their defaults.

    Raises ConfigError, naming the variable, for the first one that is missing or impossible.
    """
    values: dict[str, Any] = {}
    for setting in SETTINGS:
        raw = environ.get(setting.name, "")
        try:
            values[setting.name] = setting.read(raw) if raw.strip() else _default(setting)
        except ValueError as error:
            raise ConfigError(f"{setting.name} {error}.") from None
    if values["APP_ENV"] == "production":
        for name in REQUIRED_IN_PRODUCTION:
            if not environ.get(name, "").strip():
                raise ConfigError(f"{name} must be set in production.")
        if len(values["SECRET_KEY"]) < LEAST_SECRET:
            raise ConfigError(f"SECRET_KEY must have at least {LEAST_SECRET} characters.")
    values["BASE_URL"] = values["BASE_URL"] or f"http://127.0.0.1:{values['PORT']}"
    if values["MAIL_USE_TLS"] and values["MAIL_USE_SSL"]:
        if environ.get("MAIL_USE_TLS", "").strip():
            raise ConfigError("MAIL_USE_TLS and MAIL_USE_SSL exclude each other; set one of them.")
        values["MAIL_USE_TLS"] = False
    return values


def _default(setting: Setting) -> Any:
    return setting.read(setting.default) if setting.default else ""


def flask_config(values: Mapping[str, Any], instance: Path) -> dict[str, Any]:
    """Flask's configuration for `values` (from `read_settings`); `instance` is the folder for what
    the app keeps on disk, and is created."""
    instance.mkdir(parents=True, exist_ok=True)
    secure = values["BASE_URL"].startswith("https://")
    database = values["DATABASE_URL"] or f"sqlite:///{instance / 'reportapp.db'}"
    return {
        **values,
        "SECRET_KEY": values["SECRET_KEY"] or _kept_secret(instance / "secret_key"),
        "SQLALCHEMY_DATABASE_URI": database,
        "MESSAGE_ID_DOMAIN": parseaddr(values["MAIL_DEFAULT_SENDER"])[1].rpartition("@")[2],
        "SESSION_COOKIE_SECURE": secure,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        # Flask-Login's own cookie has its own, laxer defaults (0.6.3).
        "REMEMBER_COOKIE_SECURE": secure,
        "REMEMBER_COOKIE_HTTPONLY": True,
        "REMEMBER_COOKIE_SAMESITE": "Lax",
        "REMEMBER_COOKIE_DURATION": timedelta(days=14),
        "PERMANENT_SESSION_LIFETIME": timedelta(hours=12),
        # Room for the longest form and for a calendar file of 1 MB, not for larger uploads.
        "MAX_CONTENT_LENGTH": 1_100_000,
        "WTF_CSRF_TIME_LIMIT": None,
        "WTF_CSRF_SSL_STRICT": True,
        "RATELIMIT_STORAGE_URI": "memory://",
        "RATELIMIT_HEADERS_ENABLED": True,
    }


def _kept_secret(path: Path) -> str:
    """A random secret that survives restarts, readable by this user only."""
    if not path.exists() or not path.read_text().strip():
        # Written beside it and renamed: a half-written secret must not stay.
        made = path.with_name(f"{path.name}.{os.getpid()}")
        made.touch(mode=0o600)
        made.write_text(secrets.token_urlsafe(32))
        made.replace(path)
    return path.read_text().strip()
