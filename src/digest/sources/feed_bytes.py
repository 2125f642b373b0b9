"""Prepares a feed's bytes for parsing: one encoding, no bombs, pieces of bounded size."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from html.entities import html5

from digest.errors import SourceError

MOST_ENTRIES = 5000
PIECE = 250  # entries parsed at a time: a parsed feed takes five times the memory of its bytes
MOST_ATTRIBUTES = 500  # of one element; the parser's time grows with their square (20,000 take 3 s)
DEEPEST = 3000  # elements open at a time, unclosed `<br>` included; for the same reason

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16: it begins with the same bytes
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Written under the name of a smaller set, as browsers know (WHATWG Encoding, 4.2).
_WIDER = {
    "us-ascii": "cp1252", "ascii": "cp1252", "iso-8859-1": "cp1252", "latin-1": "cp1252", "latin1": "cp1252",
    "gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932", "shift-jis": "cp932", "euc-kr": "cp949",
    "ks_c_5601-1987": "cp949", "iso-8859-9": "cp1254", "iso-8859-11": "cp874", "tis-620": "cp874",
}  # fmt: skip
# Encodings in which text of other alphabets is made of ASCII bytes: valid UTF-8 proves nothing.
_SEVEN_BIT = re.compile(r"(?i)iso-?2022|hz")
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]{1,40})["'][^>]{0,200}\?>""")
_DECLARATION = re.compile(r"^\s*<\?xml[^>]{0,400}?\?>")

# XML 1.0 allows neither these characters nor references to them: one of them breaks a whole feed.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_FORBIDDEN_REFERENCE = re.compile(
    r"&#(?:0*(?:[0-8]|1[124-9]|2\d|3[01])|[xX]0*(?:[0-8bBcCeEfF]|1[0-9a-fA-F]));"
)
_MANY_ATTRIBUTES = re.compile(
    rb"<[A-Za-z][^\s<>]*+(?:\s++[^\s<>=]++(?:\s*+=\s*+(?:\"[^\"]*+\"|'[^']*+'|[^\s<>\"']++))?+){%d}"
    % MOST_ATTRIBUTES
)


def as_text(body: bytes, *, charset: str) -> str:
    """The text of a feed without declaration and forbidden characters; never fails.

    By byte-order mark, else as UTF-8 if it is that (whatever the labels say),
    else as `charset` of the HTTP answer, the XML declaration, or windows-1252.
    """
    text = _decoded(body, charset)
    text = _DECLARATION.sub("", text.removeprefix("\ufeff"), count=1)
    return _FORBIDDEN_REFERENCE.sub("", _FORBIDDEN.sub("", text))


def _decoded(body: bytes, charset: str) -> str:
    for mark, encoding in _BOMS:
        if body.startswith(mark):
            return body[len(mark) :].decode(encoding, "replace")
    if body[:4] in (b"<\x00?\x00", b"\x00<\x00?"):  # UTF-16 without its byte-order mark
        return body.decode("utf-16-le" if body[0] else "utf-16-be", "replace")

    declared = _DECLARED.match(body[:600])
    labels = [label for label in (charset, declared[1].decode("ascii") if declared else "") if label]
    if not any(_SEVEN_BIT.match(label) for label in labels):
        try:
            return body.decode("utf-8")
        except UnicodeDecodeError:
            pass
    encoding = next((known for label in labels if (known := _known(label))), "cp1252")
    return body.decode(encoding, "replace")


def _known(label: str) -> str:
    """The codec for a label, or "" where there is none that makes text of bytes safely."""
    name = _WIDER.get(label.lower(), label.lower())
    try:
        info = codecs.lookup(name)
    except LookupError:
        return ""
    # UTF-7 hides markup from every other reader.  UTF-8 was tried: what is left is broken UTF-8 or
    # a wrong label, and replacing single characters harms least.
    is_text = getattr(info, "_is_text_encoding", True)
    return "" if not is_text or info.name == "utf-7" else info.name


def without_doctype(text: str) -> str:
    """The XML without its document type, and without named entities that only such a type could explain.

    HTML's names and short texts that the feed declares itself become what they
    mean; anything else about entities (nested, external) is simply not there.
    """
    first_element = re.search(r"<\w", text)
    head = text[: first_element.start()] if first_element else text
    doctype = _DOCTYPE.search(head)
    declared = dict(_SHORT_ENTITY.findall(doctype[1] or "")) if doctype else {}
    if doctype:
        text = text[: doctype.start()] + text[doctype.end() :]

    def explained(match: re.Match[str]) -> str:
        characters = declared.get(match[1]) or html5.get(f"{match[1]};", "")
        return "".join(f"&#{ord(character)};" for character in characters) or match[0]

    return _NAMED_ENTITY.sub(explained, text)


_DOCTYPE = re.compile(r"<!DOCTYPE[^\[>]*+(?:\[(.*?)\]\s*)?>", re.IGNORECASE | re.DOTALL)
_SHORT_ENTITY = re.compile(r"""<!ENTITY\s+(\w{1,32})\s+["']([^"'&%<]{1,20})["']\s*>""")
_NAMED_ENTITY = re.compile(r"&(?!(?:lt|gt|amp|quot|apos);)(\w{1,32});")


def refuse_bombs(data: bytes, *, name: str) -> None:
    """Refuse input that would keep the parser busy for minutes.

    Raises:
        SourceError: more attributes or deeper elements than any feed has.
    """
    if len(data) < 10_000:
        return
    if _MANY_ATTRIBUTES.search(data):
        raise SourceError(
            f"{name} has an element with more than {MOST_ATTRIBUTES} attributes, which no feed has.",
            mend="Ask the site's owner about it.",
        )
    if data.count(b"<") > DEEPEST and _depth(data) > DEEPEST:
        raise SourceError(
            f"{name} nests elements more than {DEEPEST} levels deep, which no feed does.",
            mend="Ask the site's owner about it.",
        )


_TAG = re.compile(rb"<(/?)(?:((?:item|entry)(?=[\s/>]))|[A-Za-z])[^<>]*+")


def _depth(data: bytes) -> int:
    """The most elements that are open at a time within one entry, outside of CDATA, as far as `DEEPEST`."""
    depth = 0
    outside = (
        part.partition(b"]]>")[2] if number else part for number, part in enumerate(data.split(b"<![CDATA["))
    )
    for part in outside:
        for tag in _TAG.finditer(part):
            if tag[2]:
                depth = 0
            elif tag[1]:
                depth = max(depth - 1, 0)
            elif not tag[0].endswith(b"/"):
                depth += 1
            if depth > DEEPEST:
                return depth
    return depth


_ENTRY_TAG = re.compile(rb"<(/?)(item|entry)(?=[\s/>])", re.IGNORECASE)


def pieces_of(data: bytes) -> tuple[Iterator[bytes], int]:
    """The feed as smaller feeds with the same head, and the number of entries left out.

    If the entries do not simply follow one another, the whole feed is one piece.
    """
    starts, stop = _entry_starts(data)
    if len(starts) <= PIECE:
        return iter((data,)), 0
    left_out = max(len(starts) - MOST_ENTRIES, 0)
    return _split(data, starts, stop), left_out


def _entry_starts(data: bytes) -> tuple[list[int], int]:
    """Where each entry begins, and where the last one ends; nothing if one is inside another."""
    starts: list[int] = []
    stop, is_open = 0, False
    for tag in _ENTRY_TAG.finditer(data):
        if bool(tag[1]) != is_open:
            return [], 0
        is_open = not is_open
        if is_open:
            starts.append(tag.start())
        else:
            stop = data.find(b">", tag.end()) + 1
    return (starts, stop) if starts and stop > starts[-1] and not is_open else ([], 0)


def _split(data: bytes, starts: list[int], stop: int) -> Iterator[bytes]:
    head, foot = data[: starts[0]], data[stop:]
    ends = [*starts[1:], stop]
    for first in range(0, min(len(starts), MOST_ENTRIES), PIECE):
        last = min(first + PIECE, len(starts), MOST_ENTRIES) - 1
        yield head + data[starts[first] : ends[last]] + foot
