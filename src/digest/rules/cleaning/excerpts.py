"""The beginning of a text as a teaser or a title, and how long the whole takes to read."""

from __future__ import annotations

import re
from collections.abc import Iterator

from digest.rules.cleaning.characters import cut, plain
from digest.rules.cleaning.markup import paragraphs_of, text_of_html

WORDS_A_MINUTE = 230


def teaser_of(html_or_text: str, *, limit: int = 280) -> str:
    """The beginning of a text, at most `limit` characters: whole sentences, or else cut at a word.

    Invitations to read on (“Continue reading”, “The post … appeared first on …”)
    and permalink marks are dropped; headings, code and captions are skipped
    while there is running text.
    """
    text = _lead(html_or_text, enough=limit + 600) or text_of_html(html_or_text)
    text = without_tail(text.replace("¶", " "))
    if len(text) <= limit:
        return text
    lead = ""
    for sentence in sentences_of(text[: limit * 2]):
        if len(lead) + len(sentence) + 1 > limit:
            break
        lead = f"{lead} {sentence}".lstrip()
    # A very short first sentence before a very long one says too little.
    return lead if len(lead) * 3 >= limit else cut(text, limit, at_word=True)


def _lead(markup: str, *, enough: int) -> str:
    """Running text up to about `enough` characters."""
    lead = ""
    for paragraph in paragraphs_of(markup):
        lead = f"{lead} {paragraph}".lstrip()
        if len(lead) >= enough:
            break
    return plain(lead, limit=enough * 2)


_INVITATION = (
    r"(?:Continue [Rr]eading|Keep [Rr]eading|Read [Mm]ore|Read [Oo]n|Read [Tt]he (?:[Ff]ull|[Ww]hole|[Rr]est|"
    r"[Oo]riginal|[Aa]rticle|[Pp]ost)|READ MORE|Learn [Mm]ore|Weiterlesen|Mehr lesen|Lire la suite|Leer más|"
    r"Seguir leyendo|Leggi tutto|Lees verder|Läs mer|Ler mais|Читать далее|続きを読む|阅读更多)"
)
_TAILS = tuple(
    re.compile(pattern)
    for pattern in (
        (
            rf"(?:^|(?<=[.!?…:;\]\)»”\"'’]) ?|\s+(?=[\[(]))[\[(]?\s*{_INVITATION}(?![a-zäöü])[^.!?]{{0,120}}?"
            r"(?:\s*[→»›>…\].)]+|\.{3})*\s*$"
        ),
        r"(?:^|\s)(?:The|This) (?:post|article) .{1,300}? (?:first )?appeared (?:first )?(?:on|at) .{1,150}$",
        r"(?:^|\s)(?:Permalink|Comments|Tags:|Filed under:?|Share this:?)\s*$",
    )
)
_CUT_MARK = re.compile(r"\s*(?:[\[(]\s*(?:…|\.\.\.)\s*[\])]|\.\.\.)\s*$")


def without_tail(text: str) -> str:
    """A line without the “read more” phrases that publishing systems append; “[…]” becomes an ellipsis."""
    previous = ""
    while text != previous:
        previous = text
        for tail in _TAILS:
            start = max(len(text) - 600, 0)
            text = (text[:start] + tail.sub("", text[start:])).rstrip()
    text = _CUT_MARK.sub("…", text)
    return plain("" if text == "…" else text, limit=max(len(text), 1))


def first_sentence(text: str, *, limit: int = 110) -> str:
    """A title made from a text: its first sentence without the full stop, at most `limit` characters."""
    line = plain(text, limit=max(limit * 4, 400))
    sentence = next(sentences_of(line), "")
    if sentence.endswith(".") and not sentence.endswith("..") and "." not in sentence.rpartition(" ")[2][:-1]:
        sentence = sentence[:-1].rstrip()
    return cut(sentence, limit, at_word=True)


# A stop, closing quotes or brackets, then a space; or an ideographic stop.
_STOP = re.compile(r"[.!?…]+[\"'”’»)\]]*(?= )|[。！？]+[」』”）]*")
_NEVER_LAST = frozenset({
    "approx.", "bzw.", "ca.", "capt.", "cf.", "d.h.", "dr.", "e.g.", "ed.", "eq.", "eg.", "esp.", "fig.",
    "i.e.", "ie.", "incl.", "mr.", "mrs.", "ms.", "mt.", "no.", "nr.", "p.", "pp.", "prof.", "resp.", "sec.",
    "st.", "u.a.", "v.", "viz.", "vol.", "vs.", "z.b.",
})  # fmt: skip
_INITIALS = re.compile(r"(?:[A-Z]\.)+|\d{1,2}\.")


def sentences_of(line: str) -> Iterator[str]:
    """The sentences of a clean line, in order.

    A dot inside a word or number, after an abbreviation or initial, or before a
    small letter ends nothing, except before a word that is a name in code
    (“sync.Pool is …”).
    """
    start = 0
    for stop in _STOP.finditer(line):
        if _ends_sentence(line, start, stop):
            yield line[start : stop.end()].strip()
            start = stop.end()
    if rest := line[start:].strip():
        yield rest


def _ends_sentence(line: str, start: int, stop: re.Match[str]) -> bool:
    if stop[0][0] in "。！？":
        return True
    last_word = line[max(line.rfind(" ", start, stop.start()) + 1, start) : stop.start() + 1].lstrip(
        "\"'“‘(«["
    )
    if stop[0] == "." and (last_word.lower() in _NEVER_LAST or _INITIALS.fullmatch(last_word)):
        return False
    return _begins_sentence(line[stop.end() + 1 : stop.end() + 41].partition(" ")[0])


def _begins_sentence(word: str) -> bool:
    letters = word.lstrip("\"'“‘«([{¿¡-–—`*")
    if not letters:
        return bool(word)
    return not letters[0].islower() or any(c.isupper() or c in "._(" for c in letters.rstrip(".,;:!?"))


def count_words(text: str) -> int:
    """Words of a clean text; two ideographs or kana count as one."""
    ideographs = len(_IDEOGRAPH.findall(text))
    return len(_WORD.findall(_IDEOGRAPH.sub(" ", text))) + ideographs // 2


def words_in_html(markup: str) -> int:
    """The visible words of a fragment, accurately enough for a reading time."""
    if _HIDING.search(markup):
        return count_words(text_of_html(markup))
    return count_words(_TAG_LIKE.sub(" ", markup))  # ten times faster, and most fragments are that simple


_HIDING = re.compile(r"<!|<(?:script|style|svg|noscript|template|iframe|head)\b|<[^<>]*\Z", re.IGNORECASE)
_TAG_LIKE = re.compile(r"</?[A-Za-z][^<>]*>")
_IDEOGRAPH = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_WORD = re.compile(r"\w(?:[\w'’.-]*\w)?")


def count_minutes(words: int) -> int:
    """Reading time at 230 words a minute, rounded up; at least one minute."""
    return max(1, -(-words // WORDS_A_MINUTE))
