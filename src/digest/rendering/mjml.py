"""Compiles MJML to HTML, and makes the checks of our MJML that the compiler does not make.

MRML (mjml-python 1.4.2) silently accepts unknown elements, unknown attributes and wrong
nesting, so that subscribers would be the first to find a typo in a template.  `to_html`
rejects them, with file and line.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator
from typing import NamedTuple

import mjml

from digest.errors import TemplateError
from digest.rendering.elements import ATTRIBUTES, CHILDREN, HOLDS_HTML, WITHOUT_EFFECT
from digest.rendering.templates import PLACE

_PLACED = re.compile(rf" {PLACE}=([^\s:;]*):(\d+);")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_TAG = re.compile(
    r"""<!--.*?-->|<(?P<close>/?)(?P<name>mj[a-z-]*)(?P<attributes>(?:\s+[^\s=/>]+(?:\s*=\s*(?:"[^"]*"|'[^']*'))?)*)"""
    r"""\s*(?P<empty>/?)>""",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(r"""([^\s=/>]+)(\s*=\s*(?:"[^"]*"|'[^']*'))?""")
_COMMENT_OR_MJML = re.compile(r"<!--.*?-->|<mj-", re.DOTALL)
_CARRIED = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ALONE = (
    "<mjml><mj-body><mj-section><mj-column><mj-text>…</mj-text></mj-column></mj-section></mj-body></mjml>"
)
_POSITION = re.compile(r"position (\d+):\d+")


class _Where(NamedTuple):
    """A position that is only looked up when it is printed."""

    offset: int
    text: str
    places: list[SourcePosition]

    def __str__(self) -> str:
        return _where(*self)


class SourcePosition(NamedTuple):
    """Where a tag of the rendered MJML was written in a template."""

    offset: int  # in the MJML
    file: str
    line: int


def to_html(source: str) -> str:
    """Compile MJML, without includes and without loading fonts.

    Raises:
        TemplateError: unknown or misplaced elements, unknown attributes, or MJML that is
            not well-formed; with file and line if the source was rendered from templates,
            or else with the line of the source.
    """
    text, places = _without_places(_CARRIED.sub("", source))
    _validate(text, places)
    try:
        return str(mjml.mjml2html(text, fonts={}))
    except ValueError as error:
        found = _POSITION.search(str(error))
        where = _where(int(found[1]), text, places) if found else _first_broken(text, places)
        raise TemplateError(f"{where}: {_sentence(str(error))}") from error


def _without_places(source: str) -> tuple[str, list[SourcePosition]]:
    """The MJML itself, and the position of every tag that came from a template."""
    places: list[SourcePosition] = []
    pieces: list[str] = []
    end = length = 0
    for found in _PLACED.finditer(source):
        piece = source[end : found.start()]
        pieces.append(piece)
        length += len(piece)
        places.append(SourcePosition(length, found[1], int(found[2])))
        end = found.end()
    return "".join([*pieces, source[end:]]), places


def _validate(text: str, places: list[SourcePosition]) -> None:
    open_tags: list[str] = []
    at = 0
    for tag in _tags(text):
        name = tag["name"]
        where = _Where(tag.start("name"), text, places)
        if not _is_in_html(open_tags):
            _refuse_loose(text, at, tag.start(), places)
        at = tag.end()
        if tag["close"]:
            if not open_tags or open_tags[-1] != name:
                inside = f"<{open_tags[-1]}>" if open_tags else "nothing"
                raise TemplateError(f"{where}: </{name}> closes {inside}.")
            open_tags.pop()
            continue
        _validate_element(name, open_tags, where)
        _validate_attributes(name, tag["attributes"], where)
        if not tag["empty"]:
            open_tags.append(name)
    if open_tags:
        raise TemplateError(f"<{open_tags[-1]}> is never closed.")
    _refuse_loose(text, at, len(text), places)


def _is_in_html(open_tags: list[str]) -> bool:
    return bool(open_tags) and open_tags[-1] in HOLDS_HTML


def _refuse_loose(text: str, start: int, end: int, places: list[SourcePosition]) -> None:
    """Refuse text between MJML tags; MRML would print it between table rows, or drop it."""
    loose = _COMMENT.sub(lambda comment: " " * len(comment[0]), text[start:end])
    if loose.isspace() or not loose:
        return
    at = start + len(loose) - len(loose.lstrip())
    shown = loose.split()[0][:40]
    raise TemplateError(
        f"{_where(at, text, places)}: “{shown}” is not MJML.",
        mend="Put text and HTML into mj-text, mj-table or mj-raw; write names in lower case; "
        "quote attributes.",
    )


def _tags(text: str) -> Iterator[re.Match[str]]:
    """Every MJML tag outside comments; the HTML inside elements that contain HTML is skipped."""
    at = 0
    while found := _TAG.search(text, at):
        at = found.end()
        if not found["name"]:
            continue
        yield found
        if found["name"] in HOLDS_HTML and not found["close"] and not found["empty"]:
            close = text.find(f"</{found['name']}", at)
            at = _end_of_html(text, at, close if close >= 0 else len(text))


def _end_of_html(text: str, start: int, end: int) -> int:
    """`end`, or the start of MJML inside HTML, which MRML would print unchanged."""
    for found in _COMMENT_OR_MJML.finditer(text, start, end):
        if found[0] == "<mj-":
            return found.start()
    return end


def _validate_element(name: str, open_tags: list[str], where: object) -> None:
    if name not in CHILDREN:
        raise TemplateError(
            f"{where}: there is no MJML element <{name}>.", mend="See https://documentation.mjml.io."
        )
    parent = open_tags[-1] if open_tags else ""
    if parent and name not in CHILDREN[parent]:
        may = ", ".join(f"<{child}>" for child in sorted(CHILDREN[parent])) or "HTML only"
        raise TemplateError(f"{where}: <{name}> is not allowed in <{parent}>.", mend=f"Allowed there: {may}.")
    if not parent and name != "mjml":
        raise TemplateError(f"{where}: <{name}> is outside <mjml>.")


def _validate_attributes(name: str, attributes: str, where: object) -> None:
    for attribute, value in _ATTRIBUTE.findall(attributes):
        if attribute in WITHOUT_EFFECT.get(name, ()):
            raise TemplateError(
                f"{where}: “{attribute}” of <{name}> has no effect: our MJML compiler does not support it.",
                mend="Put the styling into a class (mj-style) or into HTML, or remove it.",
            )
        if attribute not in ATTRIBUTES[name]:
            raise TemplateError(f"{where}: <{name}> has no attribute “{attribute}”.")
        if not value:
            raise TemplateError(f"{where}: “{attribute}” of <{name}> has no value.")


def _where(offset: int, text: str, places: list[SourcePosition]) -> str:
    """The file and line of the text at `offset` of the MJML."""
    index = bisect.bisect_right(places, offset + 64, key=lambda place: place.offset) - 1
    while index >= 0 and places[index].offset > offset and not _is_name(text, offset, places[index].offset):
        index -= 1
    if index < 0:
        return f"line {text.count(chr(10), 0, offset) + 1}"
    place = places[index]
    line = place.line + text.count("\n", place.offset, offset)
    return f"{place.file}, line {line}"


def _is_name(text: str, start: int, end: int) -> bool:
    """Whether this is a tag's name; a tag's position follows its name."""
    is_tag = "<" in text[max(start - 1, 0) : start + 1]
    return is_tag and text[start:end].strip("<").replace("-", "").isalnum()


def _first_broken(text: str, places: list[SourcePosition]) -> str:
    """MRML often gives no position; then this finds the first element whose HTML it cannot parse alone."""
    for tag in _tags(text):
        if tag["name"] not in HOLDS_HTML - {"mj-style"} or tag["close"] or tag["empty"]:
            continue
        content = text[tag.end() : text.find(f"</{tag['name']}", tag.end())]
        try:
            mjml.mjml2html(_ALONE.replace("…", content))
        except ValueError:
            return _where(tag.start("name"), text, places)
    return "The issue's MJML"


def _sentence(message: str) -> str:
    """MRML's message without its offsets, which refer to a text that no one sees."""
    return re.sub(r" in root template( at position \d+:\d+)?", "", message).rstrip(".") + "."
