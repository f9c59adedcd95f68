"""Log-in links, for those who have no password or have forgotten it. Mail scanners follow links:
GET changes nothing."""

from datetime import datetime
from threading import Thread

from flask import (
    Blueprint,
    Flask,
    current_app,
    flash,
    make_response,
    redirect,
    render_template,
    url_for,
)
from flask.typing import ResponseReturnValue

from reportapp import clock
from reportapp.accounts.log_in_links import ask_for_link, find_by_link, set_password_by_link
from reportapp.errors import InvalidInput, NotFound
from reportapp.extensions import limiter
from reportapp.web.forms import AskForm, ChoosePasswordForm
from reportapp.web.limits import typed_address
from reportapp.web.security import keep_token_secret
from reportapp.web.session import begin_session

bp = Blueprint("log_in_link", __name__)
bp.after_request(keep_token_secret)

MAIL_THREAD = "log-in-link"


@bp.get("/forgot-password")
def ask() -> ResponseReturnValue:
    return render_template("log_in_link/ask.html", form=AskForm(), asked=False)


@bp.post("/forgot-password")
# A whole staff room may sit behind one address on the first day.
@limiter.limit("60/hour")
@limiter.limit("5/hour", key_func=typed_address)
def send() -> ResponseReturnValue:
    """The same answer for every address. The mail is sent when the answer has left, and by somebody
    else than who serves this connection: so neither this answer's time nor the next one's tells who
    has an account."""
    form = AskForm()
    answer = make_response(render_template("log_in_link/ask.html", form=form, asked=True))
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    email, now = form.email.data or "", clock.now()

    @answer.call_on_close
    def begin() -> None:
        # Not a daemon: a stop of the server waits for the mail in hand.
        Thread(target=_send_mail, args=(app, email, now), name=MAIL_THREAD).start()

    return answer


def _send_mail(app: Flask, email: str, now: datetime) -> None:
    with app.app_context():
        ask_for_link(email, now)


@bp.get("/log-in-link/<token>")
def choose(token: str) -> ResponseReturnValue:
    return _page(token, ChoosePasswordForm(formdata=None))


@bp.post("/log-in-link/<token>")
@limiter.limit("30/minute")
def save(token: str) -> ResponseReturnValue:
    """Whoever holds the link is logged in with it, too: it is worth as much as the password, and
    it is the way in for somebody whose log-in is blocked by other people's wrong tries."""
    form = ChoosePasswordForm()
    try:
        user = set_password_by_link(token, form.password.data or "", clock.now())
    except InvalidInput as error:
        form.show(error)
        return _page(token, form)
    begin_session(user, remember=False)
    flash("Your password is saved and you are logged in.", "success")
    return redirect(url_for("home.index"))


@bp.errorhandler(NotFound)
def _void(error: NotFound) -> ResponseReturnValue:
    return render_template("log_in_link/void.html", text=str(error)), 404


def _page(token: str, form: ChoosePasswordForm) -> ResponseReturnValue:
    person = find_by_link(token, clock.now())
    page = render_template("log_in_link/choose.html", form=form, person=person)
    return page, 422 if form.errors else 200
