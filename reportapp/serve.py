"""One process that is the whole product: pages by gunicorn, the scheduler, the mailbox."""

import logging
import sys
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from reportapp import create_app
from reportapp.errors import ConfigError
from reportapp.jobs import SchedulerService
from reportapp.logs import configure_logging
from reportapp.mail.sender import FINAL_REPLY_TIMEOUT
from reportapp.rendering.pdf import missing_pdf_library


def grace(mail_timeout: int) -> int:
    """Seconds that a stop may take: the mail in hand is finished first, so that its fate is known,
    and the server may take its time before each of its answers."""
    return max(FINAL_REPLY_TIMEOUT, mail_timeout) + 4 * mail_timeout


def main() -> None:
    """Serve until SIGTERM or SIGINT. Ends with one clear line where a setting is wrong."""
    configure_logging()
    try:
        app = create_app()
    except ConfigError as error:
        sys.exit(f"Cannot start: {error}")
    missing = missing_pdf_library()
    if missing:
        logging.getLogger("reportapp").warning(missing)
    _Server(app).run()


class _Server(BaseApplication):
    """gunicorn with one worker process of threads, in which the scheduler runs too."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.service: SchedulerService | None = None
        super().__init__()

    def load_config(self) -> None:
        config = self.app.config
        settings: dict[str, Any] = {
            "bind": f"{config['HOST']}:{config['PORT']}",
            "worker_class": "gthread",
            "workers": 1,
            "threads": 8,
            "timeout": 120,
            "graceful_timeout": grace(config["MAIL_TIMEOUT_SECONDS"]),
            "keepalive": 5,
            "control_socket_disable": True,
            "post_worker_init": self._worker_started,
            "worker_exit": self._worker_ends,
        }
        for name, value in settings.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Flask:
        return self.app

    def _worker_started(self, _worker: Any) -> None:
        if self.app.config["SCHEDULER_ENABLED"]:
            self.service = SchedulerService(self.app)
            self.service.start()

    def _worker_ends(self, _server: Any, _worker: Any) -> None:
        if self.service is not None:
            self.service.stop()
