"""Settings are checked at start, and an error names the variable."""

from pathlib import Path

import pytest
from dotenv import dotenv_values

from reportapp import create_app
from reportapp.config import SETTINGS, read_settings
from reportapp.errors import ConfigError

ROOT = Path(__file__).parent.parent
PRODUCTION = {
    "APP_ENV": "production",
    "SECRET_KEY": "only for these tests",
    "BASE_URL": "https://reports.school.example",
    "MAIL_SERVER": "smtp.school.example",
}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("APP_ENV", "staging"),
        ("DATABASE_URL", "mysql://localhost/x"),
        ("DATABASE_URL", "not a url"),
        ("BASE_URL", "reports.school.example"),
        ("BASE_URL", "ftp://reports.school.example"),
        ("BASE_URL", "https://schüle.example"),
        ("BASE_URL", "https://a b.example"),
        ("BASE_URL", "https://user:password@a.example"),
        ("DEFAULT_TIME_ZONE", "Europe/Atlantis"),
        ("DEFAULT_TIME_ZONE", "../../etc/passwd"),
        ("PORT", "eighty"),
        ("PORT", "70000"),
        ("MAIL_PORT", "0"),
        ("MAIL_USE_TLS", "perhaps"),
        ("MAIL_DEFAULT_SENDER", "nobody"),
        ("MAIL_DEFAULT_SENDER", "a@b.example\nBcc: c@d.example"),
        ("MAIL_DEFAULT_SENDER", "a@b.example, c@d.example"),
        ("MAIL_DEFAULT_SENDER", "reports@schüle.example"),
        ("MAIL_TIMEOUT_SECONDS", "-1"),
        ("DELIVERY_WORKERS", "0"),
        ("AMBIGUOUS_DELIVERY", "guess"),
        ("MAX_ATTACHMENT_BYTES", "ten"),
    ],
)
def test_an_impossible_value_is_refused_by_its_name(name, value):
    with pytest.raises(ConfigError, match=f"^{name} "):
        read_settings({name: value})


@pytest.mark.parametrize("name", ["SECRET_KEY", "BASE_URL", "MAIL_SERVER"])
def test_production_does_not_start_without_what_it_needs(name):
    assert read_settings(PRODUCTION)["APP_ENV"] == "production"
    with pytest.raises(ConfigError, match=f"^{name} must be set in production"):
        read_settings({**PRODUCTION, name: " "})


def test_production_wants_a_secret_that_cannot_be_guessed():
    with pytest.raises(ConfigError, match=r"^SECRET_KEY must have at least 16 "):
        read_settings({**PRODUCTION, "SECRET_KEY": "secret"})


def test_both_kinds_of_tls_at_once_are_refused_and_ssl_alone_is_enough():
    with pytest.raises(ConfigError, match="MAIL_USE_SSL"):
        read_settings({"MAIL_USE_TLS": "true", "MAIL_USE_SSL": "true"})
    assert read_settings({"MAIL_USE_SSL": "true"})["MAIL_USE_TLS"] is False


def test_links_follow_the_port_unless_said_otherwise():
    assert read_settings({"PORT": "8123"})["BASE_URL"] == "http://127.0.0.1:8123"
    assert read_settings({"BASE_URL": "https://a.example/"})["BASE_URL"] == "https://a.example"


def test_a_plain_postgresql_url_means_psycopg_3():
    url = read_settings({"DATABASE_URL": "postgresql://u:p%40w@host/name"})["DATABASE_URL"]
    assert url == "postgresql+psycopg://u:p%40w@host/name"


def test_the_secret_survives_a_restart_and_cookies_are_strict(tmp_path):
    first, second = (create_app({"INSTANCE_PATH": str(tmp_path)}) for _ in range(2))
    assert first.config["SECRET_KEY"] == second.config["SECRET_KEY"]
    assert (tmp_path / "secret_key").stat().st_mode & 0o077 == 0
    (tmp_path / "secret_key").write_text("")  # the disk was full, say
    assert len(create_app({"INSTANCE_PATH": str(tmp_path)}).config["SECRET_KEY"]) > 40
    secure = create_app({"INSTANCE_PATH": str(tmp_path), **PRODUCTION})
    for name in ("SESSION_COOKIE_SECURE", "REMEMBER_COOKIE_SECURE", "REMEMBER_COOKIE_HTTPONLY"):
        assert secure.config[name] is True


def test_the_example_file_and_the_readme_name_every_setting_with_its_default():
    example = dotenv_values(ROOT / ".env.example")
    readme = (ROOT / "README.md").read_text()
    for setting in SETTINGS:
        assert example[setting.name] == setting.default, setting.name
        default = f"`{setting.default}`" if setting.default else ""
        assert f"| `{setting.name}` | {default} | {setting.help} |" in readme, setting.name
    assert set(example) == {setting.name for setting in SETTINGS} | {"INSTANCE_PATH"}
