"""The probe of the one-click unsubscribe endpoint, shared by the pre-flight and the web application.

A probe looks like an unsubscribe link and is signed with the same keys, but belongs
to no subscriber: it is signed for another purpose, so it can never be mistaken for
anyone's link, whatever number it carries.
"""

from __future__ import annotations

from collections.abc import Sequence

from digest.rules.signed_links import sign, verify

# What the application answers to a click on a probe, and shows on its page.  Reading it proves that
# digest was reached, that the form arrived, and that the keys that sign mails are those that verify them.
ANSWER = "Nobody was unsubscribed: this link is a test probe of digest and belongs to no subscriber."

NOBODY = 0  # ids begin with 1
_PURPOSE = "probe"


def probe_token(*, keys: Sequence[str]) -> str:
    return sign(NOBODY, purpose=_PURPOSE, keys=keys)


def is_probe(token: str, *, keys: Sequence[str]) -> bool:
    return verify(token, purpose=_PURPOSE, keys=keys) is not None
