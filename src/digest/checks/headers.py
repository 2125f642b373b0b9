"""Headers: present once, as the RFCs require, from one authorised address."""

from __future__ import annotations

import base64
import binascii
import quopri
import re
from collections.abc import Iterator
from email.utils import getaddresses

from digest.checks.html_tree import without_whitespace
from digest.checks.types import Check, Facts, Message, Problem, Severity

_REQUIRED = ("From", "To", "Date", "Message-ID", "Subject", "MIME-Version")
_STRUCTURED = re.compile(
    r"(list-.*|message-id|feedback-id|references|in-reply-to|auto-submitted)", re.IGNORECASE
)
_ADDRESSES = {"from", "to", "reply-to", "sender"}
_ENCODED_WORD = re.compile(rb"=\?([^?\s]*)\?([^?\s]*)\?([^?\s]*)\?=")
_BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n")
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f]")
_LIST_ID = re.compile(r"(.*\s)?<[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+>", re.DOTALL)
# Second-level labels under which many organisations register, as in example.co.uk.
_SHARED = frozenset("ac co com edu go gob gov gv ltd me mil ne net nom or org plc sch".split())
# Their DMARC policies make receivers refuse such mail from other servers.
_FREEMAIL = frozenset(
    "gmail.com googlemail.com yahoo.com ymail.com aol.com outlook.com hotmail.com live.com msn.com "
    "icloud.com me.com gmx.de gmx.net gmx.com web.de mail.ru yandex.ru proton.me protonmail.com".split()
)


def required(message: Message, facts: Facts) -> Iterator[Problem]:  # noqa: ARG001
    """RFC 5322, 3.6."""
    for name in _REQUIRED:
        count = len(message.headers_named(name))
        if count != 1:
            said = "is missing" if count == 0 else f"occurs {count} times"
            yield Problem(f"The header {name} {said}; a message needs it exactly once.", name)


def lines(message: Message, facts: Facts) -> Iterator[Problem]:  # noqa: ARG001
    """RFC 5322, 2.1.1; long web addresses may exceed the recommended length."""
    longest = max(len(line) for line in re.split(rb"\r?\n", message.raw))
    if longest > 998:
        yield Problem(f"A line is {longest} octets long; servers may cut it after 998.")
    for name, field in message.raw_headers:
        for line in re.split(rb"\r?\n", field):
            if 78 < len(line) <= 998 and b"://" not in line and b" " in line.strip():
                yield Problem(
                    f"A line of {name} is {len(line)} octets long; the recommended maximum is 78.",
                    name,
                    Severity.WARN,
                )


def encoded_structure(message: Message, facts: Facts) -> Iterator[Problem]:  # noqa: ARG001
    """RFC 2047, 5: encoded words may only replace text; in addresses and lists no client decodes them."""
    for name, field in message.raw_headers:
        value = field.partition(b":")[2]
        inside = b"".join(re.findall(rb"<[^<>]*>", value)) if name.lower() in _ADDRESSES else value
        is_structured = name.lower() in _ADDRESSES or _STRUCTURED.fullmatch(name)
        if is_structured and b"=?" in inside:
            yield Problem(
                f"{name} contains encoded words where they are not decoded: mail apps will misread it.", name
            )


def encoded_words(message: Message, facts: Facts) -> Iterator[Problem]:  # noqa: ARG001
    """RFC 2047, 2."""
    for name, field in message.raw_headers:
        for word in _ENCODED_WORD.finditer(field):
            fault = _fault_of_word(word)
            if fault:
                yield Problem(f"An encoded word in {name} {fault}.", name)


def _fault_of_word(word: re.Match[bytes]) -> str:
    if len(word[0]) > 75:
        return f"is {len(word[0])} characters long; 75 is the limit"
    if word[1].lower() != b"utf-8":
        return f"is in {word[1].decode('ascii', 'replace')}, not in UTF-8"
    try:
        _decoded(word).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return "cannot be decoded"
    return ""


def _decoded(word: re.Match[bytes]) -> bytes:
    if word[2].lower() == b"b":
        return base64.b64decode(word[3], validate=True)
    if word[2].lower() == b"q":
        return quopri.decodestring(word[3], header=True)
    raise ValueError("an encoding that RFC 2047 does not define")


def injection(message: Message, facts: Facts) -> Iterator[Problem]:  # noqa: ARG001
    """No content may have become a header."""
    for name, value in message.headers:
        if _CONTROL.search(value):
            yield Problem(f"{name} contains a line break or a control character.", name)
    for name in ("Bcc", "Resent-To", "Resent-From"):
        if message.headers_named(name):
            yield Problem(f"There is a {name} header, which digest never writes.", name)


def body_lines(message: Message, facts: Facts) -> Iterator[Problem]:  # noqa: ARG001
    """RFC 2045, 6.7."""
    if _BARE.search(message.raw):
        yield Problem("A line does not end with CR LF; some servers refuse such a message.")
    for part in message.parts:
        if part.encoding == "quoted-printable" and part.longest_line > 76:
            yield Problem(
                f"A line of {part.content_type} is {part.longest_line} characters long; 76 is the limit."
            )


def shape(message: Message, facts: Facts) -> Iterator[Problem]:  # noqa: ARG001
    """RFC 2046, 5.1.4: the plainest part comes first."""
    kind = (message.header("Content-Type") or "").partition(";")[0].strip().lower()
    if kind != "multipart/alternative":
        yield Problem(f"The message is {kind or 'of unspecified type'}, not multipart/alternative.")
    types = [part.content_type for part in message.parts]
    if types != ["text/plain", "text/html"]:
        yield Problem(f"The parts are {', '.join(types) or 'none'}; they must be text/plain, then text/html.")
    for part in message.parts:
        if part.charset not in {"utf-8", "utf8"}:
            yield Problem(
                f"{part.content_type} is in {part.charset or 'an unspecified charset'}, not in UTF-8."
            )


def message_id(message: Message, facts: Facts) -> Iterator[Problem]:  # noqa: ARG001
    """Filters compare its domain with the sender's; Gmail rejects one of 500 characters or more."""
    value = (message.header("Message-ID") or "").strip()
    if not value:
        return  # hdr-required reports it
    if len(value) >= 500:
        yield Problem(
            f"The Message-ID is {len(value)} characters long; Gmail accepts fewer than 500.", "Message-ID"
        )
    right, sender = value.rstrip(">").rpartition("@")[2].lower(), _domain(message.sender_address)
    if not _is_below(right, sender):
        yield Problem(
            f"The Message-ID is from “{right}”, but the sender is from “{sender}”, which filters mistrust. "
            "It should end with the sender's domain.",
            "Message-ID",
        )


def one_sender(message: Message, facts: Facts) -> Iterator[Problem]:  # noqa: ARG001
    """One address in a domain of its own, with a name that does not pose as another address."""
    mailboxes = [mailbox for mailbox in getaddresses(message.headers_named("From")) if any(mailbox)]
    if len(mailboxes) > 1:
        yield Problem("From contains more than one address.", "From")
    address, name = message.sender_address, message.sender_name
    domain = address.rpartition("@")[2].lower()
    if not address.isascii() or "@" not in address:
        yield Problem(f"The sender “{address}” is not a plain ASCII address.", "From")
    if domain in _FREEMAIL:
        yield Problem(
            f"{domain} tells receivers to refuse mail sent in its name by others. Use a domain of your own.",
            "From",
        )
    posed = re.search(r"[\w.+-]+@([\w-]+(?:\.[\w-]+)+)", name)
    if posed and posed[1].lower() != domain:
        yield Problem(f"The sender's name poses as an address at {posed[1]}.", "From")
    elif re.search(r'[,;@"<>]', name):
        yield Problem(
            "The sender's name contains a comma or another character that some providers refuse.",
            "From",
            Severity.WARN,
        )


def alignment(message: Message, facts: Facts) -> Iterator[Problem]:
    """RFC 7489, 3.1: the authenticated domain is the visible sender's, or of the same organisation."""
    sender = _domain(message.sender_address)
    found = (re.search(r"(?:^|;)\s*d=([^;]*)", value) for value in message.headers_named("DKIM-Signature"))
    signers = [without_whitespace(domain[1]).lower().rstrip(".") for domain in found if domain]
    if any(_same_organisation(signer, sender) for signer in signers):
        return
    if signers:
        yield Problem(
            f"The mail is signed by {' and '.join(signers)}, but the sender is {sender}, so receivers ignore "
            "the signature. Sign as the sender's domain, or a parent of it.",
            "DKIM-Signature",
        )
    returns_to = _domain(facts.return_path)
    if facts.dkim or facts.signed_by_provider or not returns_to:
        return
    if not _same_organisation(returns_to, sender):
        yield Problem(
            f"Bounces go to {returns_to} and digest does not sign for {sender}, so neither SPF nor DKIM "
            "authenticates the sender. Set up [delivery.dkim], or a bounce_address in the sender's domain.",
            "From",
            Severity.WARN,
        )


def _domain(address: str) -> str:
    return address.rpartition("@")[2].lower().rstrip(".")


def _is_below(domain: str, other: str) -> bool:
    """Whether a domain is the other domain or a subdomain of it."""
    return bool(other) and (domain == other or domain.endswith(f".{other}"))


def _same_organisation(one: str, other: str) -> bool:
    """Relaxed alignment without the Public Suffix List, which is too large and changes every week."""
    if _is_below(one, other) or _is_below(other, one):
        return "." in one and "." in other
    return bool(one) and _organisation(one) == _organisation(other)


def _organisation(domain: str) -> str:
    labels = domain.split(".")
    under_country = len(labels[-1]) == 2 and len(labels) > 2 and labels[-2] in _SHARED
    return ".".join(labels[-3 if under_country else -2 :])


def list_id(message: Message, facts: Facts) -> Iterator[Problem]:  # noqa: ARG001
    """RFC 2919, 2."""
    value = message.header("List-ID")
    if value is None:
        yield Problem("There is no List-ID, so subscribers cannot filter by it.", "List-ID")
    elif not _LIST_ID.fullmatch(value.strip()):
        yield Problem(f"“{value}” is not a List-ID; it should read: Name <list.example.com>.", "List-ID")


def feedback_id(message: Message, facts: Facts) -> Iterator[Problem]:  # noqa: ARG001
    """Gmail's feedback loop; the header is optional."""
    value = message.header("Feedback-ID")
    if value is None:
        return
    fields = value.strip().split(":")
    if len(fields) > 4:
        yield Problem(f"Feedback-ID has {len(fields)} fields; Gmail reads at most four.", "Feedback-ID")
    if not 5 <= len(fields[-1]) <= 15:
        yield Problem(
            f"Feedback-ID ends with “{fields[-1]}”; the sender's id there needs 5 to 15 characters.",
            "Feedback-ID",
        )
    to = [address.lower() for _, address in getaddresses(message.headers_named("To")) if address]
    if "@" in value or any(address in value.lower() for address in to):
        yield Problem(
            "Feedback-ID identifies a recipient; Gmail counts by its values, so all mails must share them.",
            "Feedback-ID",
        )


def automatic(message: Message, facts: Facts) -> Iterator[Problem]:  # noqa: ARG001
    """RFC 3834: automatic responders must not answer a newsletter."""
    for name, wanted in (("Auto-Submitted", "auto-generated"), ("Precedence", "bulk")):
        if (message.header(name) or "").strip().lower() != wanted:
            yield Problem(f"{name} is not “{wanted}”, so automatic replies will come back.", name)


CHECKS = (
    Check("hdr-required", Severity.BLOCK, "Every required header is present once.", required),
    Check("hdr-line", Severity.BLOCK, "No line is too long.", lines),
    Check(
        "hdr-encoded-struct", Severity.BLOCK, "Lists and addresses are written plainly.", encoded_structure
    ),
    Check("hdr-ew", Severity.BLOCK, "Every encoded word can be decoded.", encoded_words),
    Check("hdr-inject", Severity.BLOCK, "No content has become a header.", injection),
    Check("qp-76", Severity.BLOCK, "The bodies have short lines that end with CR LF.", body_lines),
    Check("mime-shape", Severity.BLOCK, "There is a plain text and an HTML part, both in UTF-8.", shape),
    Check("mid-domain", Severity.WARN, "The Message-ID is in the sender's domain.", message_id),
    Check("from-one", Severity.BLOCK, "It comes from one address in a domain of its own.", one_sender),
    Check("dmarc-align", Severity.BLOCK, "The signature and return path fit the sender's domain.", alignment),
    Check("list-id", Severity.WARN, "The List-ID is well-formed.", list_id),
    Check("feedback-id", Severity.WARN, "Gmail can count complaints by issue.", feedback_id),
    Check("auto-sub", Severity.WARN, "Automatic replies are suppressed.", automatic),
)
