"""Password hashing and verification with argon2id (RFC 9106)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from digest.errors import Busy

if TYPE_CHECKING:
    from argon2 import PasswordHasher

# A hash takes 64 MiB, so a flood of logins must not use up the machine's memory.
_AT_ONCE = threading.BoundedSemaphore(2)
_PATIENCE = 5.0  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """The cost of one hash.  The default is the second recommendation of RFC 9106, section 4."""

    memory: int = 65_536  # KiB
    rounds: int = 3
    lanes: int = 4


class Passwords:
    """Hashes and verifies passwords; both raise Busy while too many others are in progress."""

    def __init__(self, cost: Cost | None = None) -> None:
        self._cost = cost or Cost()

    def hash(self, password: str) -> str:
        """The hash with its salt and cost parameters, in PHC string format."""
        with _one_of_few():
            return self._hasher.hash(password)

    def verify(self, password: str, kept: str | None) -> bool:
        """Whether the password matches this hash.  None, for an unknown user, takes just as long."""
        from argon2.exceptions import InvalidHashError, VerificationError

        nobody = self._nobody  # computed in any case, or the first unknown name would take longer
        with _one_of_few():
            try:
                self._hasher.verify(kept or nobody, password)
            except (VerificationError, InvalidHashError):
                return False
        return kept is not None

    def is_outdated(self, kept: str) -> bool:
        """Whether the current cost parameters differ, so that the password should be hashed again."""
        return self._hasher.check_needs_rehash(kept)

    @cached_property
    def _hasher(self) -> PasswordHasher:
        from argon2 import PasswordHasher

        return PasswordHasher(
            time_cost=self._cost.rounds, memory_cost=self._cost.memory, parallelism=self._cost.lanes
        )

    @cached_property
    def _nobody(self) -> str:
        return self.hash("a password that nobody has")


@contextmanager
def _one_of_few() -> Iterator[None]:
    if not _AT_ONCE.acquire(timeout=_PATIENCE):
        raise Busy("Too many logins are being checked at the moment.", mend="Try again in a minute.")
    try:
        yield
    finally:
        _AT_ONCE.release()
