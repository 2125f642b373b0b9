"""One clean line of text: which characters are kept, and where a line may be cut."""

from __future__ import annotations

import re
import unicodedata

ELLIPSIS = "…"

# Removed everywhere: C0 and C1 controls (those that are white space are
# folded before), bidirectional overrides and isolates, invisible fillers,
# interlinear and object marks, surrogates, and code points that are not characters.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f"
    "\u00ad\u115f\u1160\u180e\u200b\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0"
    "\ufff9-\ufffc\ufdd0-\ufdef\ufffe\uffff\ud800-\udfff\U000e0001"
    + "".join(f"{chr(plane * 0x10000 + 0xFFFE)}{chr(plane * 0x10000 + 0xFFFF)}" for plane in range(1, 17))
    + "]"
)
# Tag characters are visible only as part of a flag, after a black flag; elsewhere they hide text.
_TAGS = re.compile("(\U0001f3f4[\U000e0020-\U000e007f]{1,8})|[\U000e0020-\U000e007f]")
# More than four marks on one letter is decoration that climbs into the lines above.
_MARKS = "\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_HEAP_OF_MARKS = re.compile(f"([{_MARKS}]{{4}})[{_MARKS}]+")
_JOINERS = re.compile("[\u200c\u200d]+")


def plain(text: str, *, limit: int = 300) -> str:
    """One clean line: NFC, no control or invisible characters, white space folded.

    At most `limit` characters, cut between graphemes with an ellipsis.  Joiners
    stay inside words and emoji.  Cleaning clean text changes nothing.
    """
    return cut(" ".join(_characters(text).split()), limit)


def _characters(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    cleaned = _once(text)
    while (again := _once(cleaned)) != cleaned:  # a removal can bring two parts of one character together
        cleaned = again
    return cleaned


def _once(text: str) -> str:
    text = _INVISIBLE.sub("", text)
    text = _TAGS.sub(lambda match: match[1] or "", text)
    text = _HEAP_OF_MARKS.sub(r"\1", unicodedata.normalize("NFC", text))
    return _JOINERS.sub(_joiner_between_letters, text)


def _joiner_between_letters(match: re.Match[str]) -> str:
    """A joiner means something between letters or emoji; elsewhere it only hides."""
    text = match.string
    before, after = text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1]
    return match[0][0] if _joins(before) and _joins(after) else ""


def _joins(character: str) -> bool:
    return bool(character) and unicodedata.category(character)[0] in "LMS"


def cut(text: str, limit: int, *, at_word: bool = False) -> str:
    """`text`, or its beginning and an ellipsis: at most `limit` characters in all."""
    if len(text) <= limit:
        return text
    end = _boundary_before(text, max(limit - len(ELLIPSIS), 0))
    if at_word:
        end = _word_end_before(text, end)
    return text[:end].rstrip(" ,;:–—-([{\u200c\u200d") + ELLIPSIS


def _word_end_before(text: str, end: int) -> int:
    if text[end : end + 1] == " ":
        return end
    space = text.rfind(" ", 0, end)
    # A word that is most of the line (a URL, a script without spaces) is cut inside.
    return space if space >= end * 0.5 else end


def _boundary_before(text: str, end: int) -> int:
    """The last place at or before `end` that is not inside a grapheme (after UAX #29)."""
    for place in range(end, max(end - 64, 0), -1):
        if not _is_inside_grapheme(text, place):
            return place
    return end


def _is_inside_grapheme(text: str, place: int) -> bool:
    before, after = text[place - 1], text[place]
    if before == "\u200d" or _extends(after):
        return True
    return _is_flag_half(before) and _is_flag_half(after) and _flag_halves_before(text, place) % 2 == 1


def _extends(character: str) -> bool:
    return (
        character in "\u200c\u200d"
        or "\U0001f3fb" <= character <= "\U0001f3ff"  # skin tones
        or "\U000e0020" <= character <= "\U000e007f"  # tags of a flag
        or "\u1160" <= character <= "\u11ff"  # Hangul vowels and finals
        or unicodedata.category(character)[0] == "M"
    )


def _is_flag_half(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _flag_halves_before(text: str, place: int) -> int:
    start = place
    while start > 0 and _is_flag_half(text[start - 1]):
        start -= 1
    return place - start
