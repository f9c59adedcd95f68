"""The reader's own keys for scripts."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import StringField

from reportapp import clock
from reportapp.accounts.tokens import (
    create_token,
    end_of_day,
    get_token,
    list_tokens,
    revoke_token,
)
from reportapp.errors import Conflict, InvalidInput
from reportapp.models import ApiToken
from reportapp.web.forms import Form
from reportapp.web.session import actor

bp = Blueprint("tokens", __name__, url_prefix="/account/tokens")


class TokenForm(Form):
    name = StringField("What it is for")
    expires_at = StringField("Last day")


@bp.get("/")
def index() -> ResponseReturnValue:
    return _page(TokenForm())


@bp.post("/")
def create() -> ResponseReturnValue:
    """The answer itself shows the token: it is in no address, in no cookie, and nothing may keep
    the page."""
    form = TokenForm()
    try:
        expires_at = end_of_day(actor(), form.expires_at.data or "")
        token = create_token(actor(), form.name.data or "", clock.now(), expires_at)
    except InvalidInput as error:
        form.show(error)
        return _page(form), 422
    except Conflict as error:
        form.form_errors.append(str(error))
        return _page(form), 409
    page = render_template(
        "tokens/made.html",
        token=token,
        made=list_tokens(actor())[0],
        last_day=_last_day,
        base_url=current_app.config["BASE_URL"],
    )
    return page, 201


@bp.route("/<int:token_id>/revoke", methods=["GET", "POST"])
def revoke(token_id: int) -> ResponseReturnValue:
    """Only after a page that says what it means."""
    if request.method == "GET":
        return render_template("tokens/revoke.html", token=get_token(actor(), token_id))
    name = revoke_token(actor(), token_id)
    flash(f"The token “{name}” is revoked. Whatever used it has no access any more.", "success")
    return redirect(url_for(".index"))


def _page(form: TokenForm) -> str:
    return render_template(
        "tokens/index.html",
        form=form,
        tokens=list_tokens(actor()),
        now=clock.now(),
        last_day=_last_day,
    )


def _last_day(token: ApiToken) -> date | None:
    """The last day on which it works, where the reader is."""
    if token.expires_at is None:
        return None
    last_moment = token.expires_at - timedelta(seconds=1)
    return last_moment.astimezone(ZoneInfo(actor().zone_name)).date()
