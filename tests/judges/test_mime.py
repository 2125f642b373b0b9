"""Two parsers that are not Python's, mailparser and postal-mime, read in a message what we read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from data.issues import UNSUBSCRIBE_URL
from data.issues.mailings import ENVELOPE, LEAVE, mailing
from digest.message.parse import ParsedMessage

pytestmark = pytest.mark.needs("node")

PARSERS = ("mailparser", "postal-mime")


@pytest.mark.parametrize("parser", PARSERS)
def test_parsers_agree(name: str, parser: str, verdicts: dict[str, Any]) -> None:
    """About subject, people, every List- field and both bodies, to the last character."""
    assert list(differences(mailing(name).message, verdicts[f"{name}.eml"][parser])) == []


@pytest.mark.parametrize("parser", PARSERS)
def test_a_difference_is_found(parser: str, verdicts: dict[str, Any]) -> None:
    """Bodies that say of themselves that they are not encoded, and a List-Unsubscribe that is."""
    found = set(differences(mailing("mixed").message, verdicts["wrong-encoding.eml"][parser]))

    assert found == {"text", "html", "list-unsubscribe"}


def test_a_reader_is_offered_to_leave(name: str, verdicts: dict[str, Any]) -> None:
    """mailparser understands the List- fields, beyond reading them."""
    listed = verdicts[f"{name}.eml"]["mailparser"]["listed"]

    assert listed["unsubscribe"] == {"url": UNSUBSCRIBE_URL, "mail": LEAVE}
    assert listed["unsubscribe-post"] == {"name": "List-Unsubscribe=One-Click"}


def differences(ours: ParsedMessage, theirs: dict[str, Any]) -> Iterator[str]:
    """The names of what the two do not agree about."""
    wanted: dict[str, object] = {
        "subject": ours.subject,
        "from": [ours.sender_name, ours.sender_address],
        "to": [ENVELOPE.name, ENVELOPE.address],
    }
    wanted |= {name.lower(): value for name, value in ours.headers if name.lower().startswith("list-")}
    found = theirs | theirs["lists"]
    yield from (what for what, value in wanted.items() if found.get(what) != value)
    yield from (name for name in theirs["lists"] if name not in wanted)
    yield from (body for body in ("text", "html") if lines(getattr(ours, body)) != lines(theirs[body]))


def lines(body: str) -> str:
    """Parsers end lines, and the last one, as they like."""
    return body.replace("\r\n", "\n").rstrip("\n")
