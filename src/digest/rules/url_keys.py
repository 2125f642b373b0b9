"""The parts of a link that identify an article, without those that sites change at random.

Scheme, `www.`, port, letter case, a trailing slash, `.html`, `/index` and
tracking parameters do not make a different article.  For comparison only: the
link in a mail stays as its source gave it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

_TRACKING = re.compile(
    r"^(utm_.*|mc_[ce]id|fbclid|gclid|msclkid|yclid|igshid|_hs(enc|mi)|ref|source|src|via|rss|amp)$"
)
_ENDING = re.compile(r"\.(html?|xhtml|php|aspx?|md)$")
_SLASH_DATE = re.compile(r"(?:^|/)((?:19|20)\d\d)/(\d{1,2})(?:/(\d{1,2}))?(?=/|$)")
_DASH_DATE = re.compile(r"(?:^|/)((?:19|20)\d\d)-(\d\d)(?:-(\d\d))?(?=[-/]|$)")


@dataclass(frozen=True, slots=True)
class UrlKey:
    """The parts of a link that identify an article."""

    host: str  # lower case, without "www."
    path: str  # decoded, case folded, no trailing slash, no ending; with the query that matters
    slug: str  # last segment; empty where the query tells articles apart, or for a home page
    date: str  # the date in the path as "2026-07-20" or "2026-07"; empty where there is none
    fragment: str

    @property
    def address(self) -> str:
        return self.host + self.path


def url_key(url: str) -> UrlKey:
    """Parse a link; never raises, an odd link simply gives little to compare."""
    try:
        parts = urlsplit(url.strip())
        host = (parts.hostname or "").lower()
    except ValueError:
        return UrlKey(host="", path=url.casefold(), slug="", date="", fragment="")
    path = _plain_path(parts.path)
    query = _query_that_matters(parts.query)
    return UrlKey(
        host=host.removeprefix("www."),
        path=f"{path}?{query}" if query else path,
        slug="" if query else path.rsplit("/", 1)[-1],
        date=date_in(path),
        fragment=unquote(parts.fragment).casefold(),
    )


def date_in(path: str) -> str:
    """The date that a path names, as in `/2026/07/20/slug` or `/2026-07-20-slug`."""
    found = _SLASH_DATE.search(path) or _DASH_DATE.search(path)
    if not found:
        return ""
    return "-".join(part.zfill(2) for part in found.groups() if part)


def _plain_path(raw: str) -> str:
    path = re.sub(r"/{2,}", "/", unquote(raw).casefold()).rstrip("/")
    path = _ENDING.sub("", path)
    return path.removesuffix("/index")


def _query_that_matters(query: str) -> str:
    pairs = [(k, v) for k, v in parse_qsl(query, keep_blank_values=True) if not _TRACKING.match(k.lower())]
    return urlencode(sorted(pairs))
