"""How a command that works for long is asked to end."""

import signal
from threading import Event


def asked_to_end() -> Event:
    """Set on SIGTERM or Ctrl-C, which do nothing else from now on."""
    asked = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked.set())
    return asked
