"""What the engine tells the database by itself, past SQLAlchemy's events."""

from reportapp.delivery.statements import Step, Writer


def steps_told(monkeypatch) -> list[Step]:
    """The statements with their values from now on, as they come."""
    plainly, told = Writer._told, []

    def telling(self, connection, steps):
        told.extend(steps)
        return plainly(self, connection, steps)

    monkeypatch.setattr(Writer, "_told", telling)
    return told
