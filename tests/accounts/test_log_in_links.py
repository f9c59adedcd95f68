"""Links by which people choose a password: for whom, how long, how often."""

import re
from datetime import timedelta

import pytest
from itsdangerous import URLSafeSerializer

from reportapp.accounts.log_in_links import (
    ask_for_link,
    find_by_link,
    send_link,
    set_password_by_link,
)
from reportapp.accounts.people import change_person, switch_person
from reportapp.accounts.users import (
    authenticate,
    change_password,
    load_session_user,
    set_password,
)
from reportapp.errors import Conflict, Forbidden, InvalidInput, NotFound
from reportapp.extensions import db, transaction
from tests.cast import NOW, PASSWORD
from tests.smtp import HANG_UP

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
NEW = "a new pass phrase"
LINK = re.compile(r"https://reports\.lindenhof\.example/log-in-link/(\S+)")


def token_in(mail) -> str:
    """The only link's token, the same in text and HTML."""
    (token,) = LINK.findall(mail.text)
    assert mail.html.count(f"/log-in-link/{token}") == 2
    return token


@pytest.fixture
def asked(cast, smtp):
    """Asks for a link at NOW; its token."""

    def ask(person) -> str:
        ask_for_link(person.email, NOW)
        return token_in(smtp.arrived[-1])

    return ask


def refused(token, now=NOW):
    with pytest.raises(NotFound, match="no longer valid"):
        find_by_link(token, now)
    with pytest.raises(NotFound, match="no longer valid"):
        set_password_by_link(token, NEW, now)


def test_somebody_without_a_password_gets_one_and_can_log_in(cast, asked):
    with transaction():
        cast.pia.password_hash = None
    assert authenticate(cast.pia.email, NEW) is None
    token = asked(cast.pia)
    assert find_by_link(token, NOW) == cast.pia
    assert set_password_by_link(token, NEW, NOW) == cast.pia
    assert authenticate(cast.pia.email, NEW) == cast.pia


def test_a_new_password_replaces_the_old_one_and_ends_all_sessions(cast, asked):
    session = cast.pia.get_id()
    set_password_by_link(asked(cast.pia), NEW, NOW)
    assert authenticate(cast.pia.email, PASSWORD) is None
    assert load_session_user(session) is None


def test_a_link_works_once(cast, asked):
    token = asked(cast.pia)
    set_password_by_link(token, NEW, NOW)
    refused(token)


def test_looking_at_it_does_not_use_it_up(cast, asked):
    token = asked(cast.pia)
    for _ in range(3):
        assert find_by_link(token, NOW) == cast.pia
    set_password_by_link(token, NEW, NOW)


def test_of_two_links_the_use_of_one_voids_the_other(cast, asked):
    first, second = asked(cast.pia), asked(cast.pia)
    set_password_by_link(second, NEW, NOW)
    refused(first)


def test_a_link_that_was_asked_for_lasts_an_hour(cast, asked):
    token = asked(cast.pia)
    refused(token, NOW + HOUR + MINUTE)
    set_password_by_link(token, NEW, NOW + HOUR)


def test_a_link_from_an_admin_lasts_three_days(cast, smtp):
    send_link(cast.ada, cast.pia.id, NOW)
    token = token_in(smtp.to("pia@parent.example"))
    refused(token, NOW + 72 * HOUR + MINUTE)
    set_password_by_link(token, NEW, NOW + 72 * HOUR)


@pytest.mark.parametrize(
    "change",
    [
        lambda cast: switch_person(cast.ada, cast.pia.id, False),
        lambda cast: set_password("pia@parent.example", "another phrase"),
        lambda cast: change_password(cast.pia, PASSWORD, "another phrase"),
        lambda cast: change_person(
            cast.ada, cast.pia.id, {"given_name": "Pia", "email": "p@new.example", "role": "parent"}
        ),
    ],
    ids=["switched off", "by command", "by herself", "another address"],
)
def test_a_change_of_the_account_voids_a_link(cast, asked, change):
    token = asked(cast.pia)
    change(cast)
    refused(token)


def test_switching_off_and_on_again_does_not_bring_a_link_back(cast, asked):
    token = asked(cast.pia)
    switch_person(cast.ada, cast.pia.id, False)
    switch_person(cast.ada, cast.pia.id, True)
    refused(token)


def test_no_letter_of_a_link_can_be_changed(cast, asked):
    token = asked(cast.pia)
    for place, letter in enumerate(token):
        other = "A" if letter != "A" else "B"
        changed = token[:place] + other + token[place + 1 :]
        try:
            # Base64 has spare bits at a signature's end; what it says is the same.
            assert find_by_link(changed, NOW) == cast.pia
            assert place == len(token) - 1
        except NotFound:
            pass
    for text in ("", ".", token[:-5], token + "x", f"{token}.{token}"):
        refused(text)


@pytest.mark.parametrize("text", ["\x00", "\ud800", "x" * 10_000, "..", "eyJhIjoxfQ.x", "é"])
def test_hostile_text_is_no_link(cast, text):
    refused(text)


def test_what_the_app_has_signed_for_something_else_is_no_link(app, cast, asked):
    signer = URLSafeSerializer(app.secret_key, salt="log-in link")
    payload = signer.loads(asked(cast.pia))
    for salt in ("cookie-session", "calendar import", ""):
        refused(URLSafeSerializer(app.secret_key, salt=salt or "itsdangerous").dumps(payload))
    refused(URLSafeSerializer("another secret", salt="log-in link").dumps(payload))
    # Another person's number with this one's fingerprint.
    refused(signer.dumps([cast.ada.id, *payload[1:]]))


def test_a_link_does_not_show_the_password_hash(app, cast, asked):
    payload = str(URLSafeSerializer(app.secret_key, salt="log-in link").loads(asked(cast.pia)))
    assert cast.pia.password_hash not in payload
    assert cast.pia.email not in payload


@pytest.mark.parametrize("password", ["", "short", "x" * 201, "x" * 10_000, "surrogate \ud800"])
def test_an_unfit_password_is_refused_and_the_link_stays_good(cast, asked, password):
    token = asked(cast.pia)
    with pytest.raises(InvalidInput) as caught:
        set_password_by_link(token, password, NOW)
    assert list(caught.value.fields) == ["password"]
    assert authenticate(cast.pia.email, PASSWORD) == cast.pia
    set_password_by_link(token, NEW, NOW)


class TestAsking:
    @pytest.mark.parametrize(
        "text",
        [
            "nobody@nowhere.example",
            "",
            "x",
            "\x00",
            "pia\x00@parent.example",
            "\ud800",
            "x" * 10_000,
        ],
    )
    def test_for_an_address_of_nobody_nothing_is_sent(self, cast, smtp, text):
        ask_for_link(text, NOW)
        assert smtp.arrived == []

    def test_the_address_may_be_typed_in_any_case(self, cast, smtp):
        ask_for_link(" PIA@Parent.Example ", NOW)
        assert smtp.addresses == ["pia@parent.example"]

    def test_a_switched_off_person_gets_nothing(self, cast, smtp):
        switch_person(cast.ada, cast.pia.id, False)
        ask_for_link("pia@parent.example", NOW)
        assert smtp.arrived == []

    @pytest.mark.parametrize("reply", ["450 later", "550 no such mailbox", HANG_UP])
    def test_a_mail_that_does_not_leave_is_logged_and_not_told(self, cast, smtp, caplog, reply):
        smtp.on_data = lambda address: reply
        ask_for_link("pia@parent.example", NOW)
        assert smtp.arrived == []
        assert f"person {cast.pia.id} was not sent" in caplog.text
        assert "/log-in-link/" not in caplog.text


class TestSendingByAnAdmin:
    @pytest.mark.parametrize(
        ("name", "error"),
        [("tom", Forbidden), ("uma", Forbidden), ("pol", Forbidden), ("olga", NotFound)],
    )
    def test_nobody_else_may(self, cast, smtp, name, error):
        with pytest.raises(error):
            send_link(cast.people[name], cast.pia.id, NOW)
        assert smtp.arrived == []

    def test_without_an_address_or_switched_off_there_is_nothing_to_send(self, cast, smtp):
        with transaction():
            cast.nil.email = None
        switch_person(cast.ada, cast.pia.id, False)
        for name, text in (("nil", "no e-mail address"), ("pia", "switched off")):
            with pytest.raises(Conflict, match=text):
                send_link(cast.ada, cast.people[name].id, NOW)
        assert smtp.arrived == []

    def test_the_servers_words_are_told(self, cast, smtp):
        smtp.on_rcpt = lambda address: "550 5.1.1 no such mailbox"
        with pytest.raises(Conflict, match=r"was not sent\..*550 5\.1\.1 no such mailbox"):
            send_link(cast.ada, cast.pia.id, NOW)
        smtp.on_rcpt = lambda address: None
        smtp.on_data = lambda address: HANG_UP
        with pytest.raises(Conflict, match="unclear whether"):
            send_link(cast.ada, cast.pia.id, NOW)

    def test_a_name_that_would_add_a_header_is_not_sent(self, cast, smtp):
        with transaction():
            cast.pia.given_name = "Pia\r\nBcc: all@school.example"
        with pytest.raises(Conflict, match="No mail can be written"):
            send_link(cast.ada, cast.pia.id, NOW)
        assert smtp.arrived == []


class TestTheMail:
    def test_it_says_from_whom_how_long_and_what_for(self, cast, smtp):
        with transaction():
            cast.pia.password_hash = None
        send_link(cast.ada, cast.pia.id, NOW)
        mail = smtp.to("pia@parent.example")
        assert mail.message["Subject"] == "Choose your password for Reportapp"
        assert mail.message["Auto-Submitted"] == "auto-generated"
        assert mail.message["List-Unsubscribe"] is None
        for body in (mail.text, mail.html):
            for words in (
                "Dear Pia Example",
                "Ada Example of Lindenhof School",
                "Thu 26 Nov 2026, 08:30, Berlin time",
                "pia@parent.example",
                "Please do not pass this mail on.",
            ):
                assert words in body

    def test_it_tells_whoever_did_not_ask_that_nothing_has_changed(self, cast, smtp):
        ask_for_link(cast.pia.email, NOW)
        mail = smtp.to("pia@parent.example")
        assert mail.message["Subject"] == "Choose a new password for Reportapp"
        for body in (mail.text, mail.html):
            assert "nothing changes unless the link is used" in body
            assert "Mon 23 Nov 2026, 09:30, Berlin time" in body
            assert "Ada" not in body

    def test_a_name_is_text_and_not_html(self, cast, smtp):
        with transaction():
            cast.pia.given_name = "<script>alert(1)</script>"
        ask_for_link(cast.pia.email, NOW)
        assert "<script>" not in smtp.to("pia@parent.example").html


def test_the_link_goes_to_the_address_of_the_settings_only(app, cast, smtp):
    with app.test_request_context("/", base_url="https://evil.example"):
        ask_for_link(cast.pia.email, NOW)
    assert "evil.example" not in smtp.to("pia@parent.example").text
    db.session.rollback()
