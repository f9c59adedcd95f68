"""Reportapp: automatic, recurring school reports by e-mail. `create_app` ties everything."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flask import Flask

ROOT = Path(__file__).parent.parent


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """The application. `config` goes before the environment: settings (`config.SETTINGS`) as text,
    anything else straight into Flask's configuration, and INSTANCE_PATH, the folder for what the
    app keeps on disk.

    Raises ConfigError, naming the variable, for a setting that is missing or impossible.
    """
    # Not above: the processes that lay out PDFs need the pure rooms only, and all this takes a
    # second to import.
    from flask import Flask
    from werkzeug.middleware.proxy_fix import ProxyFix

    from reportapp import api, cli, logs, models, web  # noqa: F401 (models: so that migrations know them)
    from reportapp.config import SETTINGS, flask_config, read_settings
    from reportapp.extensions import csrf, db, init_limiter, login_manager, migrate, tune_sqlite
    from reportapp.keys import KeyConverter
    from reportapp.mail import mail

    given = dict(config or {})
    instance = Path(
        given.pop("INSTANCE_PATH", None) or os.environ.get("INSTANCE_PATH") or ROOT / "instance"
    )
    names = {setting.name for setting in SETTINGS}
    settings = {name: str(value) for name, value in given.items() if name in names}
    values = read_settings({**os.environ, **settings})
    app = Flask(
        __name__,
        instance_path=str(instance.resolve()),
        template_folder=str(ROOT / "templates"),
        static_folder=str(ROOT / "static"),
    )
    app.config.update(flask_config(values, instance.resolve()))
    app.config.update({name: value for name, value in given.items() if name not in names})
    if values["TRUSTED_PROXIES"]:
        hops = values["TRUSTED_PROXIES"]
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops)  # type: ignore[method-assign]
    db.init_app(app)
    with app.app_context():
        tune_sqlite(db.engine)
    migrate.init_app(app, db, directory=str(ROOT / "migrations"), render_as_batch=True)
    logs.register(app)
    csrf.init_app(app)
    init_limiter(app)
    login_manager.init_app(app)
    mail.init_app(app)
    app.url_map.converters["int"] = KeyConverter
    api.register(app)
    web.register(app)
    cli.register(app)
    return app
