"""Changing the school calendar by hand."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from reportapp import clock
from reportapp.errors import InvalidInput
from reportapp.keys import read_key
from reportapp.school.calendar import (
    add_entry,
    add_term,
    change_entry,
    change_term,
    delete_entry,
    delete_term,
    get_entry,
    get_term,
    set_weekdays,
)
from reportapp.web.calendar import calendar_page
from reportapp.web.calendar_forms import TERM, AddForm, EntryForm, TermForm
from reportapp.web.errors import problems
from reportapp.web.session import actor

bp = Blueprint("calendar_edit", __name__, url_prefix="/calendar")


@bp.post("/add")
def add() -> ResponseReturnValue:
    form = AddForm()
    use_case = add_term if form.kind.data == TERM else add_entry
    try:
        added = use_case(actor(), form.values(), clock.now())
    except InvalidInput as error:
        form.show(error)
        return calendar_page(form)
    return _done(f"“{added.title}” is in the calendar.")


@bp.post("/weekdays")
def weekdays() -> ResponseReturnValue:
    days = [read_key(text) or 0 for text in request.form.getlist("weekdays")]
    try:
        set_weekdays(actor(), days, clock.now())
    except InvalidInput as error:
        return calendar_page(AddForm(formdata=None), problems(error))
    return _done("The days with lessons are saved.")


@bp.route("/entries/<int:entry_id>/edit", methods=["GET", "POST"])
def edit_entry(entry_id: int) -> ResponseReturnValue:
    entry = get_entry(actor(), entry_id)
    form = EntryForm(obj=entry)
    if request.method == "POST":
        try:
            change_entry(actor(), entry_id, form.values(), clock.now())
        except InvalidInput as error:
            form.show(error)
        else:
            return _done("Your changes are saved.")
    return _form_page(form, entry.title, url_for(".remove_entry", entry_id=entry_id))


@bp.route("/terms/<int:term_id>/edit", methods=["GET", "POST"])
def edit_term(term_id: int) -> ResponseReturnValue:
    term = get_term(actor(), term_id)
    days = {"first_day": term.start_date, "last_day": term.end_date}
    form = TermForm(data={"title": term.title, **days})
    if request.method == "POST":
        try:
            change_term(actor(), term_id, form.values(), clock.now())
        except InvalidInput as error:
            form.show(error)
        else:
            return _done("Your changes are saved.")
    return _form_page(form, term.title, url_for(".remove_term", term_id=term_id))


@bp.route("/entries/<int:entry_id>/delete", methods=["GET", "POST"])
def remove_entry(entry_id: int) -> ResponseReturnValue:
    entry = get_entry(actor(), entry_id)
    title, days = entry.title, (entry.first_day, entry.last_day)
    if request.method == "GET":
        back = url_for(".edit_entry", entry_id=entry_id)
        return render_template("calendar/delete.html", title=title, days=days, back=back)
    delete_entry(actor(), entry_id, clock.now())
    return _done(f"“{title}” is deleted.")


@bp.route("/terms/<int:term_id>/delete", methods=["GET", "POST"])
def remove_term(term_id: int) -> ResponseReturnValue:
    term = get_term(actor(), term_id)
    title, days = term.title, (term.start_date, term.end_date)
    if request.method == "GET":
        back = url_for(".edit_term", term_id=term_id)
        return render_template("calendar/delete.html", title=title, days=days, back=back)
    delete_term(actor(), term_id, clock.now())
    return _done(f"“{title}” is deleted.")


def _form_page(form: TermForm, title: str, delete: str) -> ResponseReturnValue:
    page = render_template("calendar/form.html", form=form, title=title, delete=delete)
    return page, 422 if form.errors else 200


def _done(text: str) -> ResponseReturnValue:
    flash(text, "success")
    return redirect(url_for("calendar.index"))
