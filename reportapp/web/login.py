"""Logging in and out."""

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, logout_user

from reportapp.accounts.users import authenticate
from reportapp.extensions import limiter
from reportapp.web.forms import LoginForm
from reportapp.web.limits import refused, typed_address
from reportapp.web.session import begin_session, local_path

bp = Blueprint("login", __name__)


@bp.route("/login", methods=["GET", "POST"])
# Only failures count: a whole staff room may log in from one address in the same minute. By account
# too, for those who guess from many addresses; whom that blocks, still gets in by a log-in link.
@limiter.limit("10/minute", methods=["POST"], deduct_when=refused)
@limiter.limit("20 per 10 minutes", methods=["POST"], key_func=typed_address, deduct_when=refused)
def log_in() -> ResponseReturnValue:
    target = local_path(request.args.get("next"))
    home = target or url_for("home.index")
    if current_user.is_authenticated:
        return redirect(home)
    form = LoginForm()
    if request.method == "POST":
        user = authenticate(form.email.data or "", form.password.data or "")
        if user is not None:
            begin_session(user, remember=form.remember.data)
            return redirect(home)
        form.form_errors.append("The e-mail address or the password is not right.")
    status = 422 if form.form_errors else 200
    return render_template("login.html", form=form, must_log_in=target is not None), status


@bp.post("/logout")
def log_out() -> ResponseReturnValue:
    logout_user()
    # Flask-Login's own note, by which its cookie is taken away, has to stay.
    for name in set(session) - {"_remember", "_remember_seconds"}:
        session.pop(name)
    flash("You are logged out.", "success")
    return redirect(url_for("login.log_in"))
