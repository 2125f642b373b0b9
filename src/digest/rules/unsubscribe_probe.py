"""The probe of the one-click endpoint: what the pre-flight and the web application agree on.

A probe has the form of an unsubscribe link, is signed with the same keys, and
belongs to nobody: its purpose is another, so that it can never be taken for
anybody's link, whatever number it carries.
"""

from __future__ import annotations

from collections.abc import Sequence

from digest.rules.signed_links import sign, verify

# What the application answers to a click on it, and shows on its page.  Who reads it knows that digest
# was reached, that the form arrived, and that the keys that sign the mails are the ones that are verified.
ANSWER = "Nobody has left: this link is a probe of digest and belongs to nobody."

NOBODY = 0  # ids begin with 1
_PURPOSE = "probe"


def probe_token(*, keys: Sequence[str]) -> str:
    return sign(NOBODY, purpose=_PURPOSE, keys=keys)


def is_probe(token: str, *, keys: Sequence[str]) -> bool:
    return verify(token, purpose=_PURPOSE, keys=keys) is not None
