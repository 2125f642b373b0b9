"""SendGrid's published limits for the pre-flight check; the transport itself limits batches."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from email.utils import getaddresses

from digest.checks.types import Facts, Message, Problem

# Mail Send API v3; bytes of one recipient's part.
_SUBSTITUTIONS = _CUSTOM_ARGS = 10_000
# RFC 5321, 4.5.3.1: the longest address; a name may be as long as a header line.
_LONGEST_ADDRESS, _LONGEST_NAME = 254, 998
# A 64-bit number, the id of a batch, and the names of all three arguments.
_IDS = 64


def problems(message: Message, facts: Facts) -> Iterator[Problem]:
    """Reasons why SendGrid would refuse the whole issue.

    Names are not checked for `,` and `;`, which are removed, nor is the category, which is constant.
    """
    yield from _faults_of_people(message)
    if not message.subject.strip():
        yield Problem(
            "SendGrid accepts no mail without a subject. Check the newsletter's subject.", "Subject"
        )
    size = _octets(f"{facts.newsletter.name}/{2**63}") + _IDS
    if size >= _CUSTOM_ARGS:
        yield Problem(
            f"Each event returns {size} bytes of our data; SendGrid accepts fewer than {_CUSTOM_ARGS}. "
            "Shorten the newsletter's name."
        )
    size = _substitutions(message, facts)
    if size >= _SUBSTITUTIONS:
        yield Problem(
            f"The personal part of a mail may have {size} bytes; SendGrid accepts fewer than "
            f"{_SUBSTITUTIONS}. Shorten site.public_url."
        )


def _faults_of_people(message: Message) -> Iterator[Problem]:
    for name, field in message.raw_headers:
        if name.lower() == "from" and not field.isascii():
            yield Problem("SendGrid accepts no Unicode in From. Write the sender in ASCII.", "From")
    answers = [mailbox for mailbox in getaddresses(message.headers_named("Reply-To")) if any(mailbox)]
    if len(answers) > 1:
        yield Problem("SendGrid accepts only one Reply-To. Set one reply_to.", "Reply-To")
    for _, address in answers:
        if not address.isascii() or not re.fullmatch(r"[^@\s]+@[^@\s]+", address):
            yield Problem(f"SendGrid accepts no Reply-To like “{address}”. Correct reply_to.", "Reply-To")


def _substitutions(message: Message, facts: Facts) -> int:
    """Bytes of the largest set a recipient may need: address, name and unsubscribe URL, once per part.

    If the sample's own values are longer than the RFCs allow, those count.
    """
    to = max((_octets(address) for _, address in getaddresses(message.headers_named("To"))), default=0)
    url = facts.unsubscribe_url
    values = _octets(url) + _octets(html.escape(url)) + 2 * max(to, _LONGEST_ADDRESS) + 2 * _LONGEST_NAME
    return values + 6 * (len(facts.nonce) + len("-html-unsubscribe_url-"))


def _octets(text: str) -> int:
    return len(text.encode("utf-8", "replace"))
