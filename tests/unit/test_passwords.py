"""Passwords: argon2id, made anew where it got cheap, and as slow for nobody as for somebody."""

from __future__ import annotations

import threading

import pytest

from digest import passwords
from digest.errors import Busy
from digest.passwords import Cost, Passwords

CHEAP = Cost(memory=64, rounds=1, lanes=1)


def test_a_hash_is_argon2id_with_its_cost_and_a_salt_of_its_own() -> None:
    """RFC 9106, section 4: the second recommendation."""
    first, second = Passwords().hash("tin roof, old rain"), Passwords().hash("tin roof, old rain")

    assert first.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert first != second


def test_only_the_right_password_fits() -> None:
    kept = Passwords(CHEAP).hash("tin roof, old rain")

    assert Passwords(CHEAP).verify("tin roof, old rain", kept)
    assert not Passwords(CHEAP).verify("tin roof, old raiN", kept)
    assert not Passwords(CHEAP).verify("", kept)
    assert not Passwords(CHEAP).verify("tin roof, old rain", None)
    assert not Passwords(CHEAP).verify("a password that nobody has", None)


@pytest.mark.parametrize("kept", ["", "nonsense", "$argon2id$v=19$m=64,t=1,p=1$$"])
def test_a_damaged_hash_fits_nothing(kept: str) -> None:
    assert not Passwords(CHEAP).verify("", kept)


def test_a_cheaper_hash_still_fits_and_is_outdated() -> None:
    kept = Passwords(CHEAP).hash("tin roof, old rain")
    today = Passwords(Cost(memory=128, rounds=1, lanes=1))

    assert today.verify("tin roof, old rain", kept)
    assert today.is_outdated(kept)
    assert not today.is_outdated(today.hash("tin roof, old rain"))


def test_too_many_at_once_are_told_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each takes 64 MiB."""
    full = threading.BoundedSemaphore(1)
    monkeypatch.setattr(passwords, "_AT_ONCE", full)
    monkeypatch.setattr(passwords, "_PATIENCE", 0.01)
    with full, pytest.raises(Busy):
        Passwords(CHEAP).hash("tin roof, old rain")

    assert Passwords(CHEAP).hash("tin roof, old rain")
