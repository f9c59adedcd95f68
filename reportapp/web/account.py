"""The reader's own settings."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_user

from reportapp.accounts.users import change_password, update_account
from reportapp.errors import InvalidInput
from reportapp.extensions import limiter
from reportapp.web.forms import PasswordForm, ZoneForm
from reportapp.web.session import actor

bp = Blueprint("account", __name__, url_prefix="/account")


@bp.get("/")
def index() -> ResponseReturnValue:
    return _page(ZoneForm(time_zone=actor().time_zone or ""), PasswordForm())


@bp.post("/time-zone")
def time_zone() -> ResponseReturnValue:
    form = ZoneForm()
    try:
        update_account(actor(), form.time_zone.data or "")
    except InvalidInput as error:
        form.show(error)
        return _page(form, PasswordForm(formdata=None)), 422
    flash("Your time zone is saved.", "success")
    return redirect(url_for(".index"))


@bp.post("/password")
@limiter.limit("10/minute")
def password() -> ResponseReturnValue:
    """A new password ends all log-ins, so that this one is begun anew."""
    form = PasswordForm()
    try:
        change_password(actor(), form.current_password.data or "", form.new_password.data or "")
    except InvalidInput as error:
        form.show(error)
        return _page(ZoneForm(formdata=None, time_zone=actor().time_zone or ""), form), 422
    login_user(actor())
    flash("Your password is changed. Other devices are logged out.", "success")
    return redirect(url_for(".index"))


def _page(zone: ZoneForm, password: PasswordForm) -> str:
    return render_template("account.html", zone=zone, password=password, person=actor())
