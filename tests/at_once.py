"""Several at the same moment."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Barrier

from reportapp.errors import Conflict, ReportappError
from reportapp.extensions import db


def at_once(app, *calls, refusal=Conflict):
    """What each of the calls returns, or the `refusal` that it raises; all begun together, each as
    on a server of its own. `app`: None for requests, which make their own context."""
    gate = Barrier(len(calls))

    def run(call):
        with ExitStack() as stack:
            if app is not None:
                stack.enter_context(app.app_context())
                stack.callback(db.session.remove)
            gate.wait()
            try:
                return call()
            except refusal as error:
                return error

    db.session.rollback()
    with ThreadPoolExecutor(len(calls)) as pool:
        found = list(pool.map(run, calls))
    db.session.rollback()
    return found


def succeeded(app, *calls):
    """The same; True for each call that was not refused, for whatever reason."""
    found = at_once(app, *calls, refusal=ReportappError)
    return [not isinstance(one, ReportappError) for one in found]
