"""The people of the school, for its admins."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from reportapp import clock
from reportapp.accounts.log_in_links import send_link
from reportapp.accounts.people import (
    add_person,
    change_person,
    get_person,
    list_people,
    switch_person,
)
from reportapp.accounts.person_page import show_person
from reportapp.constants import PeopleShown, Role
from reportapp.errors import Conflict, InvalidInput
from reportapp.extensions import SENDING, limiter
from reportapp.models import User
from reportapp.schedules.addresses import send_again_to, trouble_of
from reportapp.web.inputs import Paging, page_number
from reportapp.web.limits import signed_in_person
from reportapp.web.people_forms import PersonForm, role_from, shown_from
from reportapp.web.session import actor

bp = Blueprint("people", __name__, url_prefix="/people")

_PAGE_SIZE = 50


@bp.get("/")
def index() -> ResponseReturnValue:
    text = request.args.get("q", "")[:200]
    role, shown = role_from(request.args.get("role")), shown_from(request.args.get("shown"))
    page = page_number()
    found, total = list_people(
        actor(), text=text, role=role, shown=shown, page=page, page_size=_PAGE_SIZE
    )
    return render_template(
        "people/index.html",
        found=found,
        text=text,
        role=role,
        shown=shown,
        roles=list(Role),
        all_shown=list(PeopleShown),
        paging=Paging(page, _PAGE_SIZE, total),
    )


@bp.route("/new", methods=["GET", "POST"])
def new() -> ResponseReturnValue:
    form = PersonForm()
    if request.method == "POST":
        try:
            person = add_person(actor(), form.values(), clock.now())
        except InvalidInput as error:
            form.show(error)
        else:
            return _done(f"{person.name} is added.", person.id)
    return _form_page(form)


@bp.get("/<int:user_id>")
def show(user_id: int) -> ResponseReturnValue:
    return _page(user_id)


@bp.route("/<int:user_id>/edit", methods=["GET", "POST"])
def edit(user_id: int) -> ResponseReturnValue:
    person = get_person(actor(), user_id)
    form = PersonForm(obj=person)
    if request.method == "POST":
        try:
            change_person(actor(), user_id, form.values())
        except InvalidInput as error:
            form.show(error)
        else:
            return _done("Your changes are saved.", user_id)
    return _form_page(form, person)


@bp.route("/<int:user_id>/switch", methods=["GET", "POST"])
def switch(user_id: int) -> ResponseReturnValue:
    """Off only after a page that says what it means; on by a button of the person's page."""
    if request.method == "GET":
        return render_template("people/switch_off.html", person=get_person(actor(), user_id))
    person = switch_person(actor(), user_id, request.form.get("active") == "1")
    state = "on again" if person.is_active else "off"
    return _done(f"The account of {person.name} is switched {state}.", user_id)


@bp.post("/<int:user_id>/log-in-link")
@limiter.limit(SENDING, key_func=signed_in_person)
def log_in_link(user_id: int) -> ResponseReturnValue:
    person = send_link(actor(), user_id, clock.now())
    return _done(f"A log-in link is on its way to {person.email}. It works for 3 days.", user_id)


@bp.post("/<int:user_id>/send-to-address")
def send_to_address(user_id: int) -> ResponseReturnValue:
    person = send_again_to(actor(), user_id)
    return _done(f"Mails are sent to {person.email} again.", user_id)


@bp.errorhandler(Conflict)
def _refused(error: Conflict) -> ResponseReturnValue:
    """A refusal is told on the page where the button was."""
    flash(str(error), "danger")
    assert request.view_args is not None
    return _page(request.view_args["user_id"]), 409


def _page(user_id: int) -> str:
    page = show_person(actor(), user_id, clock.now())
    return render_template("people/show.html", page=page, trouble=trouble_of(page.person))


def _form_page(form: PersonForm, person: User | None = None) -> ResponseReturnValue:
    page = render_template("people/form.html", form=form, person=person)
    return page, 422 if form.errors else 200


def _done(text: str, user_id: int) -> ResponseReturnValue:
    flash(text, "success")
    return redirect(url_for("people.show", user_id=user_id))
