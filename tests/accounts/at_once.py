"""Several at the same moment."""

from threading import Barrier, Thread

from reportapp.errors import ReportappError
from reportapp.extensions import db


def at_once(app, *calls):
    """Runs the calls at the same moment, each in a context of its own; True where one succeeded."""
    barrier, done = Barrier(len(calls)), [False] * len(calls)

    def run(number, call):
        with app.app_context():
            barrier.wait()
            try:
                call()
                done[number] = True
            except ReportappError:
                pass

    threads = [Thread(target=run, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    db.session.rollback()
    return done
