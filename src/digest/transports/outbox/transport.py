"""The outbox: one .eml file per message in a folder, for demos, reviews and other programs to pick up.

A file appears complete or not at all, and a second attempt at the same delivery
replaces the file of the first.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from digest.errors import TransportDown
from digest.message.compile import Compiled
from digest.message.dkim import Signer
from digest.message.headers import UnsafeAddress
from digest.message.splice import splice
from digest.model.delivery import Envelope, Outcome, Receipt
from digest.transports import OnWire, windows


@dataclass(frozen=True, slots=True)
class _Written:
    """A message in the folder under a hidden name, which other programs ignore."""

    envelope: Envelope
    hidden: Path
    final: Path


class Outbox:
    """Writes into `path`, creating it when first needed; signs messages if there is a signer."""

    name = "outbox"
    window = 100
    replaces = True  # the same delivery is the same file

    def __init__(self, path: Path, *, signer: Signer | None = None) -> None:
        self._folder = path
        self._splice = signer.splice if signer else splice

    def submit(
        self, compiled: Compiled, envelopes: Iterable[Envelope], *, on_wire: OnWire
    ) -> Iterator[Receipt]:
        """See `Transport.submit`.  A message counts as sent when its file gets its final name."""
        for window in windows(envelopes, self.window):
            yield from self._submit_window(compiled, window, on_wire)

    def verify(self) -> str:
        """Test the folder by writing and removing a file.

        Raises:
            TransportDown: the folder cannot be written.
        """
        probe = self._folder / f".verify-{os.getpid()}"
        with self._saying_what_to_do():
            self._make_folder()
            _write(probe, b"")
            probe.unlink()
        return f"The outbox {self._folder} is writable."

    def close(self) -> None:
        """Does nothing: nothing stays open."""

    def _submit_window(
        self, compiled: Compiled, envelopes: Sequence[Envelope], on_wire: OnWire
    ) -> Iterator[Receipt]:
        written: list[_Written] = []
        try:
            yield from self._write_hidden(compiled, envelopes, written)
            may_go = set(on_wire([one.envelope.delivery_id for one in written])) if written else set()
            yield from self._name([one for one in written if one.envelope.delivery_id in may_go])
        finally:
            for one in written:
                # A folder that is no longer accessible must not hide an earlier error.
                with contextlib.suppress(OSError):
                    one.hidden.unlink()

    def _write_hidden(
        self, compiled: Compiled, envelopes: Sequence[Envelope], written: list[_Written]
    ) -> Iterator[Receipt]:
        """Fill `written`; yields refusals for addresses that cannot be put into a message."""
        with self._saying_what_to_do():
            self._make_folder()
        for envelope in envelopes:
            try:
                content = b"".join(self._splice(compiled, envelope))
            except UnsafeAddress as error:
                yield Receipt(delivery_id=envelope.delivery_id, outcome=Outcome.REFUSED, detail=str(error))
                continue
            final = self._folder / _file_name(compiled.facts.issue_ref, envelope)
            hidden = final.with_name(f".{final.name}.{os.getpid()}")
            written.append(_Written(envelope, hidden, final))
            with self._saying_what_to_do():
                _write(hidden, content)

    def _name(self, allowed: Sequence[_Written]) -> Iterator[Receipt]:
        """Give the files their final names; receipts are yielded only once the names are on disk."""
        named: list[_Written] = []
        try:
            with self._saying_what_to_do():
                for one in allowed:
                    one.hidden.replace(one.final)
                    named.append(one)
        finally:
            _sync_folder(self._folder)
            for one in named:
                yield Receipt(
                    delivery_id=one.envelope.delivery_id,
                    outcome=Outcome.ACCEPTED,
                    detail="written",
                    provider_ref=one.final.name,
                )

    def _make_folder(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)

    @contextlib.contextmanager
    def _saying_what_to_do(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise TransportDown(
                f"The outbox {self._folder} cannot be written: {error.strerror or error}.",
                mend="Free some disk space, or give this user write access to the folder.",
            ) from error


def _file_name(issue_ref: str, envelope: Envelope) -> str:
    """`weekly-3-000007-ann@example.org.eml`; only characters that every file system allows."""
    address = re.sub(r"[^A-Za-z0-9@.+_-]", "_", envelope.address)[:100]
    issue = re.sub(r"[^A-Za-z0-9._-]", "-", issue_ref)
    return f"{issue}-{envelope.delivery_id:06}-{address}.eml"


def _write(path: Path, content: bytes) -> None:
    """Write the content through to the disk, readable by its owner alone: it contains an address."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor has no path
        file.write(content)
        file.flush()
        os.fsync(descriptor)


def _sync_folder(folder: Path) -> None:
    """Make new names survive a power failure; some file systems do not support or need this."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
