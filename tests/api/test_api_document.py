"""The document says what there is."""

import re

from reportapp.api import BLUEPRINTS


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


def test_the_page_about_it_asks_no_other_server_and_runs_no_inline_script(stranger):
    answer = stranger.get("/api/docs")
    assert answer.status_code == 200
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "script-src" not in policy
    assert not re.search(r"https?://", answer.text)
    for path in re.findall(r'(?:src|href)="([^"]+)"', answer.text):
        assert stranger.get(path).status_code == 200, path


def test_what_is_ignored_and_what_is_refused_is_written_there(stranger):
    schema = described(stranger)["components"]["schemas"]["NewScheduleBody"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["id"]["description"] == (
        "Set by the system; ignored when it is sent."
    )
    assert set(schema["required"]) == {"name", "report_type"}
