"""The forms of the people pages."""

from typing import Any

from wtforms import SelectField, StringField
from wtforms.fields import SelectChoice

from reportapp.constants import LinkKind, PeopleShown, Role
from reportapp.errors import NotFound
from reportapp.web.forms import Form
from reportapp.web.words import ROLE

_ROLES = [SelectChoice(str(role), word) for role, word in ROLE.items()]


class _ValuesForm(Form):
    def values(self) -> dict[str, Any]:
        """What was typed, for the use-case."""
        return {name: field.data for name, field in self._fields.items() if name != "csrf_token"}


class PersonForm(_ValuesForm):
    given_name = StringField("First name")
    family_name = StringField("Last name")
    email = StringField("E-mail address")
    role = SelectField("Role", choices=_ROLES, default=Role.PARENT)


class TutorLinkForm(_ValuesForm):
    begin_date = StringField("First day")
    end_date = StringField("Last day")


class GuardianLinkForm(TutorLinkForm):
    relation = StringField("Relation to the child")


def link_form(kind: LinkKind) -> type[TutorLinkForm]:
    """The form of links of a kind."""
    family = kind in (LinkKind.GUARDIAN, LinkKind.CHILD)
    return GuardianLinkForm if family else TutorLinkForm


def kind_from(text: str) -> LinkKind:
    """Raises NotFound."""
    try:
        return LinkKind(text)
    except ValueError:
        raise NotFound("There is nothing here.") from None


def role_from(text: str | None) -> Role | None:
    """A role to show only; None for anything else."""
    return Role(text) if text in list(Role) else None


def shown_from(text: str | None) -> PeopleShown:
    """Which people to show; those who are active for anything that is not such a word."""
    return PeopleShown(text) if text in list(PeopleShown) else PeopleShown.ACTIVE
