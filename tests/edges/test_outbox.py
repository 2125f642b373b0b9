"""The outbox: whole files, private ones, each delivery once, and a clear word when the disk says no."""

from __future__ import annotations

import base64
import errno
import os
import stat
from collections.abc import Collection, Sequence
from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from digest.errors import TransportDown
from digest.message.dkim import Signer
from digest.message.splice import message_bytes
from digest.model.delivery import DeliveryId, Envelope, Outcome, Receipt
from digest.transports.outbox import transport as room
from digest.transports.outbox.transport import Outbox
from fakes.messages import compiled, envelope


def all_of(ids: Sequence[DeliveryId]) -> Collection[DeliveryId]:
    return ids


def submit(folder: Path, *envelopes: Envelope) -> list[str]:
    """The names of the files, as the receipts tell them."""
    receipts = list(Outbox(folder).submit(compiled(), envelopes, on_wire=all_of))
    assert {receipt.outcome for receipt in receipts} <= {Outcome.ACCEPTED}
    return [receipt.provider_ref for receipt in receipts]


def test_a_file_is_named_after_issue_delivery_and_address(tmp_path: Path) -> None:
    assert submit(tmp_path, envelope(7, "ann@example.org")) == ["weekly-3-000007-ann@example.org.eml"]
    assert (tmp_path / "weekly-3-000007-ann@example.org.eml").read_bytes() == message_bytes(
        compiled(), envelope(7, "ann@example.org")
    )


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("a/b@example.org", "weekly-3-000001-a_b@example.org.eml"),
        ("jörg@example.org", "weekly-3-000001-j_rg@example.org.eml"),
        ("a*?|b@example.org", "weekly-3-000001-a___b@example.org.eml"),
    ],
)
def test_an_address_never_leads_out_of_the_folder(tmp_path: Path, address: str, name: str) -> None:
    assert submit(tmp_path, envelope(1, address)) == [name]
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_with_a_key_every_file_is_signed(tmp_path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    record = b"v=DKIM1; k=ed25519; p=" + base64.b64encode(public)
    signer = Signer(domain="news.example.com", selector="digest1", key=pem)
    outbox = Outbox(tmp_path, signer=signer)
    list(outbox.submit(compiled(), [envelope(1), envelope(2, name="Zoë")], on_wire=all_of))
    files = [path.read_bytes() for path in tmp_path.glob("*.eml")]
    assert len(files) == 2
    assert all(dkim.verify(content, dnsfunc=lambda *_, **__: record) for content in files)


def test_dots_that_climb_are_no_address(tmp_path: Path) -> None:
    answers = Outbox(tmp_path).submit(compiled(), [envelope(1, "../../a@example.org")], on_wire=all_of)
    assert [receipt.outcome for receipt in answers] == [Outcome.REFUSED]
    assert list(tmp_path.iterdir()) == []


def test_only_the_owner_can_read_it(tmp_path: Path) -> None:
    [name] = submit(tmp_path / "out", envelope(1))
    assert stat.S_IMODE((tmp_path / "out" / name).stat().st_mode) == 0o600


def test_a_second_attempt_replaces_the_file_of_the_first(tmp_path: Path) -> None:
    assert submit(tmp_path, envelope(1)) == submit(tmp_path, envelope(1))
    assert len(list(tmp_path.iterdir())) == 1


def test_while_the_intent_is_written_no_file_has_its_name(tmp_path: Path) -> None:
    """The messages of a window are complete on the disk, under names that start with a dot."""

    def on_wire(ids: Sequence[DeliveryId]) -> Collection[DeliveryId]:
        assert len(ids) == 3
        assert [path.name[0] for path in tmp_path.iterdir()] == [".", ".", "."]
        return ids

    list(Outbox(tmp_path).submit(compiled(), [envelope(n) for n in (1, 2, 3)], on_wire=on_wire))
    assert len(list(tmp_path.glob("weekly*.eml"))) == 3


def test_what_was_withheld_leaves_no_file_behind(tmp_path: Path) -> None:
    list(Outbox(tmp_path).submit(compiled(), [envelope(1), envelope(2)], on_wire=lambda ids: [DeliveryId(2)]))
    assert [path.name for path in tmp_path.iterdir()] == ["weekly-3-000002-r2@example.org.eml"]


def test_each_window_is_told_of_at_once(tmp_path: Path) -> None:
    sizes: list[int] = []

    def on_wire(ids: Sequence[DeliveryId]) -> Collection[DeliveryId]:
        sizes.append(len(ids))
        return ids

    list(Outbox(tmp_path).submit(compiled(), [envelope(n) for n in range(250)], on_wire=on_wire))
    assert sizes == [100, 100, 50]


def test_a_full_disk_stops_with_the_folder_and_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk fills at the second message: nothing gets a name, nothing half-written stays."""
    written = 0

    def full(descriptor: int) -> None:
        nonlocal written
        written += 1
        if written == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(room.os, "fsync", full)
    with pytest.raises(TransportDown, match="No space left") as caught:
        list(Outbox(tmp_path).submit(compiled(), [envelope(1), envelope(2)], on_wire=all_of))
    assert str(tmp_path) in caught.value.message
    assert "Free some disk space" in caught.value.mend
    assert list(tmp_path.iterdir()) == []


def test_a_rename_that_fails_gives_receipts_for_those_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What has its name is accepted; the rest was certainly not submitted."""
    rename = Path.replace

    def failing(self: Path, target: Path) -> Path:
        if "000002" in target.name:
            raise OSError(errno.EIO, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", failing)
    receipts: list[Receipt] = []
    answers = Outbox(tmp_path).submit(compiled(), [envelope(n) for n in (1, 2, 3)], on_wire=all_of)
    with pytest.raises(TransportDown, match="Input/output error"):
        receipts.extend(answers)
    assert [receipt.delivery_id for receipt in receipts] == [1]
    assert [path.name for path in tmp_path.iterdir()] == ["weekly-3-000001-r1@example.org.eml"]


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(TransportDown, match="file"):
        Outbox(tmp_path / "file" / "outbox").verify()


def test_verify_leaves_nothing_behind(tmp_path: Path) -> None:
    assert str(tmp_path / "out") in Outbox(tmp_path / "out").verify()
    assert list((tmp_path / "out").iterdir()) == []


def test_a_folder_that_lets_nobody_in_is_told_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be tidied away there must not hide what went wrong before."""

    def forbidden(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.fsync", forbidden)
    monkeypatch.setattr(Path, "unlink", forbidden)

    with pytest.raises(TransportDown, match="Permission denied"):
        list(Outbox(tmp_path).submit(compiled(), [envelope(1)], on_wire=all_of))
