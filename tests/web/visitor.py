"""Somebody with a browser: keeps cookies, sends forms with their hidden token."""

import re
from contextvars import Context
from urllib.parse import urlsplit

from bs4 import BeautifulSoup

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


def fields_of(page: str) -> dict[str, str | list[str]]:
    """What a page's fields would send, by name; a list where several have one name. Fields that
    exist once in two forms count once."""
    soup = BeautifulSoup(page, "html.parser")
    found: dict[str, str | list[str]] = {}
    for field in soup.find_all("input", attrs={"name": True}):
        kind = field.get("type")
        if kind in ("checkbox", "radio") and not field.has_attr("checked"):
            continue
        name, value = field["name"], field.get("value") or ""
        if kind == "checkbox" and name in found:
            found[name] = [*([found[name]] if isinstance(found[name], str) else found[name]), value]
        else:
            found.setdefault(name, value)
    for field in soup.find_all("select", attrs={"name": True}):
        chosen = field.find("option", selected=True) or field.find("option")
        found.setdefault(field["name"], chosen["value"] if chosen else "")
    return found


def words_of(page: str) -> str:
    """What a reader of a page sees, in one line."""
    return " ".join(re.sub(r"<[^>]*>", "", page).split())


def path_of(answer) -> str:
    """Where a redirect leads, without the host."""
    return urlsplit(answer.location).path
