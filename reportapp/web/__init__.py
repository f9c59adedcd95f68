"""The pages. Each view parses its input, calls one use-case and shows the result."""

from flask import Blueprint, Flask

from reportapp.web import (
    account,
    audiences,
    calendar,
    calendar_edit,
    calendar_import,
    detail,
    edit,
    errors,
    file_link,
    files,
    filters,
    guards,
    health,
    history,
    home,
    imports,
    imports_records,
    inputs,
    log_in_link,
    login,
    mailbox,
    notices,
    people,
    people_links,
    preview,
    schedules,
    security,
    session,
    subscriptions,
    tokens,
    unsubscribe,
    written,
    written_edit,
    written_read,
    written_send,
)

#: Every group of pages and who may enter it; a test proves that no route is outside of this.
BLUEPRINTS: tuple[tuple[Blueprint, guards.Guard], ...] = (
    (health.bp, guards.public),
    (login.bp, guards.public),
    (log_in_link.bp, guards.public),
    (unsubscribe.bp, guards.public),
    (file_link.bp, guards.public),
    (home.bp, guards.signed_in),
    (subscriptions.bp, guards.signed_in),
    (files.bp, guards.signed_in),
    (account.bp, guards.signed_in),
    (tokens.bp, guards.signed_in),
    (schedules.bp, guards.author),
    (edit.bp, guards.author),
    (detail.bp, guards.author),
    (audiences.bp, guards.author),
    (preview.bp, guards.author),
    (history.bp, guards.author),
    (notices.bp, guards.author),
    (calendar.bp, guards.calendar_reader),
    (calendar_edit.bp, guards.calendar_editor),
    (calendar_import.bp, guards.calendar_editor),
    (imports_records.bp, guards.importer),
    (people.bp, guards.people_manager),
    (people_links.bp, guards.people_manager),
    (written_read.bp, guards.report_reader),
    (written.bp, guards.report_writer),
    (written_edit.bp, guards.report_writer),
    (written_send.bp, guards.report_writer),
    (imports.bp, guards.importer),
    (mailbox.bp, guards.mailbox_reader),
)


def register(app: Flask) -> None:
    """Give `app` all pages, with their guards, error pages and headers."""
    inputs.register(app)
    session.register(app)
    security.register(app)
    filters.register(app)
    errors.register(app)
    for blueprint, guard in BLUEPRINTS:
        app.before_request_funcs.setdefault(blueprint.name, []).append(guard)
        app.register_blueprint(blueprint)
