"""PyPI's `listunsub` about one-click unsubscribing (RFC 8058) as receivers demand it."""

from __future__ import annotations

import listunsub
import pytest

from data.issues.mailings import signed
from digest.message.parse import parse


def test_one_click_holds(name: str) -> None:
    """URI, Post field and a signature over both."""
    assert audited(signed(name)) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"List-Unsubscribe: <https:", b"List-Unsubscribe: <http:"),
        (b"List-Unsubscribe=One-Click", b"List-Unsubscribe=OneClick"),
        (b"list-unsubscribe-post", b"list-help"),  # in what the signature covers
    ],
)
def test_a_fault_is_found(old: bytes, new: bytes) -> None:
    message = signed("mixed")
    field, _, rest = message.partition(b"\r\nFrom:")
    unfolded = field.replace(b"\r\n ", b"") + b"\r\nFrom:" + rest

    assert old in unfolded
    assert audited(unfolded.replace(old, new)) != []


def audited(message: bytes) -> list[listunsub.Problem]:
    read = parse(message)
    return listunsub.audit(
        read.headers_named("List-Unsubscribe"),
        read.headers_named("List-Unsubscribe-Post"),
        dkim_signatures=read.headers_named("DKIM-Signature"),
    )
