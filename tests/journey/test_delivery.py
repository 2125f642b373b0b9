"""What an operator sees when a provider is in a bad mood: the command line against servers that play one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from fakes.databases import NOW
from fakes.folders import prepare
from fakes.sendgrid import FakeSendGrid, Scripted
from fakes.smtp import AcceptingServer
from fakes.warm import Warm

pytestmark = pytest.mark.slow

API_KEY = "SG.right-key"


@pytest.fixture(scope="module")
def warm() -> Iterator[Warm]:
    with Warm() as process:
        yield process


def digest(warm: Warm, folder: Path, *words: str, after: timedelta = timedelta(hours=1)) -> tuple[int, Any]:
    """Exit code and the one JSON document, that long after everything was prepared."""
    answer = warm.run(
        "--now",
        (NOW + after).isoformat(),
        *words,
        "--json",
        folder=folder,
        environ={"DIGEST_DELIVERY__SENDGRID__API_KEY": API_KEY, "no_proxy": "127.0.0.1"},
    )
    return answer["code"], json.loads(answer["out"])


def adds_up(counts: dict[str, int]) -> bool:
    rest = (
        "pending", "deferred", "in_flight", "accepted", "refused", "uncertain", "suppressed", "abandoned"
    )  # fmt: skip
    return (
        counts["candidates"] == counts["audience"] + counts["excluded"]
        and counts["audience"] == sum(counts[state] for state in rest)
    )  # fmt: skip


def test_a_provider_that_refuses_everybody_is_stopped_before_the_list_is_burnt(
    warm: Warm, tmp_path: Path
) -> None:
    """Fifty in a row, and the issue waits for a person; mended, it goes on with those who were not tried."""
    with AcceptingServer() as server:
        folder = tmp_path / "letter"
        people = prepare(
            folder, people=80, is_approved=True, transport="smtp", port=server.port, connections=2
        )
        server.refused_recipients.update(people)

        code, said = digest(warm, folder, "send", "weekly", "--yes")
        assert (code, said["state"]) == (1, "held")
        assert "refused 50 recipients in a row" in said["reason"]
        assert "No such mailbox here" in said["reason"]
        assert adds_up(said["counts"])
        refused = said["counts"]["refused"]
        assert 50 <= refused <= 52, "one more of each connection at most"
        assert said["counts"]["pending"] == 80 - refused

        server.refused_recipients.clear()
        code, said = digest(warm, folder, "send", "weekly")
        assert (code, said["state"]) == (1, "held"), "only a person may go on"
        assert server.taken == []

        code, said = digest(warm, folder, "send", "weekly", "--yes")
        assert (code, said["state"]) == (0, "sent")
        assert adds_up(said["counts"])
        assert (said["counts"]["accepted"], said["counts"]["refused"]) == (80 - refused, refused)
        assert len({taken.recipients for taken in server.taken}) == len(server.taken) == 80 - refused


def test_an_old_list_with_some_refusals_is_no_reason_to_stop(warm: Warm, tmp_path: Path) -> None:
    with AcceptingServer() as server:
        folder = tmp_path / "letter"
        people = prepare(folder, people=80, is_approved=True, transport="smtp", port=server.port)
        server.refused_recipients.update(person for n, person in enumerate(people) if n % 40)

        code, said = digest(warm, folder, "send", "weekly", "--yes")

    assert (code, said["state"]) == (0, "sent")
    assert (said["counts"]["accepted"], said["counts"]["refused"]) == (2, 78)


def test_a_rate_limit_is_waited_for_and_nobody_is_lost(warm: Warm, tmp_path: Path) -> None:
    """429 with its reset time: deferred until then, and taken when somebody sends after it."""
    with FakeSendGrid(api_key=API_KEY) as fake:
        folder = tmp_path / "letter"
        port = int(fake.url.rpartition(":")[2])
        prepare(folder, people=6, is_approved=True, transport="sendgrid", port=port, batch_size=6)
        fake.script(
            Scripted(takes=False, status=429, message="too many requests", headers={"Retry-After": "600"})
        )

        code, said = digest(warm, folder, "send", "weekly", "--yes")
        assert (code, said["state"]) == (1, "sending")
        assert (said["counts"]["deferred"], said["counts"]["accepted"]) == (6, 0)
        assert adds_up(said["counts"])
        assert "deferred" in said["reason"]

        too_early = digest(warm, folder, "send", "weekly", "--yes", after=timedelta(hours=1, minutes=5))
        assert (too_early[0], too_early[1]["counts"]["deferred"]) == (1, 6)
        assert fake.accepted == []

        code, said = digest(warm, folder, "send", "weekly", "--yes", after=timedelta(hours=1, minutes=11))
        assert (code, said["state"], said["counts"]["accepted"]) == (0, "sent", 6)
        assert len({one.address for one in fake.accepted}) == len(fake.accepted) == 6


def test_a_lost_answer_is_settled_by_the_person_or_the_provider(warm: Warm, tmp_path: Path) -> None:
    """Taken, and the reply dropped: six are in doubt, and none of them is mailed again blindly."""
    with FakeSendGrid(api_key=API_KEY) as fake:
        folder = tmp_path / "letter"
        port = int(fake.url.rpartition(":")[2])
        prepare(folder, people=6, is_approved=True, transport="sendgrid", port=port, batch_size=6)
        fake.script(Scripted(takes=True, drops=True))

        code, said = digest(warm, folder, "send", "weekly", "--yes")
        assert (code, said["state"], said["counts"]["uncertain"]) == (1, "sending", 6)
        code, said = digest(warm, folder, "send", "weekly", "--yes")
        assert (code, said["counts"]["uncertain"], len(fake.accepted)) == (1, 6, 6)
        _, status = digest(warm, folder, "status")
        assert status["newsletters"][0]["issues"][0]["counts"]["uncertain"] == 6

        code, said = digest(warm, folder, "resolve", "weekly/1", "--uncertain", "skip")
        assert (code, said["resolved"]) == (0, 6)
        _, status = digest(warm, folder, "status")
        counts = status["newsletters"][0]["issues"][0]["counts"]
        assert (counts["abandoned"], counts["uncertain"], adds_up(counts)) == (6, 0, True)
