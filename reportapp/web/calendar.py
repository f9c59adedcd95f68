"""The school calendar, to look at; those who may change it find their forms there, too."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from reportapp import clock
from reportapp.school.calendar_list import list_calendar
from reportapp.web.calendar_forms import AddForm
from reportapp.web.session import actor

bp = Blueprint("calendar", __name__, url_prefix="/calendar")


@bp.get("/")
def index() -> ResponseReturnValue:
    return calendar_page(AddForm(formdata=None))


def calendar_page(form: AddForm, weekdays_error: str = "") -> ResponseReturnValue:
    """The calendar with the form for adding to it."""
    page = render_template(
        "calendar/index.html",
        calendar=list_calendar(actor(), clock.now()),
        form=form,
        weekdays_error=weekdays_error,
    )
    return page, 422 if form.errors or weekdays_error else 200
