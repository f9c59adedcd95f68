"""Taking the school calendar from a file or from a country: choose, look, save."""

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms.fields import SelectChoice

from reportapp import clock
from reportapp.errors import InvalidInput
from reportapp.school.calendar_csv import TEMPLATE
from reportapp.school.calendar_found import FoundCalendar
from reportapp.school.calendar_import import look_at, read_country, read_file, save_import
from reportapp.school.countries import country_name, country_names, part_names
from reportapp.web.calendar_forms import CountryForm, UploadForm, keep, kept
from reportapp.web.session import actor

bp = Blueprint("calendar_import", __name__, url_prefix="/calendar/import")


@bp.get("/")
def index() -> ResponseReturnValue:
    return _page(UploadForm(formdata=None), _country_form())


@bp.get("/template.csv")
def template() -> ResponseReturnValue:
    # The mark at its beginning tells spreadsheets that it is UTF-8.
    answer = Response("\ufeff" + TEMPLATE, mimetype="text/csv")
    answer.headers["Content-Disposition"] = 'attachment; filename="school-calendar.csv"'
    return answer


@bp.post("/file")
def file() -> ResponseReturnValue:
    form = UploadForm()
    sent = request.files.get("file")
    try:
        content = sent.read() if sent else b""
        return _look(read_file(actor(), content, clock.now(), form.kind.data or ""), "the file")
    except InvalidInput as error:
        form.show(error)
    return _page(form, _country_form())


@bp.post("/country")
def country() -> ResponseReturnValue:
    code = "-".join(filter(None, (request.form.get("country"), request.form.get("part"))))
    form = _country_form()
    try:
        found = read_country(actor(), code, clock.now())
        return _look(found, f"the public holidays of {country_name(code)}", code)
    except InvalidInput as error:
        form.show(error)
    return _page(UploadForm(formdata=None), form)


@bp.post("/save")
def save() -> ResponseReturnValue:
    found, seen, code = kept(request.form.get("kept", ""))
    remove = request.form.get("remove") == "1"
    plan = save_import(actor(), found, clock.now(), remove=remove, seen=seen, country=code)
    removed = len(plan.gone) if remove else 0
    flash(
        f"The calendar is saved: {len(plan.added)} added, {len(plan.changed)} changed, "
        f"{removed} removed.",
        "success",
    )
    return redirect(url_for("calendar.index"))


def _look(found: FoundCalendar, what: str, code: str | None = None) -> ResponseReturnValue:
    plan = look_at(actor(), found, clock.now())
    text = "" if found.errors or plan.is_empty else keep(found, plan, code)
    page = render_template("calendar/look.html", found=found, plan=plan, what=what, kept=text)
    return page, 422 if found.errors else 200


def _country_form() -> CountryForm:
    """The country asked for, or the school's own, with its parts."""
    own, _, part = (actor().school.country or "").partition("-")
    names = country_names()
    chosen = request.values.get("country", own)
    chosen = chosen if chosen in names else ""
    form = CountryForm(formdata=None)
    form.country.choices = [SelectChoice(code, name) for code, name in names.items()]
    form.country.choices.insert(0, SelectChoice("", "Choose …"))
    form.country.data = chosen
    parts = part_names(chosen)
    form.part.choices = [SelectChoice(code, name) for code, name in parts.items()]
    form.part.choices.insert(0, SelectChoice("", "The whole country"))
    form.part.data = part if chosen == own else ""
    return form


def _page(upload: UploadForm, country: CountryForm) -> ResponseReturnValue:
    page = render_template("calendar/import.html", upload=upload, country=country)
    return page, 422 if upload.errors or country.errors else 200
