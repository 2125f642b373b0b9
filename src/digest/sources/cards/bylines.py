"""Recognises bylines (lines with only date, author and reading time) and removes them from a text."""

from __future__ import annotations

import re

from digest.sources import html_dates

BY = re.compile(
    r"(?:^|[\s·|,•–—-])(?:(?:posted|written|published|authored|geschrieben|verfasst|publié|écrit|escrito"
    r"|publicado|scritto|geschreven|door|by)\s+)?(?:by|von|par|por|di|door|av|af)\s*:?\s+(?P<name>[^\s"
    r"|·•].{1,100}?)\s*(?=$|[|·•\n]|\s[–—-]\s|,?\s+(?:on|am|le|el|il|op|em|at|den)\s+\d|,?\s+(?:in|published"
    r"|posted"
    r"|updated)\s|\s+\d|,\s*\d|\s*-\s*\d)",
    re.IGNORECASE,
)


_FILLERS = re.compile(
    r"\b(?:posted|published|written|updated|by|on|in|under|filed|tagged|tags?|categor(?:y|ies)|author|from"
    r"|to|and|the|date|at|via|share|comments?|no comments|leave a (?:comment|reply)|views?|likes?|permalink"
    r"|min|read|reading time|featured|new|von|am|um|veröffentlicht|in der kategorie|publié|par|le|dans"
    r"|publicado|por|el|en|pubblicato|di|il|da|geplaatst|door|op|kommentare?"
    r"|commentaires?|comentarios?|points?|uhr|utc|gmt|st|nd|rd|th)\b",
    re.IGNORECASE,
)


def is_meta(text: str) -> bool:
    """Whether a line contains only dates, reading times and the words between them."""
    if len(text) > 160:
        return False
    rest = _FILLERS.sub("", html_dates.without_minutes(html_dates.without_dates(text, yearless=True)))
    letters, digits = len(re.findall(r"[^\W\d_]", rest)), len(re.findall(r"\d", rest))
    # Two characters can be a whole title, for example in Chinese, so something must have been removed.
    return digits <= 6 and (letters == 0 or (letters <= 2 and rest != text))


def without_byline(text: str) -> str:
    return _FILLERS.sub(" ", BY.sub(" ", text))


def is_line_about_author(text: str, author: str) -> bool:
    """A line of names and dates, such as "Posted on 5 May by Ann" or "Ann (Example Ltd); Bob"."""
    if len(text) > 200:
        return False
    bare = html_dates.without_minutes(html_dates.without_dates(text))
    rest = (
        without_byline(bare)
        if bare != text or re.match(r"\W*(?:posted|written|by|von|par|por)\b", text, re.IGNORECASE)
        else bare
    )
    if bare != text and len(re.findall(r"\w", rest)) <= 20:
        return True
    if not author:
        return False
    names = [n for n in re.split(r"\s*(?:,| and | und | et | y | e |&|;)\s*", author) if n]
    said = [n for n in names if n.casefold() in text.casefold()]
    left = rest
    for name in said:
        left = re.sub(re.escape(name), " ", left, flags=re.IGNORECASE)
    left = re.sub(r"\([^)]{0,60}\)", " ", left)
    return (
        bool(said)
        and len(re.findall(r"\w", _FILLERS.sub("", left))) <= 20
        and not re.search(r"[.!?]\s*$", text)
    )
