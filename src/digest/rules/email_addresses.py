"""Email addresses: which can be mailed, and when two spellings are the same mailbox."""

from __future__ import annotations

import re
from dataclasses import dataclass

from digest.rules.cleaning import plain

_MAX_ADDRESS = 254  # RFC 5321, 4.5.3.1.3, less the angle brackets
_MAX_NAME = 100

# The plain ASCII addresses that nearly everyone has.  Anything else, and anything
# odd, goes to the library, which implements the RFCs in full.
_PLAIN = re.compile(
    r"[A-Za-z0-9_%+-](?:[A-Za-z0-9._%+-]{0,62}[A-Za-z0-9_%+-])?"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,24}"
)
# Domains that can never be reached (RFC 6761); the library says why in its error.
_SPECIAL = (
    ".test", ".localhost", ".invalid", ".local", ".onion", ".arpa", ".internal", ".lan", ".home",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Address:
    """A valid address: as written in To, and the key that identifies the mailbox."""

    address: str  # the domain in A-label form
    key: str  # case-folded


class InvalidAddress(ValueError):
    """The text is not a valid address; the message says why in one sentence."""


def parse_address(text: str) -> Address:
    """Check an address and return its two forms.

    The local part keeps its case for sending, but two that differ only in case
    count as one mailbox.  "+tags" and dots make different mailboxes: only the
    receiving server knows otherwise.

    Raises:
        InvalidAddress: the address is not valid; the message says why.
    """
    return Address(*address_and_key(text))


def address_and_key(text: str) -> tuple[str, str]:
    """Address and key as in `parse_address`, but as a bare tuple, since a list can hold a million people.

    Raises:
        InvalidAddress: the address is not valid; the message says why.
    """
    wanted = text.strip()
    if (
        _PLAIN.fullmatch(wanted)
        and ".." not in wanted
        and len(wanted) <= _MAX_ADDRESS
        and "--" not in wanted  # A-labels, and labels that only look like one
    ):
        key = wanted.lower()  # for ASCII, the same as case folding
        if not key.endswith(_SPECIAL):
            if key == wanted:
                return key, key
            local, _, domain = wanted.rpartition("@")
            return f"{local}@{domain.lower()}", key
    return _by_library(wanted)


def clean_name(text: str) -> str:
    """A person's name as one clean line."""
    return plain(text, limit=_MAX_NAME)


def _by_library(wanted: str) -> tuple[str, str]:
    from email_validator import EmailNotValidError, validate_email

    if not wanted:
        raise InvalidAddress("The address is missing.")
    try:
        found = validate_email(wanted, check_deliverability=False, strict=True)
    except EmailNotValidError as error:
        raise InvalidAddress(str(error)) from error
    address = f"{found.local_part}@{found.ascii_domain}"
    return address, address.casefold()
