"""Reads a listing in plain text: teasers, each ending with a line "Read More".

That is the result of copying the cards of a blog's front page.  Such a text has
no links; all teasers share the page's own, and their text tells them apart.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from digest.model.article import FoundArticle
from digest.rules.cleaning import plain, teaser_of
from digest.sources import html_dates
from digest.sources.cards import as_markup, titled
from digest.sources.read_more import is_invitation_line, without_trailing_invitation

_BYLINE = re.compile(
    r"^\W*(?:(?:posted|written|published)\s+)?(?:by|von|par|por|di|door|av"
    r"|af)\s*:?\s+(?P<name>[^.!?]{2,80})$",
    re.IGNORECASE,
)


@dataclass(slots=True)
class _Block:
    """The lines of one teaser, without what was understood as date, author or reading time."""

    lines: list[str]
    published: datetime | None = None
    author: str = ""
    minutes: int | None = None


def read_text_listing(text: str, *, url: str, now: datetime) -> tuple[FoundArticle, ...]:
    """The teasers of a text in their order; empty if no line says "Read more"."""
    blocks = [_understood(lines, now=now) for lines in _raw_blocks(text)]
    blocks = [b for b in blocks if b.lines]
    _drop_page_head(blocks)
    have_titles = _have_titles(blocks)
    found: dict[str, FoundArticle] = {}
    for block in blocks:
        article = _article(block, url=url, has_title=have_titles and _begins_with_title(block.lines))
        if article is not None:
            found.setdefault(f"{article.title}\n{article.teaser}".casefold(), article)
    return tuple(found.values())


def is_markup(body: str, content_type: str) -> bool:
    """Whether a body is an HTML page; a text about `<div>` and `Vec<T>` is not one."""
    head = body[:2000].lstrip("\ufeff \t\r\n").lower()
    if head.startswith(("<!doctype html", "<html")) or re.search(
        r"<a\s[^<>]{0,400}href\s*=", body, re.IGNORECASE
    ):
        return True
    if content_type == "text/plain":
        return False
    return bool(
        re.search(
            r"<(?:body|head|title|p|div|h[1-6]|ul|li|article|section|table|meta|script)\b[^<>]{0,300}>",
            body[:20_000],
            re.IGNORECASE,
        )
    ) and (
        bool(
            re.search(
                r"</(?:body|head|title|p|div|h[1-6]|ul|li|article|section|table|script)\s*>",
                body,
                re.IGNORECASE,
            )
        )
    )


def _raw_blocks(text: str) -> Iterator[list[str]]:
    """The lines before each "Read More"; what follows the last one is the page's foot."""
    lines = [plain(line, limit=4000) for line in text.splitlines()]
    closes = is_invitation_line
    if sum(closes(line) for line in lines) == 0:
        lines = [part for line in lines for part in _split_off_invitation(line)]
    block: list[str] = []
    for line in lines:
        if closes(line):
            if block:
                yield block
            block = []
        elif line:
            block.append(line)


def _split_off_invitation(line: str) -> list[str]:
    bare = without_trailing_invitation(line)
    return [bare, "Read more"] if bare != line else [line]


def _understood(lines: list[str], *, now: datetime) -> _Block:
    block = _Block([])
    for line in lines:
        if len(line) <= 100 and _is_about(line, block, now=now):
            continue
        block.lines.append(line)
    block.lines = _unwrapped(block.lines)
    return block


def _is_about(line: str, block: _Block, *, now: datetime) -> bool:
    """Take in a line that only dates, times or signs a teaser."""
    rest = html_dates.without_minutes(html_dates.without_dates(line))
    found = html_dates.find_date(line, now=now)
    byline = _BYLINE.match(
        re.sub(
            r"^[\W_]+|[\W_]+$", "", re.sub(r"^\W*(?:posted|published) on\W*", "", rest, flags=re.IGNORECASE)
        )
    )
    words = re.findall(
        r"\w+",
        re.sub(
            r"\b(?:posted|published|written|on|by|min|read|updated|in|am|le|el|il)\b",
            "",
            rest,
            flags=re.IGNORECASE,
        ),
    )
    if byline is None and (rest == line or len(words) > 1):
        return False
    block.published = block.published or (found.value if found else None)
    block.minutes = block.minutes or html_dates.find_minutes(line)
    block.author = block.author or (plain(byline["name"], limit=120).strip(" ,·|-–—") if byline else "")
    return True


def _unwrapped(lines: list[str]) -> list[str]:
    """Join lines that a program broke in the middle of a sentence."""
    joined: list[str] = []
    for line in lines:
        if (
            joined
            and len(joined[-1]) >= 55
            and not re.search(r"[.!?…:)\"”’»]$", joined[-1])
            and re.match(r"[a-zà-ÿ(–—-]", line)
        ):
            joined[-1] = f"{joined[-1]} {line}"
        else:
            joined.append(line)
    return joined


def _drop_page_head(blocks: list[_Block]) -> None:
    """A page's own title and menu come before its first teaser: keep as many lines as the others have."""
    if len(blocks) < 3:
        return
    usual = Counter(len(b.lines) for b in blocks[1:]).most_common(1)[0][0]
    if len(blocks[0].lines) > usual:
        blocks[0].lines = blocks[0].lines[-usual:]


def _have_titles(blocks: list[_Block]) -> bool:
    return sum(_begins_with_title(b.lines) for b in blocks) * 10 >= len(blocks) * 6


def _begins_with_title(lines: list[str]) -> bool:
    """A short first line without a full stop, with text after it or alone."""
    if not lines or len(lines[0]) > 120 or re.search(r"[.…:;,]$", lines[0]):
        return False
    return len(lines) > 1 and not re.match(r"[a-zà-ÿ]", lines[1])


def _article(block: _Block, *, url: str, has_title: bool) -> FoundArticle | None:
    if has_title:
        title = plain(block.lines[0])
        teaser = teaser_of(as_markup(" ".join(block.lines[1:])[:4000]))
    else:
        title, teaser = titled(" ".join(block.lines))
    if not re.search(r"\w", title):
        return None
    return FoundArticle(
        url=url,
        title=title,
        teaser=teaser,
        published=block.published,
        author=block.author,
        minutes=block.minutes,
        title_is_made=not has_title,
        url_is_shared=True,
    )
