"""Who belongs to whom: guardians, tutors and forbidden contact, for the school's admins."""

from collections.abc import Callable

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from reportapp import clock
from reportapp.accounts.links import (
    FoundLink,
    add_link,
    change_guardian_link,
    change_tutor_link,
    find_others,
    get_guardian_link,
    get_tutor_link,
    set_no_contact,
)
from reportapp.accounts.people import get_person
from reportapp.constants import LinkKind
from reportapp.errors import Conflict, InvalidInput
from reportapp.keys import read_key
from reportapp.models import User
from reportapp.web.people_forms import GuardianLinkForm, TutorLinkForm, kind_from, link_form
from reportapp.web.session import actor

bp = Blueprint("people_links", __name__, url_prefix="/people")

_FOUND = 20


@bp.get("/<int:user_id>/add/<kind>")
def find(user_id: int, kind: str) -> ResponseReturnValue:
    """Whom to link to this person."""
    text, wanted = request.args.get("q", "")[:200], kind_from(kind)
    others = find_others(actor(), user_id, wanted, text, clock.now(), _FOUND)
    return render_template(
        "people/find.html",
        person=get_person(actor(), user_id),
        kind=wanted,
        text=text,
        others=others,
        limit=_FOUND,
    )


@bp.route("/<int:user_id>/add/<kind>/<int:other_id>", methods=["GET", "POST"])
def add(user_id: int, kind: str, other_id: int) -> ResponseReturnValue:
    wanted = kind_from(kind)
    person, other = get_person(actor(), user_id), get_person(actor(), other_id)
    form = link_form(wanted)()
    if request.method == "POST":
        try:
            add_link(actor(), user_id, wanted, other_id, form.values(), clock.now())
        except InvalidInput as error:
            form.show(error)
        except Conflict as error:
            form.form_errors.append(str(error))
        else:
            return _done(f"{person.name} and {other.name} are linked.", person)
    page = render_template(
        "people/link.html", form=form, person=person, other=other, kind=wanted, existing=None
    )
    return page, 422 if form.errors else 200


@bp.route("/guardians/<int:link_id>", methods=["GET", "POST"])
def edit_guardian(link_id: int) -> ResponseReturnValue:
    found = get_guardian_link(actor(), link_id)
    return _edit(found, GuardianLinkForm(obj=found.link), change_guardian_link)


@bp.route("/tutors/<int:link_id>", methods=["GET", "POST"])
def edit_tutor(link_id: int) -> ResponseReturnValue:
    found = get_tutor_link(actor(), link_id)
    return _edit(found, TutorLinkForm(obj=found.link), change_tutor_link)


def _edit(
    found: FoundLink, form: TutorLinkForm, change: Callable[..., FoundLink]
) -> ResponseReturnValue:
    if request.method == "POST":
        try:
            change(actor(), found.link.id, form.values())
        except InvalidInput as error:
            form.show(error)
        else:
            return _done("Your changes are saved.", _came_from(found))
    kind = LinkKind.GUARDIAN if isinstance(form, GuardianLinkForm) else LinkKind.TUTOR
    page = render_template(
        "people/link.html",
        form=form,
        person=found.student,
        other=found.adult,
        kind=kind,
        existing=found.link,
        back=_came_from(found),
    )
    return page, 422 if form.errors else 200


@bp.route("/guardians/<int:link_id>/no-contact", methods=["GET", "POST"])
def no_contact(link_id: int) -> ResponseReturnValue:
    """A page that says what it means, whichever way; then it is done."""
    if request.method == "GET":
        found = get_guardian_link(actor(), link_id)
        return render_template("people/no_contact.html", found=found, back=_came_from(found))
    forbidden = request.form.get("forbidden") == "1"
    found = set_no_contact(actor(), link_id, forbidden)
    names = f"{found.adult.name} and {found.student.name}"
    text = f"No contact between {names}" if forbidden else f"Contact of {names} is allowed again"
    return _done(f"{text}, from now on.", _came_from(found))


def _came_from(found: FoundLink) -> User:
    """Whose page to go back to; the child's, unless the address names the adult's."""
    of = read_key(request.args.get("of"))
    return found.adult if of == found.adult.id else found.student


def _done(text: str, person: User) -> ResponseReturnValue:
    flash(text, "success")
    return redirect(url_for("people.show", user_id=person.id))
