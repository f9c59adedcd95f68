"""The ground of all schemas: what goes out, what comes in, and fields that take no other type."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar, cast

from marshmallow import INCLUDE, RAISE, Schema, ValidationError, fields, validate

from reportapp.api.meanings import MEANINGS
from reportapp.errors import InvalidInput, Missing, unknown_fields

_T = TypeVar("_T")

#: What stands in a body for a value of the wrong type. No use-case takes it for anything, so that
#: it says itself what would be right, together with all else that is wrong.
WRONG = object()


class Answer(Schema):
    """What goes out: every field is always there."""

    def on_bind_field(self, field_name: str, field_obj: fields.Field) -> None:
        field_obj.required = True

    def _serialize(self, obj: Any, *, many: bool = False) -> Any:
        """A dict has every field, so it is not asked in the general way, which is much slower."""
        if many or type(obj) is not dict:
            return super()._serialize(obj, many=many)
        return {
            name: field._serialize(obj[field.attribute or name], name, obj)
            for name, field in self.dump_fields.items()
        }


class Body(Schema):
    """A JSON object for a use-case that checks it itself: `load` drops what is read-only, marks
    values of a wrong type and hands on everything else, also unknown fields, which the use-case
    refuses by their names."""

    class Meta:
        unknown = RAISE

    def load(self, data: Any, **_options: Any) -> dict[str, Any]:
        try:
            loaded = super().load(data, partial=True, unknown=INCLUDE)
        except ValidationError as error:
            wrong = {name: None if data[name] is None else WRONG for name in error.messages}
            loaded = {**cast(dict, error.valid_data), **wrong}
        return {
            name: value
            for name, value in loaded.items()
            if not isinstance(self.fields.get(name), ReadOnly)
        }


class ReadOnly(fields.Raw):
    """A field that only the system sets: whatever is sent for it is ignored, so that what was read
    can be sent back."""

    def __init__(self, more: str = "") -> None:
        """`more`: for the document, where it is set instead."""
        text = f"Set by the system; ignored when it is sent. {more}".strip()
        super().__init__(allow_none=True, metadata={"description": text})


class Flag(fields.Boolean):
    """true or false, and nothing that looks like it."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **_options: Any) -> bool:
        if not isinstance(value, bool):
            raise ValidationError("Say true or false.")
        return value


class Whole(fields.Integer):
    """A JSON integer."""

    def __init__(self, low: int | None = None, high: int | None = None, **options: Any) -> None:
        if low is not None or high is not None:
            options["validate"] = validate.Range(low, high)
        super().__init__(strict=True, **options)


class Choice(fields.String):
    """One of some words, with what each of them means."""

    def __init__(self, words: Iterable[str], **options: Any) -> None:
        choices = [str(word) for word in words]
        told = f"This is none of the choices: {', '.join(choices)}."
        super().__init__(validate=validate.OneOf(choices, error=told), **options)
        meanings = MEANINGS.get(words) if isinstance(words, type) else None
        if meanings:
            lines = "; ".join(f"`{word}`: {meaning}" for word, meaning in meanings.items())
            text = f"{self.metadata.get('description', '')} {lines}.".strip()
            self.metadata = {**self.metadata, "description": text}


class Day(fields.Date):
    """A date, which a use-case reads itself."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **_options: Any) -> Any:
        is_one = isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII)
        return value if is_one else WRONG


class QueryWhole(fields.Integer):
    """A whole number in an address."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **_options: Any) -> int:
        if not isinstance(value, str) or not re.fullmatch(r"-?[0-9]{1,1000}", value, re.ASCII):
            raise ValidationError("Give a whole number, such as 1.")
        return int(value)


class QueryFlag(fields.Boolean):
    """true or false in an address, in any case: Python writes True."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **_options: Any) -> bool:
        word = str(value).lower()
        if word not in ("true", "false"):
            raise ValidationError("Say true or false.")
        return word == "true"


def needed(data: Mapping[str, Any], name: str, kind: type[_T], wrong: str) -> _T:
    """The one field without which nothing can be done. Raises Missing without it, InvalidInput with
    the sentence `wrong` for a value of another type."""
    value = data.get(name)
    if value is None or value == "":
        raise Missing(f"{name} is required")
    if not isinstance(value, kind):
        raise InvalidInput({name: [wrong]})
    unknown = unknown_fields(data, [name])
    if unknown:
        raise InvalidInput(unknown)
    return value


def key_and_no_more(data: Mapping[str, Any], name: str, wrong: str) -> int | None:
    """The one field that may still be there, a table's key; None without it. Raises InvalidInput
    with the sentence `wrong` for a value of another type, and for all other fields."""
    value, problems = data.get(name), unknown_fields(data, [name])
    if value is not None and not isinstance(value, int):
        problems[name] = [wrong]
    if problems:
        raise InvalidInput(problems)
    return value


class Search(fields.String):
    """Words to look for, in an address."""

    def __init__(self, description: str, example: str | None = None, most: int = 200) -> None:
        """`most`: characters."""
        metadata = {"description": description}
        if example is not None:
            metadata["example"] = example
        super().__init__(load_default="", validate=validate.Length(max=most), metadata=metadata)
