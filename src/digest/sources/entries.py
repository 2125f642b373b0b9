"""What any format can say about an entry, and the article made from it.

`feed` and `json_feed` read the formats; both produce these entries, so a story
becomes the same article whichever way its site publishes it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from digest.model.article import FoundArticle, Image
from digest.rules.cleaning import (
    absolute_http_url,
    count_minutes,
    first_image,
    first_sentence,
    plain,
    teaser_of,
    text_of_html,
    title_of_html,
    without_tracking,
    words_in_html,
)
from digest.rules.cleaning.pictures import is_heavy, is_picture

FULL_TEXT = 150  # words: shorter content is a summary under another name
MOST_TAGS = 20
_NO_DATE = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What a feed says about itself."""

    title: str = ""
    language: str = ""
    home: str = ""  # the page it belongs to; absolute or empty


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry as its format gives it, still untrusted and uncleaned."""

    links: tuple[str, ...] = ()  # candidates, best first; possibly relative
    base: str = ""  # what relative addresses are resolved against
    guid: str = ""
    title: str = ""  # HTML, or text that looks like it
    summary: str = ""  # HTML
    content: str = ""  # HTML
    published: datetime | None = None
    authors: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    images: tuple[Image, ...] = ()  # candidates, best first; addresses possibly relative
    language: str = ""


def articles_of(
    entries: Iterable[Entry], *, home: str, language: str
) -> tuple[tuple[FoundArticle, ...], tuple[str, ...]]:
    """The articles of a feed, newest first, and a message for every entry that cannot be one.

    `home` is the page that the feed belongs to, `language` the feed's own.
    If dates are missing, the feed's order is kept.
    """
    found: list[FoundArticle] = []
    skipped: list[str] = []
    for entry in entries:
        article = article_of(entry, language=language)
        if isinstance(article, FoundArticle):
            found.append(article)
        else:
            skipped.append(article)

    unique = _without_repetitions(_with_shared_links(found, home), skipped)
    if all(article.published for article in unique):
        unique.sort(key=lambda article: article.published or _NO_DATE, reverse=True)
    return tuple(unique), tuple(skipped)


def article_of(entry: Entry, *, language: str) -> FoundArticle | str:
    """The article of an entry, or a message that says why it cannot be one."""
    title, is_made = _title(entry)
    url = _link(entry)
    if not title:
        name = url or plain(entry.guid, limit=120) or "(without link)"
        return f"The entry {name} has neither a title nor text."
    if not url:
        return f"“{plain(title, limit=120)}” has no link to a web page."
    return FoundArticle(
        url=url,
        title=title,
        teaser=teaser_of(entry.summary) or teaser_of(entry.content),
        guid=plain(entry.guid, limit=1000),
        author=_names(entry.authors),
        published=entry.published,
        image=_image(entry),
        tags=_tags(entry.tags),
        language=language_tag(entry.language) or language,
        minutes=_minutes(entry),
        title_is_made=is_made,
    )


def _title(entry: Entry) -> tuple[str, bool]:
    """The entry's own title, or one made from its text."""
    if title := title_of_html(entry.title):
        return title, False
    text = teaser_of(entry.summary) or teaser_of(entry.content)
    return first_sentence(text), True


def _link(entry: Entry) -> str:
    for link in entry.links:
        if url := absolute_http_url(link, entry.base):
            return without_tracking(url)
    return ""


def _names(authors: Sequence[str]) -> str:
    """“A”, “A and B”, “A, B and C”; an email address is not printed as a name."""
    cleaned = (text_of_html(author, limit=100) for author in authors)
    names = list(dict.fromkeys(name for name in cleaned if name and not re.fullmatch(r"\S+@\S+", name)))
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _tags(tags: Iterable[str]) -> tuple[str, ...]:
    unique: dict[str, str] = {}
    for tag in tags:
        if text := text_of_html(tag, limit=80):
            unique.setdefault(text.casefold(), text)
    return tuple(unique.values())[:MOST_TAGS]


def _image(entry: Entry) -> Image | None:
    """The entry's first picture that is small enough for a mail, or the first one in its text.

    A heavy picture is better than none: digest may make a smaller copy.
    """
    named = [replace(i, url=absolute_http_url(i.url, entry.base)) for i in entry.images]
    pictures = sorted(filter(is_picture, named), key=lambda image: is_heavy(image.file_size))
    if pictures:
        return replace(pictures[0], alt=text_of_html(pictures[0].alt, limit=300))
    return first_image(entry.content, entry.base) or first_image(entry.summary, entry.base)


def language_tag(text: str) -> str:
    """A language tag in its usual spelling (BCP 47): en, pt-BR, zh-Hans; "" for anything else."""
    tag = text.strip().replace("_", "-")
    if len(tag) > 35 or not re.fullmatch(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*", tag):
        return ""
    first, *rest = tag.split("-")
    spelled = {2: str.upper, 4: str.title}
    return "-".join([first.lower(), *(spelled.get(len(part), str.lower)(part) for part in rest)])


def _minutes(entry: Entry) -> int | None:
    """Reading time, if the feed has the full text."""
    content = entry.content if len(entry.content) >= len(entry.summary) else entry.summary
    if len(content) < FULL_TEXT * 2:
        return None
    words = words_in_html(content)
    is_cut = text_of_html(content[-300:]).endswith(("…", "...", "[…]", "[...]"))
    return count_minutes(words) if words > FULL_TEXT and not is_cut else None


def _with_shared_links(found: Sequence[FoundArticle], home: str) -> list[FoundArticle]:
    """Mark articles whose link is shared, so that it does not tell them apart.

    A link is shared if several entries use the feed's home page, or three use any page.
    """
    uses = Counter(article.url for article in found)
    homes = {home, home.rstrip("/"), home.rstrip("/") + "/"} if home else set()
    return [
        replace(article, url_is_shared=True)
        if uses[article.url] > 2 or (uses[article.url] > 1 and article.url in homes)
        else article
        for article in found
    ]


def _without_repetitions(found: Iterable[FoundArticle], skipped: list[str]) -> list[FoundArticle]:
    unique: dict[tuple[str, str, str], FoundArticle] = {}
    for article in found:
        text = article.title if not article.url_is_shared else f"{article.title} {article.teaser}"
        key = (article.guid, article.url, text)
        if key in unique:
            skipped.append(f"“{plain(article.title, limit=120)}” appears in the feed more than once.")
        unique.setdefault(key, article)
    return list(unique.values())
