"""Turns an issue into its message: for preview, proofs, checks and sending alike.

There is only one way from an issue to bytes, so what an editor sees is what goes
out.  Until approval an issue is rendered each time; after that the frozen
rendering is used.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from digest.checks import Facts, Finding, run
from digest.checks.types import ProviderLimits
from digest.errors import NotAllowed
from digest.message.compile import Compiled, MessageFacts, compile_message
from digest.message.merge_slots import SlotName, marker, pattern
from digest.message.parse import ParsedMessage, parse
from digest.message.splice import message_bytes
from digest.model.delivery import Delivery, DeliveryId, Envelope
from digest.model.issue import Issue, Rendered
from digest.model.newsletter import Newsletter, Site
from digest.rendering.issue import render_issue
from digest.rendering.note import note_of
from digest.rules.signed_links import sign
from digest.rules.unsubscribe_probe import probe_token

_SAMPLE = Delivery(
    id=DeliveryId(0),
    address="reader@example.org",
    name="",
    language="",
    subscription_id=0,
    epoch=0,
    attempt=0,
)
_ANOTHER = _SAMPLE._replace(subscription_id=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Composer:
    """Everything that composing an issue of one newsletter needs."""

    site: Site
    newsletter: Newsletter
    folders: Sequence[Path]  # with templates, the owner's first
    secret_keys: Sequence[str]
    signs_dkim: bool = False
    bounce_address: str = ""  # receives bounces, each at a return path of its own (VERP)
    signed_by_provider: bool = False
    provider_limits: ProviderLimits | None = None


def rendered(composer: Composer, issue: Issue, *, now: datetime) -> Rendered:
    """The frozen rendering of an approved issue; a new one before approval.

    Raises:
        TemplateError: a template does not load or render.
    """
    if issue.rendered is not None:
        return issue.rendered
    return render_issue(
        site=composer.site,
        newsletter=composer.newsletter,
        number=issue.number,
        now=now,
        layout=issue.layout,
        texts=issue.texts,
        nonce=_nonce(composer, issue),
        web_url=web_url(composer, issue),
        folders=composer.folders,
    )


def compiled(composer: Composer, issue: Issue, *, now: datetime, is_proof: bool = False) -> Compiled:
    """The message of an issue, ready for any transport.

    Raises:
        TemplateError: a template does not load or render.
        NotAllowed: an approved issue would no longer be sent as approved.
    """
    made = compile_message(rendered(composer, issue, now=now), _facts(composer, issue, is_proof=is_proof))
    if issue.content_hash and not is_proof and made.content_hash != issue.content_hash:
        raise NotAllowed(
            f"Issue {issue.ref} would not go out as approved: its sender or headers have changed since.",
            mend=f"Undo the change, or cancel the issue (`digest cancel {issue.ref}`) and draft it again.",
        )
    return made


def envelope(composer: Composer, issue: Issue, to: Delivery, *, now: datetime) -> Envelope:
    """Sender, recipient and slot values of one message."""
    return EnvelopeFactory(composer, issue)(to, now=now)


class EnvelopeFactory:
    """Makes the envelopes of one issue; whatever they share is computed once."""

    def __init__(self, composer: Composer, issue: Issue) -> None:
        self._sender = composer.newsletter.sender.address
        self._bounces, _, self._bounces_at = composer.bounce_address.rpartition("@")
        self._secret_keys = composer.secret_keys
        self._key = hashlib.sha256(f"message:{issue.id}:{composer.secret_keys[-1]}".encode()).digest()
        self._id = f"{issue.newsletter}.{issue.number}."
        self._domain = f"@{composer.newsletter.sender.domain}"
        self._leave = f"{composer.site.public_url}/u/"

    def __call__(self, to: Delivery, *, now: datetime) -> Envelope:
        """Sender, recipient and slot values of one message.

        The Message-ID is the same on every attempt, so receivers can drop a
        duplicate (RFC 5322, 3.6.4).
        """
        recipient = hashlib.blake2b(b"%d" % to.subscription_id, key=self._key, digest_size=10).hexdigest()
        return Envelope(
            delivery_id=to.id,
            address=to.address,
            name=to.name,
            return_path=self._return_path(to.id),
            message_id=f"{self._id}{recipient}{self._domain}",
            unsubscribe_url=self._leave
            + sign(to.subscription_id, purpose="unsubscribe", keys=self._secret_keys),
            date=now,
        )

    def _return_path(self, number: DeliveryId) -> str:
        """bounce+TOKEN@news.example.com (VERP): a bounce shows which delivery it belongs to."""
        if not self._bounces:
            return self._sender
        token = sign(number, purpose="bounce", keys=self._secret_keys)
        return f"{self._bounces}+{token}@{self._bounces_at}"


def sample(composer: Composer, issue: Issue, *, now: datetime) -> Envelope:
    """An envelope for a made-up recipient, for preview and checks; its links do not work."""
    return envelope(composer, issue, _SAMPLE, now=now)


def message(composer: Composer, issue: Issue, *, now: datetime) -> bytes:
    """The complete message as a sample recipient would get it."""
    return message_bytes(compiled(composer, issue, now=now), sample(composer, issue, now=now))


def public_html(composer: Composer, issue: Issue) -> str:
    """The page that "view in browser" opens: the sent mail, without anything personal."""
    if issue.rendered is None:
        raise NotAllowed(f"Issue {issue.ref} has not been sent.")
    nobody = {
        SlotName.UNSUBSCRIBE_URL: f"{composer.site.public_url}/",
        SlotName.ADDRESS: "",
        SlotName.NAME: "",
    }
    # The page does not know who is reading it, so both personal links lead to the front page.
    leave = marker(issue.rendered.nonce, SlotName.UNSUBSCRIBE_URL)
    page = (issue.rendered.web_html or issue.rendered.html).replace(f"{leave}/preferences", leave)
    return pattern(issue.rendered.nonce).sub(lambda found: nobody[SlotName(found.group(1))], page)


def check(
    composer: Composer,
    issue: Issue,
    *,
    earlier_subjects: tuple[str, ...],
    audience_count: int | None = None,
    now: datetime,
) -> tuple[tuple[Finding, ...], ParsedMessage]:
    """Run the offline checks on the message as it would be sent; `audience_count` is None if unknown."""
    content = rendered(composer, issue, now=now)
    made = compiled(composer, replace(issue, rendered=content), now=now)
    addressed = sample(composer, issue, now=now)
    parsed = parse(message_bytes(made, addressed))
    facts = Facts(
        site=composer.site,
        newsletter=composer.newsletter,
        layout=issue.layout,
        note=" ".join([issue.texts.subject, issue.texts.preheader, *note_of(issue.texts.note).paragraphs]),
        earlier_subjects=earlier_subjects,
        nonce=content.nonce,
        gave_way=content.gave_way,
        only_on_web=content.only_on_web,
        audience_count=audience_count,
        dkim=composer.signs_dkim,
        unsubscribe_url=addressed.unsubscribe_url,
        other_unsubscribe_url=envelope(composer, issue, _ANOTHER, now=now).unsubscribe_url,
        return_path=addressed.return_path,
        signed_by_provider=composer.signed_by_provider,
        provider_limits=composer.provider_limits,
    )
    return run(parsed, facts), parsed


def web_url(composer: Composer, issue: Issue) -> str:
    return f"{composer.site.public_url}/archive/{composer.newsletter.name}/{issue.number}"


def unsubscribe_url(composer: Composer, subscription_id: int) -> str:
    token = sign(subscription_id, purpose="unsubscribe", keys=composer.secret_keys)
    return f"{composer.site.public_url}/u/{token}"


def sample_unsubscribe_url(composer: Composer) -> str:
    """The unsubscribe link in the output of `message`; it belongs to no subscriber."""
    return unsubscribe_url(composer, _SAMPLE.subscription_id)


def probe_url(composer: Composer) -> str:
    """A URL for testing the one-click endpoint: like an unsubscribe link, with a token of no subscriber."""
    return f"{composer.site.public_url}/u/{probe_token(keys=composer.secret_keys)}"


def _facts(composer: Composer, issue: Issue, *, is_proof: bool) -> MessageFacts:
    newsletter = composer.newsletter
    domain = newsletter.sender.domain
    # Gmail's feedback loop requires a stable sender id of 5 to 15 characters in the last field.
    sender_id = "digest" + hashlib.sha256(domain.encode()).hexdigest()[:8]
    return MessageFacts(
        issue_ref=issue.ref,
        sender=newsletter.sender,
        reply_to=newsletter.reply_to,
        list_name=newsletter.title,
        list_id=f"{newsletter.name}.{domain}",
        feedback_id=f"{issue.number}:{newsletter.name}:newsletter:{sender_id}",
        language=newsletter.language,
        archive_url=f"{composer.site.public_url}/",
        is_proof=is_proof,
    )


def _nonce(composer: Composer, issue: Issue) -> str:
    """Stable for an issue, so preview and sent mail are the same bytes; nobody can guess it beforehand."""
    key = composer.secret_keys[-1].encode()
    return hmac.new(key, f"nonce:{issue.ref}:{issue.id}".encode(), hashlib.sha256).hexdigest()[:20]
