"""What the API is: its OpenAPI document, and a page on which it can be read and tried out."""

from flask import Response, current_app, jsonify, render_template
from flask.typing import ResponseReturnValue

from reportapp.api.blueprint import Blueprint
from reportapp.api.document import document

bp = Blueprint("docs", "", "The API's own description", hidden=True)


@bp.get("/openapi.json")
def openapi() -> Response:
    made = document(current_app.extensions["api"])
    return jsonify({**made, "servers": [{"url": current_app.config["BASE_URL"]}]})


@bp.get("/docs")
def page() -> ResponseReturnValue:
    return render_template("api/docs.html")
