"""The REST API. Each view takes what is in the request, calls one use-case and gives its result.

One file per resource, all of one shape. To add one:

1. Write `api/<resource>.py`: a docstring of one line, `bp = Blueprint("<resource>", "/reports/…",
   "what it is")`, its schemas (`schemas.Answer` for what goes out, `schemas.Body` for what a
   use-case takes and checks itself), and one view per operation:

       @bp.post("/")
       @bp.arguments(NoteBody, example={…})  # of a GET: location="query"
       @bp.response(201, NoteAnswer, example={…})
       @bp.refuses(403, 409)                 # beyond the usual ones, see `document`
       def create(data: dict[str, Any]) -> Note:
           \"\"\"Write a note.

           What a script should know, as a sentence or two.\"\"\"
           return create_note(actor(), data, clock.now())

   Lists take `paging.PageQuery` and answer with `paging.page_of(…)`; what can be changed answers
   with `versions.versioned(…)`; what sends mails by hand calls `limits.count_mail()` first. Errors
   are raised as the use-cases raise them (`errors.STATUS` turns them into answers).
   A word that is new to the API gets its meaning in `meanings`.
2. Put its blueprint into BLUEPRINTS, with its guard.
3. Test it in `tests/api/`: its behaviour, and everybody in the matrix of roles.

The document at /api/openapi.json is made of all this; a test tries out whether it is true.
"""

from flask import Flask

from reportapp.api import (
    addressees,
    auth,
    classes,
    docs,
    errors,
    groups,
    idempotency,
    mails,
    me,
    previews,
    recipients,
    runs,
    schedules,
    subscriptions,
    written,
)
from reportapp.api.blueprint import Blueprint

#: Every group of operations, in the order of the document, and who may call it; a test proves that
#: no route is outside of this.
BLUEPRINTS: tuple[tuple[Blueprint, auth.Guard], ...] = (
    (docs.bp, auth.public),
    (me.bp, auth.token_holder),
    (schedules.bp, auth.token_holder),
    (recipients.bp, auth.token_holder),
    (groups.bp, auth.token_holder),
    (previews.bp, auth.token_holder),
    (runs.bp, auth.token_holder),
    (mails.bp, auth.token_holder),
    (addressees.bp, auth.token_holder),
    (classes.bp, auth.token_holder),
    *((bp, auth.token_holder) for bp in written.BLUEPRINTS),
    (subscriptions.bp, auth.token_holder),
    (subscriptions.public_bp, auth.public),
)


def register(app: Flask) -> None:
    """Give `app` the API, with its guards and its way to tell errors."""
    errors.register(app)
    app.json.sort_keys = False  # type: ignore[attr-defined]  # in the order of the schemas
    app.extensions["api"] = BLUEPRINTS
    for blueprint, guard in BLUEPRINTS:
        app.before_request_funcs.setdefault(blueprint.name, []).extend((guard, idempotency.begin))
        app.after_request_funcs.setdefault(blueprint.name, []).append(idempotency.end)
        app.teardown_request_funcs.setdefault(blueprint.name, []).append(idempotency.give_up)
        app.register_blueprint(blueprint)
