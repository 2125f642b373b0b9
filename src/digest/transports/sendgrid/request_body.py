"""Builds the JSON documents for SendGrid's Mail Send API (v3), within the provider's published limits.

It does not use the library's classes: they reverse the order of recipients, and
used the wrong way they put several recipients into one message.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Sequence
from typing import Any

from digest.message import headers
from digest.message.compile import Compiled
from digest.message.merge_slots import SlotName, marker, pattern
from digest.model.delivery import Envelope
from digest.model.newsletter import Mailbox

_ONE_CLICK = "List-Unsubscribe-Post"  # sent with List-Unsubscribe, so per recipient
_SANDBOX = {"mail_settings": {"sandbox_mode": {"enable": True}}}  # validated, never sent
_VALUES = {SlotName.UNSUBSCRIBE_URL: "url", SlotName.ADDRESS: "address", SlotName.NAME: "name"}

# Most names look like this: they need no cleaning for the provider and no escaping for JSON.
_PLAIN_NAME = re.compile(r"[A-Za-z0-9.'-]+(?: [A-Za-z0-9.'-]+)*")

_quoted = json.JSONEncoder().encode


class RequestBodies:
    """The request bodies of one issue.

    Like the MIME message, a recipient's part is encoded once, with placeholders where
    recipients differ: building and encoding it for each costs three times as much.
    """

    def __init__(self, compiled: Compiled) -> None:
        self._facts = compiled.facts
        self._pieces, self._holes = _with_holes(_personalization(compiled))
        shared = _shared(compiled)
        self._end, self._sandboxed_end = (json.dumps(part)[1:] for part in (shared, shared | _SANDBOX))

    def of(self, envelopes: Sequence[Envelope], batch_id: str) -> str:
        """One request for all of these envelopes, each with its own personalization."""
        return self._around(envelopes, batch_id, self._end)

    def rehearsal(self, envelope: Envelope) -> str:
        """The message to one recipient, validated but never sent."""
        return self._around([envelope], "rehearsal", self._sandboxed_end)

    def to_ourselves(self, envelope: Envelope) -> Envelope:
        """The same message, addressed only to the sender."""
        return envelope._replace(address=self._facts.sender.address, name="")

    def _around(self, envelopes: Sequence[Envelope], batch_id: str, end: str) -> str:
        blocks = ", ".join([self._filled(each, batch_id) for each in envelopes])
        return f'{{"personalizations": [{blocks}], {end}'

    def _filled(self, envelope: Envelope, batch_id: str) -> str:
        name = headers.one_line(envelope.name)
        url, address = envelope.unsubscribe_url, envelope.address
        values = {
            "to": _quoted_person(name, address),
            "leave": _quoted(headers.list_unsubscribe(url, self._facts.mailto_unsubscribe)),
            "url": _quoted(url),
            "address": _quoted(address),
            "name": _quoted(name),
            "html_url": _quoted(html.escape(url)),
            "html_address": _quoted(html.escape(address)),
            "html_name": _quoted(html.escape(name)),
            "delivery": f'"{envelope.delivery_id}"',
            "batch": f'"{batch_id}"',
        }
        pieces = self._pieces.copy()
        for place, value in self._holes:
            pieces[place] = values[value]
        return "".join(pieces)


def greeting(sender: Mailbox) -> str:
    """The smallest valid mail, from the sender to itself, validated but never sent."""
    document = {
        "personalizations": [{"to": [{"email": sender.address}]}],
        "from": _from(sender),
        "subject": "A test of the settings",
        "content": [{"type": "text/plain", "value": "This is never sent."}],
    }
    return json.dumps(document | _SANDBOX)


# The part that all recipients share.


def _shared(compiled: Compiled) -> dict[str, Any]:
    facts = compiled.facts
    document: dict[str, Any] = {
        "from": _from(facts.sender),
        "subject": _not_encoded(compiled.subject),
        "content": _content(compiled),
        "headers": {name: value for name, value in compiled.fixed_headers if name != _ONE_CLICK},
        "categories": ["newsletter"],
        "tracking_settings": {
            "click_tracking": {"enable": False, "enable_text": False},
            "open_tracking": {"enable": False},
            "subscription_tracking": {"enable": False},
        },
    }
    if facts.reply_to:
        document["reply_to"] = _person(facts.reply_to.name, facts.reply_to.address)
    return document


def _content(compiled: Compiled) -> list[dict[str, str]]:
    in_html = pattern(compiled.nonce).sub(
        lambda found: _html_marker(compiled.nonce, SlotName(found[1])), compiled.html
    )
    parts = [("text/plain", compiled.text), ("text/html", in_html)]
    return [{"type": kind, "value": value} for kind, value in parts if value]


def _html_marker(nonce: str, slot: SlotName) -> str:
    return f"-{nonce}-html-{slot.value}-"


def _from(sender: Mailbox) -> dict[str, str]:
    """The provider accepts no Unicode here, so such a name is sent as encoded-words (RFC 2047)."""
    name = headers.one_line(sender.name)
    if not name.isascii():
        name = headers.encoded_words(name).decode("ascii").replace("\r\n", "")
        return {"email": sender.address, "name": name}
    return {"email": sender.address, "name": _not_encoded(name)} if name else {"email": sender.address}


def _person(name: str, address: str) -> dict[str, str]:
    """The provider refuses `,` and `;` in names."""
    clean = " ".join(re.sub(r"[,;]", " ", _not_encoded(headers.one_line(name))).split())
    return {"email": address, "name": clean} if clean else {"email": address}


def _not_encoded(text: str) -> str:
    """Keeps text that looks like an encoded-word from being decoded as one."""
    return text.replace("=?", "= ?")


# The part that differs.  A placeholder is a value that begins with this character; no real value does.

_HOLE = "\x01"


def _personalization(compiled: Compiled) -> dict[str, Any]:
    """Substitutions apply to all parts, so the HTML has separate tags for escaped values."""
    nonce = compiled.nonce
    plain = {marker(nonce, slot): _HOLE + name for slot, name in _held(compiled.text, nonce)}
    escaped = {_html_marker(nonce, slot): f"{_HOLE}html_{name}" for slot, name in _held(compiled.html, nonce)}
    one_click = dict(compiled.fixed_headers).get(_ONE_CLICK)  # a letter to one person has none
    return {
        "to": [_HOLE + "to"],
        **({"headers": {"List-Unsubscribe": _HOLE + "leave", _ONE_CLICK: one_click}} if one_click else {}),
        "substitutions": plain | escaped,
        "custom_args": {"d": _HOLE + "delivery", "b": _HOLE + "batch", "i": compiled.facts.issue_ref},
    }


def _held(body: str, nonce: str) -> list[tuple[SlotName, str]]:
    """The slots that a part contains."""
    return [(slot, name) for slot, name in _VALUES.items() if marker(nonce, slot) in body]


def _with_holes(document: dict[str, Any]) -> tuple[list[str], list[tuple[int, str]]]:
    """The JSON in pieces, and the index and name of each placeholder."""
    pieces = re.split(r'"\\u0001(\w+)"', json.dumps(document))
    return pieces, [(place, pieces[place]) for place in range(1, len(pieces), 2)]


def _quoted_person(name: str, address: str) -> str:
    if _PLAIN_NAME.fullmatch(name):
        return f'{{"email": {_quoted(address)}, "name": "{name}"}}'
    return json.dumps(_person(name, address))
