"""What the ledger in the database says against what the mail server has."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from tests.e2e.server import wait_for
from tests.e2e.world import select
from tests.smtp import Arrived

_DELIVERIES = """
    SELECT d.id, d.execution_id, d.status, d.phase, d.message_id, d.smtp_reply, u.email
    FROM report_delivery d JOIN "user" u ON u.id = d.recipient_id
"""


def execution(env: Mapping[str, str], execution_id: int) -> Any:
    (row,) = select(env, "SELECT * FROM report_schedule_execution WHERE id = :id", id=execution_id)
    return row


def deliveries(env: Mapping[str, str], execution_id: int) -> list[Any]:
    return select(env, f"{_DELIVERIES} WHERE d.execution_id = :id", id=execution_id)


def wait_until_ended(env: Mapping[str, str], execution_id: int, timeout: float = 120) -> Any:
    """The execution's row, once it has ended."""
    wait_for(
        lambda: execution(env, execution_id).status != "started",
        f"the end of execution {execution_id}",
        timeout,
        pause=0.2,
    )
    return execution(env, execution_id)


def fates(
    env: Mapping[str, str], execution_ids: Sequence[int], arrived: Sequence[Arrived]
) -> Counter[str]:
    """How many deliveries of the executions have each status, after comparing every one of them
    with the mails that arrived: a sent one did exactly once and at the right address, an unknown
    one at most once, any other never."""
    copies = Counter(mail.message["Message-ID"].strip("<>") for mail in arrived)
    address = {mail.message["Message-ID"].strip("<>"): mail.to for mail in arrived}
    assert set(copies.values()) <= {1}, f"more than once: {copies - Counter(set(copies))}"
    counts: Counter[str] = Counter()
    for execution_id in execution_ids:
        mine = deliveries(env, execution_id)
        for row in mine:
            expected = {"sent": {1}, "unknown": {0, 1}}.get(row.status, {0})
            assert copies[row.message_id] in expected, row
            assert address.get(row.message_id, row.email) == row.email
            counts[row.status] += 1
        ended = execution(env, execution_id)
        statuses = Counter(row.status for row in mine)
        assert ended.total_recipients == len(mine)
        assert (ended.successful_sends, ended.unknown_sends, ended.failed_sends, ended.skipped) == (
            statuses["sent"],
            statuses["unknown"],
            statuses["failed"],
            statuses["skipped"],
        )
    return counts
