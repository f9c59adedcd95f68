"""Logging: plain lines on standard error."""

import logging


def configure_logging() -> None:
    """For a process that serves: time, level, name and message of everything worth a look."""
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    # It notes every firing, and warns while a long run is still going, which is as it should be.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    # They narrate every connection and every font.
    for name in ("mail.log", "fontTools", "weasyprint"):
        logging.getLogger(name).setLevel(logging.ERROR)
