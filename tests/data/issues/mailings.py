"""Whole messages, as the wire carries them, one per kind of issue: for every judge, our own and others'.

All that is judged is made here, so that no judge has an easier sample than another.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from data.issues import NAMES as WRITTEN
from data.issues import NOW, UNSUBSCRIBE_URL, WEB_URL, Example, example, of_teasers, teaser
from data.issues.messages import FACTS
from digest.checks import Facts
from digest.message.compile import Compiled, MessageFacts, compile_message
from digest.message.dkim import Signer
from digest.message.parse import ParsedMessage, parse
from digest.message.splice import message_bytes
from digest.model.article import Image
from digest.model.delivery import DeliveryId, Envelope
from digest.model.newsletter import Mailbox
from digest.model.theme import LOOKS, Theme
from digest.rendering import bodies, mjml

SENDER = "digest@news.lockstep.example"
LEAVE = "leave@news.lockstep.example"
DKIM_NAME = "digest1._domainkey.news.lockstep.example"
ENVELOPE = Envelope(
    delivery_id=DeliveryId(1),
    address="sam@reader.example",
    name="Zoë Räder",
    return_path="bounce@news.lockstep.example",
    message_id="41.abc@news.lockstep.example",
    unsubscribe_url=UNSUBSCRIBE_URL,
    date=NOW,
)


@dataclass(frozen=True)
class Mailing:
    """One issue on all its stations."""

    issue: Example
    mjml: str  # what MRML was given
    compiled: Compiled
    message: ParsedMessage  # as its one recipient gets it, without a signature
    facts: Facts  # what our checks know beside the message


def _of_cards(count: int, *, text: str = "") -> Example:
    """Picture, author, minutes and, if given, a summary on each card; with titles of three lengths."""
    titles = (
        "The region that answered twice",
        "What five replicas in three cities taught us about the tail of a distribution",
        "Clocks",
    )
    return of_teasers(
        *(
            teaser(
                number,
                headline=f"{titles[number % 3]}, part {number}",
                text=text and f"{text} This is what part {number} is about.",
                author="Ines Marlowe",
                topic="Replication",
                minutes=3 + number % 7,
                image=Image(
                    url=f"https://img.lockstep.example/{number}.png",
                    alt=f"A chart of part {number}",
                    width=1200,
                    height=675,
                ),
            )
            for number in range(1, count + 1)
        )
    )


_SUMMARY = "The median hardly moves; the tail belongs to one, and nobody had looked at it for a year."
_COUNTED: dict[str, Callable[[], Example]] = {
    "twelve_cards": lambda: _of_cards(12, text=_SUMMARY),
    "sixty_cards": lambda: _of_cards(60, text=_SUMMARY),
    "no_summaries": lambda: _of_cards(5),
}
_DRESSED: dict[str, Callable[[], Example]] = {
    "plain_look": lambda: dressed(example("mixed"), LOOKS["plain"]),
    "compact_look": lambda: dressed(example("mixed"), LOOKS["compact"]),
    "compact_arabic": lambda: dressed(example("arabic"), LOOKS["compact"]),
    "grid": lambda: dressed(example("mixed"), replace(LOOKS["magazine"], cards="grid")),
    "hundred_plain": lambda: dressed(_of_cards(100, text=_SUMMARY), LOOKS["plain"]),
    "more_on_the_web": lambda: _of_cards(400, text=_SUMMARY),
}
_MADE = _COUNTED | _DRESSED
NAMES = (*WRITTEN, *_MADE)


def dressed(issue: Example, theme: Theme) -> Example:
    return replace(issue, newsletter=replace(issue.newsletter, theme=theme))


@cache
def mailing(name: str) -> Mailing:
    return mailing_of(_MADE[name]() if name in _MADE else example(name))


def mailing_of(issue: Example) -> Mailing:
    """Rendered, compiled with every field that settings can ask for, spliced, parsed back."""
    # Named after its title, so that some senders' names need encoding.
    newsletter = replace(issue.newsletter, sender=Mailbox(issue.newsletter.title, SENDER))
    given: list[str] = []  # an issue that does not fit is printed several times
    printed: list[str] = []
    compile_mjml, inline = mjml.mjml.mjml2html, bodies.inline

    def listening(source: str, **options: object) -> str:
        given.append(source)
        return str(compile_mjml(source, **options))

    def looking(html: str) -> str:
        printed.append(inline(html))
        return printed[-1]

    with pytest.MonkeyPatch.context() as patch:  # nothing but a judge wants to see the MJML
        patch.setattr(mjml.mjml, "mjml2html", listening)
        patch.setattr(bodies, "inline", looking)
        rendered = issue.rendered()
    compiled = compile_message(
        rendered,
        MessageFacts(
            issue_ref="weekly/41",
            sender=newsletter.sender,
            reply_to=Mailbox("Die Redaktion, täglich", "editors@news.lockstep.example"),
            list_name=newsletter.title,
            list_id="weekly.news.lockstep.example",
            feedback_id="41:weekly:newsletter:lockst",
            language=newsletter.language,
            archive_url=WEB_URL,
            mailto_unsubscribe=LEAVE,
        ),
    )
    return Mailing(
        issue=issue,
        mjml=given[printed.index(rendered.html)],
        compiled=compiled,
        message=parse(message_bytes(compiled, ENVELOPE)),
        facts=replace(
            FACTS,
            newsletter=newsletter,
            layout=issue.layout,
            note=issue.note,
            gave_way=rendered.gave_way,
            only_on_web=rendered.only_on_web,
        ),
    )


def signed(name: str) -> bytes:
    """The message with a DKIM signature on top, to be verified by what `dkim_record` gives."""
    pem = _key().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    selector, domain = DKIM_NAME.split("._domainkey.")
    signer = Signer(domain=domain, selector=selector, key=pem)
    return b"".join(signer.splice(mailing(name).compiled, ENVELOPE))


def dkim_record() -> str:
    """What the DNS answers for DKIM_NAME."""
    public = _key().public_key()
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return f"v=DKIM1; k=rsa; p={base64.b64encode(der).decode()}"


@cache
def _key() -> rsa.RSAPrivateKey:
    """One for the whole run: a pair of primes takes its time."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)
