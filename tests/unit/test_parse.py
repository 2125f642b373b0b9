"""Reading a message back: headers decoded and raw, both bodies, and the facts of each part."""

from __future__ import annotations

from digest.message.parse import parse

RAW = (
    b"From: =?utf-8?q?Zo=C3=AB?= <zoe@example.org>\r\n"
    b"Subject: A title that\r\n is folded\r\n"
    b"X-Twice: one\r\nX-Twice: two\r\n"
    b'Content-Type: multipart/alternative; boundary="=_b"\r\n'
    b"\r\n"
    b"preamble\r\n"
    b"--=_b\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n"
    b"\r\n"
    b"Gr=C3=BC=\r\n=C3=9Fe\r\nsecond\r\n"
    b"--=_b\r\n"
    b"Content-Type: text/html; charset=UTF-8\r\nContent-Transfer-Encoding: Quoted-Printable\r\n"
    b"\r\n"
    b"<p>1234567890</p>\nbare\r\n"
    b"--=_b--\r\n"
)


def test_both_bodies_are_decoded() -> None:
    message = parse(RAW)
    assert message.text == "Grüße\nsecond"
    assert message.html == "<p>1234567890</p>\nbare"


def test_headers_are_decoded_in_order_and_kept_raw_with_their_folds() -> None:
    message = parse(RAW)
    assert [name for name, _ in message.headers] == ["From", "Subject", "X-Twice", "X-Twice", "Content-Type"]
    assert message.subject == "A title that is folded"
    assert dict(message.raw_headers)["Subject"] == b"Subject: A title that\r\n is folded"
    assert (message.sender_name, message.sender_address) == ("Zoë", "zoe@example.org")


def test_a_header_is_found_in_any_case() -> None:
    message = parse(RAW)
    assert message.header("x-twice") == "one"
    assert message.headers_named("X-TWICE") == ["one", "two"]
    assert message.header("absent") is None


def test_each_part_tells_what_it_looks_like_on_the_wire() -> None:
    plain, html = parse(RAW).parts
    assert (plain.content_type, plain.charset, plain.encoding) == ("text/plain", "utf-8", "quoted-printable")
    assert (plain.longest_line, plain.has_bare_newline) == (9, False)
    assert (html.content_type, html.charset, html.encoding) == ("text/html", "utf-8", "quoted-printable")
    assert (html.longest_line, html.has_bare_newline) == (17, True)


def test_a_message_of_one_part_has_one_part() -> None:
    message = parse(b"Subject: x\r\n\r\nhello\r\n")
    assert (message.text, message.html) == ("hello\n", "")
    [part] = message.parts
    assert (part.content_type, part.charset, part.encoding) == ("text/plain", "", "7bit")


def test_a_message_that_is_none_is_read_all_the_same() -> None:
    message = parse(b"")
    assert (message.headers, message.subject, message.sender_address) == ((), "", "")
