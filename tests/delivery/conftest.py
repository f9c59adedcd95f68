"""What all tests of the engine share."""

import pytest

from reportapp.delivery import work


@pytest.fixture(autouse=True)
def always_fresh(monkeypatch):
    """Whose data a mail may hold is read anew for every single mail, as it would be when each takes
    more than a second."""
    monkeypatch.setattr(work, "FRESH", 0.0)
