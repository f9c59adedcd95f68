"""The document says what there is."""

import re

import jsonschema_rs
import pytest

from reportapp.api import BLUEPRINTS
from tests.api.script import BODY, SCHEDULES


def described(stranger):
    return stranger.get("/api/openapi.json").json


def test_the_document_names_every_operation_and_no_other(app, stranger):
    hidden = {blueprint.name for blueprint, _ in BLUEPRINTS if blueprint.hidden}
    there = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api") and rule.endpoint.rpartition(".")[0] not in hidden
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    said = {
        (path, method)
        for path, operations in described(stranger)["paths"].items()
        for method in operations
        if method != "parameters"
    }
    assert said == there


def test_every_operation_says_what_it_is_who_may_and_how_it_fails(app, stranger):
    document = described(stranger)
    assert document["openapi"].startswith("3.1")
    assert document["security"] == [{"token": []}]
    assert document["servers"] == [{"url": "http://localhost"}]
    names = []
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method == "parameters":
                continue
            names.append(operation["operationId"])
            assert operation["summary"].endswith("."), (method, path)
            assert {"401", "429"} <= set(operation["responses"]) or operation["security"] == []
            if "requestBody" in operation:
                (content,) = operation["requestBody"]["content"].values()
                assert "example" in content or "examples" in content, (method, path)
                assert {"400", "413", "415"} <= set(operation["responses"])
    assert len(set(names)) == len(names)


def parts(node, kind):
    """All objects under a key of this name, wherever they are in the document."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == kind and isinstance(value, dict):
                yield value
            yield from parts(value, kind)
    elif isinstance(node, list):
        for value in node:
            yield from parts(value, kind)


def test_every_schema_is_one_and_every_example_fits_its_own(stranger):
    document = described(stranger)
    named = document["components"]["schemas"]
    for schema in (*parts(document["paths"], "schema"), *named.values()):
        jsonschema_rs.meta.validate(schema)
    fitting = 0
    for content in parts(document, "content"):
        for media in content.values():
            if "example" in media:
                schema = {**media["schema"], "components": document["components"]}
                problems = [
                    error.message
                    for error in jsonschema_rs.validator_for(schema).iter_errors(media["example"])
                ]
                assert not problems, (media["schema"], problems)
                fitting += 1
    assert fitting > 60


def test_every_answer_in_json_has_an_example(stranger):
    for path, operations in described(stranger)["paths"].items():
        for method, operation in operations.items():
            if method == "parameters":
                continue
            for status, answer in operation["responses"].items():
                media = answer.get("content", {}).get("application/json")
                assert media is None or "example" in media, (method, path, status)


def test_the_page_about_it_asks_no_other_server_and_runs_no_inline_script(stranger):
    answer = stranger.get("/api/docs")
    assert answer.status_code == 200
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "script-src" not in policy
    assert not re.search(r"https?://", answer.text)
    for path in re.findall(r'(?:src|href)="([^"]+)"', answer.text):
        # The way back into the app goes past its log-in.
        wanted = 302 if path in ("/", "/account/tokens/") else 200
        assert stranger.get(path).status_code == wanted, path


def test_what_is_ignored_and_what_is_refused_is_written_there(stranger):
    schema = described(stranger)["components"]["schemas"]["NewScheduleBody"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["id"]["description"] == (
        "Set by the system; ignored when it is sent."
    )
    assert set(schema["required"]) == {"name", "report_type"}


@pytest.mark.parametrize("name", ["NewScheduleBody", "UnsavedScheduleBody"])
def test_what_need_not_be_said_is_written_there_and_is_what_a_new_schedule_gets(
    stranger, script, name
):
    properties = described(stranger)["components"]["schemas"][name]["properties"]
    defaults = {field: told["default"] for field, told in properties.items() if "default" in told}
    made = script("tom").post(SCHEDULES, BODY).json
    assert defaults == {field: made[field] for field in defaults}
    needed = {"name", "report_type", "day_of_week", "days_of_week", "day_of_month"}
    settable = {field for field, told in properties.items() if not is_ignored(told)}
    # The time zone is the author's own, and cron has nothing usual.
    assert settable - set(defaults) == {*needed, "time_zone", "cron"}


def test_where_a_missing_field_changes_nothing_it_has_no_default(stranger):
    properties = described(stranger)["components"]["schemas"]["ScheduleBody"]["properties"]
    assert not any("default" in told for told in properties.values())


def test_every_field_of_a_schedule_is_explained(stranger):
    properties = described(stranger)["components"]["schemas"]["NewScheduleBody"]["properties"]
    assert all(told["description"] for told in properties.values())


#: Words that say it themselves: of an order, of a file, of a person.
PLAIN = ({"-name", "name"}, {"html"}, {"tutor"})


def test_every_choice_is_explained(stranger):
    document = described(stranger)
    explained = 0
    for fields in (*parts(document, "properties"), *queries(document)):
        for field, told in fields.items():
            choices = told.get("items", told).get("enum", ())
            words = {word for word in choices if isinstance(word, str)}
            if words and not any(plain <= words for plain in PLAIN):
                text = told.get("items", {}).get("description", told.get("description", ""))
                missing = {word for word in words if f"`{word}`: " not in text}
                assert not missing, (field, missing)
                explained += 1
    assert explained > 40


def queries(document):
    """The parameters in queries, as properties."""
    for operations in document["paths"].values():
        for method, operation in operations.items():
            for one in operation.get("parameters", ()) if method != "parameters" else ():
                yield {one["name"]: {"description": one.get("description", ""), **one["schema"]}}


def is_ignored(told):
    return told["description"].startswith("Set by the system")
