"""SendGrid's published limits, for the pre-flight; what a batch may hold, the transport sees to."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from email.utils import getaddresses

from digest.checks.types import Facts, Message, Problem

# Mail Send API v3; octets of one recipient's part.
_SUBSTITUTIONS = _CUSTOM_ARGS = 10_000
# RFC 5321, 4.5.3.1: the longest address; for a name, the longest line of a header.
_LONGEST_ADDRESS, _LONGEST_NAME = 254, 998
# A 64-bit number, the id of a batch, and the names of all three.
_IDS = 64


def problems(message: Message, facts: Facts) -> Iterator[Problem]:
    """What would make SendGrid reject the whole issue.

    Names lose `,` and `;` before they are sent, and the category is always the same.
    """
    yield from _faults_of_people(message)
    if not message.subject.strip():
        yield Problem(
            "SendGrid does not accept mail without a subject. Set the newsletter's subject.", "Subject"
        )
    size = _octets(f"{facts.newsletter.name}/{2**63}") + _IDS
    if size >= _CUSTOM_ARGS:
        yield Problem(
            f"The data returned with each event has {size} bytes; SendGrid accepts fewer than "
            f"{_CUSTOM_ARGS}. Shorten the newsletter's name."
        )
    size = _substitutions(message, facts)
    if size >= _SUBSTITUTIONS:
        yield Problem(
            f"The values that differ per recipient may have {size} bytes; SendGrid accepts fewer than "
            f"{_SUBSTITUTIONS}. Shorten site.public_url."
        )


def _faults_of_people(message: Message) -> Iterator[Problem]:
    for name, field in message.raw_headers:
        if name.lower() == "from" and not field.isascii():
            yield Problem("SendGrid does not accept Unicode in From. Write sender in ASCII.", "From")
    answers = [mailbox for mailbox in getaddresses(message.headers_named("Reply-To")) if any(mailbox)]
    if len(answers) > 1:
        yield Problem("SendGrid accepts only one Reply-To. Set a single reply_to.", "Reply-To")
    for _, address in answers:
        if not address.isascii() or not re.fullmatch(r"[^@\s]+@[^@\s]+", address):
            yield Problem(f"SendGrid does not accept the Reply-To “{address}”. Fix reply_to.", "Reply-To")


def _substitutions(message: Message, facts: Facts) -> int:
    """Octets of the longest values a recipient may need: address, name and unsubscribe URL, once per part.

    The sample's own values count if they are longer than the RFCs allow.
    """
    to = max((_octets(address) for _, address in getaddresses(message.headers_named("To"))), default=0)
    url = facts.unsubscribe_url
    values = _octets(url) + _octets(html.escape(url)) + 2 * max(to, _LONGEST_ADDRESS) + 2 * _LONGEST_NAME
    return values + 6 * (len(facts.nonce) + len("-html-unsubscribe_url-"))


def _octets(text: str) -> int:
    return len(text.encode("utf-8", "replace"))
