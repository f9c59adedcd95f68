"""A program that calls the API."""

from contextvars import Context

from reportapp.extensions import db

SCHEDULES = "/api/reports/schedules/"
#: A schedule that needs nothing else.
BODY = {"name": "Monday report", "report_type": "student_report", "day_of_week": 1}


class Script:
    """Each request runs in a context of its own, as on a server: nothing of the test leaks in."""

    def __init__(self, app, token=None):
        self.client = app.test_client(use_cookies=False)
        self.headers = {"Authorization": f"Token {token}"} if token else {}

    def open(self, method, path, headers=None, **options):
        # The test's own session lets go of what it has read, and sees what the API has written.
        db.session.rollback()
        headers = {**self.headers, **(headers or {})}
        answer = Context().run(
            self.client.open, path, method=method, headers=headers, buffered=True, **options
        )
        db.session.rollback()
        return answer

    def get(self, path, **options):
        return self.open("GET", path, **options)

    def post(self, path, body=None, **options):
        return self.open("POST", path, json=body, **options)

    def put(self, path, body, **options):
        return self.open("PUT", path, json=body, **options)

    def patch(self, path, body, **options):
        return self.open("PATCH", path, json=body, **options)

    def delete(self, path, **options):
        return self.open("DELETE", path, **options)
