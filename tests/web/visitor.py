"""Somebody with a browser: keeps cookies, sends forms with their hidden token."""

import re
from contextvars import Context
from html.parser import HTMLParser
from urllib.parse import urlsplit

from reportapp.extensions import db
from tests.cast import PASSWORD


class Visitor:
    """Each request runs in a context of its own, as on a server: nothing of the test leaks in."""

    def __init__(self, app):
        self.client = app.test_client()
        self._token = ""

    def open(self, method, path, **options):
        # The test's own session lets go of what it has read, and sees what the page has written.
        db.session.rollback()
        answer = Context().run(self.client.open, path, method=method, buffered=True, **options)
        db.session.rollback()
        return answer

    def get(self, path, **options):
        return self.open("GET", path, **options)

    def post(self, path, data=None, **options):
        """As a form of our pages does it."""
        return self.post_bare(path, {"csrf_token": self.token(), **(data or {})}, **options)

    def post_bare(self, path, data=None, **options):
        return self.open("POST", path, data=data or {}, **options)

    def token(self) -> str:
        """The hidden field of this session's forms."""
        if not self._token:
            page = self.get("/account/", follow_redirects=True)
            self._token = fields_of(page.text)["csrf_token"]
        return self._token

    def log_in(self, person, **fields):
        data = {"email": person.email, "password": PASSWORD, **fields}
        answer = self.post("/login", data)
        assert answer.status_code == 302, answer.text
        self._token = ""
        return self


class _Fields(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = {}

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag == "input" and given.get("name"):
            self.found.setdefault(given["name"], given.get("value") or "")


def fields_of(page: str) -> dict[str, str]:
    """The inputs of a page with their values, by name."""
    parser = _Fields()
    parser.feed(page)
    return parser.found


def words_of(page: str) -> str:
    """What a reader of a page sees, in one line."""
    return " ".join(re.sub(r"<[^>]*>", "", page).split())


def path_of(answer) -> str:
    """Where a redirect leads, without the host."""
    return urlsplit(answer.location).path
