"""The probe is nobody's link, and nobody's link is the probe."""

from __future__ import annotations

from digest.rules.signed_links import sign, verify
from digest.rules.unsubscribe_probe import is_probe, probe_token

KEYS = ("the-newest-key", "the-oldest-key")


def test_the_probe_is_known_by_whoever_has_the_keys() -> None:
    assert is_probe(probe_token(keys=KEYS), keys=KEYS)
    assert is_probe(probe_token(keys=KEYS[1:]), keys=KEYS)
    assert not is_probe(probe_token(keys=KEYS), keys=("another-key",))


def test_the_probe_unsubscribes_nobody() -> None:
    """Its purpose is another: it is no unsubscribe link, whatever number it carries."""
    assert verify(probe_token(keys=KEYS), purpose="unsubscribe", keys=KEYS) is None


def test_a_reader_s_link_is_no_probe() -> None:
    """Otherwise a click would be answered and not heeded."""
    assert not any(
        is_probe(sign(number, purpose="unsubscribe", keys=KEYS), keys=KEYS) for number in range(50)
    )


def test_it_has_the_length_of_a_real_one() -> None:
    assert len(probe_token(keys=KEYS)) == len(sign(4711, purpose="unsubscribe", keys=KEYS))
