"""The engine: plans what is due, makes and sends the mails, recovers what got stuck."""

from reportapp.delivery.due import Planned, anything_due, plan_due
from reportapp.delivery.recover import Recovered, recover
from reportapp.delivery.send import deliver
from reportapp.delivery.tell import tell
from reportapp.delivery.watchdog import came_back, watch

__all__ = [
    "Planned",
    "Recovered",
    "anything_due",
    "came_back",
    "deliver",
    "plan_due",
    "recover",
    "tell",
    "watch",
]
