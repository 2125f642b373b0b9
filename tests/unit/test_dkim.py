"""Signatures: judged by dkimpy, compared with its arithmetic, and broken by every change."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from dkim.canonicalization import Relaxed
from dkim.crypto import HASH_ALGORITHMS, RSASSA_PKCS1_v1_5_sign, parse_pem_private_key
from hypothesis import example, given, settings
from hypothesis import strategies as st

from digest.clock import Clock
from digest.errors import SettingsError
from digest.message.dkim import Signer, relaxed_body, relaxed_field
from digest.message.splice import message_bytes
from digest.model.delivery import Envelope
from digest.model.newsletter import Mailbox
from digest.wiring import Container
from fakes.messages import compiled, envelope

Key = rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
ALGORITHMS = ["rsa", "ed25519"]
BLANKS = st.text(alphabet=" \t\r\n.ab=", max_size=60).map(lambda text: text.encode())


@cache
def key_of(algorithm: str) -> Key:
    """One of each for the whole run: a pair of primes takes its time."""
    if algorithm == "rsa":
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return ed25519.Ed25519PrivateKey.generate()


def pem(key: Key | ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def signer(algorithm: str) -> Signer:
    return Signer(domain="news.example.com", selector="digest1", key=pem(key_of(algorithm)))


def signed(algorithm: str, one: Envelope, **facts: object) -> bytes:
    return b"".join(signer(algorithm).splice(compiled(**facts), one))  # type: ignore[arg-type]


def record(algorithm: str) -> Callable[..., bytes]:
    """The answer of the DNS for digest1._domainkey.news.example.com."""
    public = key_of(algorithm).public_key()
    if isinstance(public, ed25519.Ed25519PublicKey):
        raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    else:
        raw = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return lambda *_, **__: b"v=DKIM1; k=%b; p=%b" % (algorithm.encode(), base64.b64encode(raw))


def holds(message: bytes, algorithm: str) -> bool:
    return bool(dkim.verify(message, dnsfunc=record(algorithm)))


def tags(message: bytes) -> dict[str, str]:
    field = message.partition(b"\r\nFrom:")[0].decode("ascii").partition(":")[2]
    pairs = (tag.partition("=") for tag in field.split(";"))
    return {name.strip(): re.sub(r"\s+", "", value) for name, _, value in pairs}


# -- it holds, and is what the reference makes of it -------------------------------------------------


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize(
    "one",
    [
        envelope(1),
        envelope(2, name="Ann  Example\twith   blanks"),
        envelope(3, name="Zoë “the second” 山田太郎 " * 9),
        envelope(4, address="a." * 30 + "a@" + "b" * 60 + ".example.org", name="x" * 200),
        envelope(5, name=". From dots  "),
    ],
    ids=lambda one: str(one.delivery_id),
)
def test_the_reference_says_that_it_holds(algorithm: str, one: Envelope) -> None:
    message = signed(algorithm, one)
    assert holds(message, algorithm)
    assert message.endswith(message_bytes(compiled(), one)), "the message itself is as without a signature"


@settings(max_examples=40, deadline=None)
@given(name=st.text(max_size=80), body=st.text(max_size=300), subject=st.text(min_size=1, max_size=100))
@example(name=" a  b ", body="  x  \t\n\n \n", subject="a  b\tc")
def test_it_holds_whatever_is_in_the_message(name: str, body: str, subject: str) -> None:
    """Blanks, folds and dots at every border of a slot."""
    one, message = envelope(1, name=name), compiled("S " + subject, padding=body)
    made = b"".join(signer("ed25519").splice(message, one))
    assert holds(made, "ed25519")


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_hashes_and_signature_are_those_of_the_reference(algorithm: str) -> None:
    """Both algorithms are deterministic, so that equal means equal to the last bit."""
    message = signed(algorithm, envelope(1, name="Zoë  Example"))
    fields, body = dkim.rfc822_parse(message)
    said = tags(message)
    assert said["bh"] == base64.b64encode(hashlib.sha256(Relaxed.canonicalize_body(body)).digest()).decode()

    name, value = fields[0]
    state = dkim.HashThrough(HASH_ALGORITHMS[said["a"].encode()]())
    names = said["h"].encode().split(b":")
    dkim.hash_headers(
        state, Relaxed, Relaxed.canonicalize_headers(fields[1:]), names, (name, value), {b"b": b""}
    )
    if algorithm == "rsa":
        key = key_of("rsa").private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
        expected = RSASSA_PKCS1_v1_5_sign(state, parse_pem_private_key(key))
    else:
        own = key_of("ed25519")
        assert isinstance(own, ed25519.Ed25519PrivateKey)
        expected = own.sign(state.digest())
    assert said["b"] == base64.b64encode(expected).decode()


@given(BLANKS)
@example(b"")
@example(b"\r\n")
@example(b" \r\n \r\n")
def test_bodies_are_relaxed_as_the_reference_does_it(body: bytes) -> None:
    """RFC 6376, 3.4.4; bodies of mail hold no CR or LF alone."""
    body = re.sub(rb"\r(?!\n)|(?<!\r)\n", b"", body)
    assert relaxed_body(body) == Relaxed.canonicalize_body(body)


@given(BLANKS)
@example(b" a\r\n\t b \r\n ")
def test_fields_are_relaxed_as_the_reference_does_it(value: bytes) -> None:
    value = re.sub(rb"[\r\n]+", b"\r\n ", value)
    [(name, expected)] = Relaxed.canonicalize_headers([(b"Subject ", value)])
    assert relaxed_field(b"Subject :" + value) + b"\r\n" == name + b":" + expected


# -- what it covers ----------------------------------------------------------------------------------


def test_the_fields_that_are_covered() -> None:
    """Only those that are there; twice where adding another one would matter; both of RFC 8058."""
    said = tags(signed("rsa", envelope(1), archive_url="https://news.example.com/archive"))
    assert said["h"].split(":") == [
        "from", "from", "to", "subject", "subject", "date", "message-id", "reply-to", "mime-version",
        "content-type", "list-id", "list-unsubscribe", "list-unsubscribe", "list-unsubscribe-post",
        "list-unsubscribe-post", "list-archive", "feedback-id", "auto-submitted",
    ]  # fmt: skip
    assert (said["v"], said["a"], said["c"]) == ("1", "rsa-sha256", "relaxed/relaxed")
    assert (said["d"], said["s"]) == ("news.example.com", "digest1")
    assert said["t"] == str(int(envelope(1).date.timestamp()))
    assert "l" not in said
    bare = tags(signed("rsa", envelope(1), reply_to=None, feedback_id=""))
    assert {"reply-to", "feedback-id", "list-archive"}.isdisjoint(bare["h"].split(":"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"\r\nFrom: ", b"\r\nFrom: evil@example.net\r\nFrom: "),
        (b"\r\nSubject: ", b"\r\nSubject: Another one\r\nSubject: "),
        (
            b"\r\nList-Unsubscribe: ",
            b"\r\nList-Unsubscribe: <https://evil.example.net>\r\nList-Unsubscribe: ",
        ),
        (b"token-1-", b"token-2-"),
        (b"Sent to", b"Sent by"),
        (b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n", b""),
        (b"To: ", b"To: x"),
    ],
)
def test_every_change_breaks_it(old: bytes, new: bytes) -> None:
    """Also one more From, Subject or List-Unsubscribe."""
    message = signed("ed25519", envelope(1, name="Ann"))
    assert old in message
    assert not holds(message.replace(old, new, 1), "ed25519")


def test_what_relays_may_do_does_not_break_it() -> None:
    message = signed("ed25519", envelope(1, name="Ann  B"))
    changed = message.replace(b"\r\nSubject: ", b"\r\nSUBJECT:   ").replace(b"\r\nDate: ", b"\r\nDate:\r\n\t")
    assert changed != message
    assert holds(b"Received: from somewhere\r\n" + changed + b"\r\n\r\n", "ed25519")


def test_each_recipient_and_each_issue_gets_a_signature_of_its_own() -> None:
    """One signer serves many, in any order: what is kept of one message never gets into another."""
    one = signer("ed25519")
    first, second = compiled("First"), compiled("Second", sender=Mailbox("Other", "digest@news.example.com"))
    for message, who in [(first, envelope(1)), (second, envelope(2)), (first, envelope(3, name="Zoë"))]:
        assert holds(b"".join(one.splice(message, who)), "ed25519")


def test_lines_of_the_field_are_short() -> None:
    field = signed("rsa", envelope(1)).partition(b"\r\nFrom:")[0]
    assert max(len(line) for line in field.split(b"\r\n")) <= 76


# -- keys --------------------------------------------------------------------------------------------


def test_keys_that_cannot_sign_are_refused_and_never_shown() -> None:
    curve = pem(ec.generate_private_key(ec.SECP256R1()))
    small = pem(rsa.generate_private_key(public_exponent=65537, key_size=1024))
    locked = key_of("rsa").private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"pass phrase"),
    )
    public = key_of("rsa").public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )  # fmt: skip
    for key, says in [
        (curve, "neither an RSA nor an Ed25519"),
        (locked, "passphrase"),
        (public, "not a private key"),
        (b"", "not a private key"),
        (b"-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n", "not a private key"),
    ]:
        with pytest.raises(SettingsError, match=says) as caught:
            Signer(domain="example.com", selector="s", key=key)
        assert caught.value.mend
        assert caught.value.__cause__ is None
        assert "c2VjcmV0" not in repr(caught.value)
    Signer(domain="example.com", selector="s", key=small)


def test_a_key_that_no_receiver_trusts_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 8301, 3.2.  (512 bits cannot be made any more; the limit is raised instead.)"""
    monkeypatch.setattr("digest.message.dkim.MIN_RSA_BITS", 4096)
    with pytest.raises(SettingsError, match="2048 bits"):
        signer("rsa")


# -- from the settings -------------------------------------------------------------------------------

SETTINGS = """
[site]
name = "Example"
url = "https://blog.example.com"
public_url = "https://news.example.com"
postal_address = "Example Ltd, 1 Example Street"
[delivery]
transport = "{transport}"
[delivery.sendgrid]
api_key_file = "dkim.pem"
[delivery.dkim]
domain = "example.com"
selector = "digest1"
key_file = "dkim.pem"
[newsletters.weekly]
title = "Weekly"
sender = "Example <digest@news.example.com>"
[[newsletters.weekly.sources]]
kind = "feed"
path = "feed.xml"
"""


def parts(folder: Path, *, transport: str, key: bytes) -> Container:
    file = folder / "digest.toml"
    file.write_text(SETTINGS.format(transport=transport))
    (folder / "dkim.pem").write_bytes(key)
    (folder / "dkim.pem").chmod(0o600)
    return Container.from_file(file, environ={}, clock=Clock())


def test_a_key_in_the_settings_signs_what_goes_out(tmp_path: Path) -> None:
    made = parts(tmp_path, transport="outbox", key=pem(key_of("ed25519")))
    list(made.transport().submit(compiled(), [envelope(1)], on_wire=set))
    [file] = (tmp_path / "outbox").glob("*.eml")
    assert holds(file.read_bytes(), "ed25519")
    assert made.composer(made.newsletter("weekly")).signs_dkim


def test_sendgrid_signs_by_itself(tmp_path: Path) -> None:
    made = parts(tmp_path, transport="sendgrid", key=pem(key_of("ed25519")))
    assert not made.composer(made.newsletter("weekly")).signs_dkim


def test_a_key_that_is_none_is_told_before_anything_is_approved(tmp_path: Path) -> None:
    made = parts(tmp_path, transport="outbox", key=b"no key")
    with pytest.raises(SettingsError, match="DKIM key"):
        made.send_options()
