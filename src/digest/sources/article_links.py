"""Decides by their address alone which links of a page can lead to articles.

A link that leads to a tag, an author, a page number, a feed, a share dialogue or
back to the page itself is never one.  `cards` judges position and text of links.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, unquote, urlsplit

from digest.rules.cleaning import without_tracking
from digest.sources.page_tree import Element, Page

_ARCHIVES = frozenset(
    "tag tags tagged label labels category categories cat topic topics author authors autor autoren auteur "
    "contributors archive archives archiv series serie schlagwort kategorie kategorien thema themen etiqueta "
    "etiquetas categoria categorias mot-cle".split()
)
_NOT_ARTICLES = frozenset(
    "about about-us contact contact-us kontakt impressum imprint privacy privacy-policy datenschutz terms "
    "terms-of-service terms-of-use legal cookies cookie-policy search login log-in signin sign-in "
    "signup sign-up register subscribe newsletter feed feeds rss atom rss2 sitemap careers jobs pricing "
    "index home "
    "blog posts articles news page accessibility code-of-conduct donate all".split()
)
_FILES = re.compile(
    r"\.(xml|rss|atom|json|zip|gz|tgz|xz|exe|dmg|png|jpe?g|gif|svg|webp|avif|ico|mp[34]|webm|css|js|ics|txt"
    r"|asc|sig)$"
)
_FEED_PATH = re.compile(r"/(feed|rss|atom)2?/?$|/feeds?/[^/]*$")
_SHARE = re.compile(
    r"//(www\.)?(twitter\.com/(intent|share)|x\.com/(intent|share)|facebook\.com/(sharer|share|dialog)"
    r"|linkedin\.com/(share|sharing)|reddit\.com/submit|news\.ycombinator\.com/submit"
    r"|pinterest\.[a-z.]+/pin/create|t\.me/share|wa\.me/|api\.whatsapp\.com|bsky\.app/intent|getpocket\.com"
    r"|tumblr\.com/(share|widgets)|mastodonshare\.com|telegram\.me/share"
    r"|(plus\.)?google\.com/(share|calendar)|xing\.com/(spi|app)|buffer\.com/add)",
    re.IGNORECASE,
)
# Parameters that select a list, or another view of the same page.
_LIST_PARAMETERS = frozenset(
    "page paged pg start offset sort order orderby lang locale hl tag tags category cat author s q "
    "query search format view filter topic month year m from ref_src".split()
)
_NEVER_PARAMETERS = frozenset("replytocom share feed print returnto redirect_to".split())
_COMMENT_FRAGMENT = re.compile(
    r"(comments?|respond|disqus_thread|reply|comment-\d+|komment\w*)$", re.IGNORECASE
)
_BLOG_SEGMENT = re.compile(
    r"^(blog|blogs|posts?|articles?|news|stor(y|ies)|insights?|writing|journal|artikel|beitrag|beitraege"
    r"|actualites?|noticias?|notizie|updates?|essays?|weblog|entry|entries|p|releases?|changelog|press"
    r"|magazine|notes?|engineering)$"
)
_WEAK_PATH = re.compile(
    r"^(docs?|documentation|products?|features?|solutions?|services?|pricing|support|help|downloads?|api"
    r"|reference|guides?|learn|courses?|wiki|shop|store|people|team|users?|profile|projects?|portfolio"
    r"|integrations?|plugins?|customers|company|platform|use-cases|tutorials?|examples?|settings|account"
    r"|community|partners?|legal)$"
)
_DATE = re.compile(r"/((?:19|20)\d{2})[/-](\d{1,2})[/-](\d{1,2})(?=[/_.-])")


@dataclass(frozen=True, slots=True)
class Link:
    """An anchor of a page that may lead to an article."""

    anchor: Element
    url: str  # absolute, without tracking


@dataclass(frozen=True, slots=True)
class PageLocation:
    """Where a page is, as its links see it."""

    url: str
    hosts: frozenset[str]  # all under which the site calls itself
    itself: frozenset[str]  # all addresses of this very page

    def is_own(self, url: str) -> bool:
        return site_of(urlsplit(url).hostname or "") in self.hosts


def location_of(page: Page) -> PageLocation:
    """The page's own address, and the hosts that it names as its own: canonical link, feeds, base."""
    addresses, itself = [page.url, page.base], {page.url}
    for element in page.elements:
        said = element.attributes
        relations = said.get("rel", "").lower().split()
        if element.tag == "link" and ("canonical" in relations or "alternate" in relations):
            addresses.append(page.absolute(said.get("href", "")))
            itself |= {addresses[-1]} - {""} if "canonical" in relations else set()
        elif element.tag == "meta" and said.get("property", "").lower() == "og:url":
            addresses.append(page.absolute(said.get("content", "")))
    hosts = {site_of(urlsplit(address).hostname or "") for address in addresses if address}
    return PageLocation(page.url, frozenset(hosts), frozenset(itself))


def site_of(host: str) -> str:
    """The registrable part of a host name, nearly: two labels, three under co.uk and its like."""
    labels = host.lower().rstrip(".").split(".")
    if len(labels) <= 2 or all(label.isdigit() for label in labels):
        return ".".join(labels)
    shared = {"co", "com", "org", "net", "ac", "gov", "edu", "ne", "or", "gob", "github", "gitlab", "netlify"}
    if labels[-2] in shared and (len(labels[-1]) == 2 or labels[-1] in {"io", "app"}):
        return ".".join(labels[-3:])
    return ".".join(labels[-2:])


def usable_links(page: Page, location: PageLocation) -> list[Link]:
    """Every anchor whose address may be an article's, in document order."""
    links = []
    for element in page.elements:
        if element.tag != "a" or not element.attributes.get("href"):
            continue
        url = article_address(page, location, element)
        if url:
            links.append(Link(element, url))
    return links


def article_address(page: Page, location: PageLocation, anchor: Element) -> str:
    """The address that an anchor leads to, or empty where no article can be there."""
    href = anchor.attributes.get("href", "").strip()
    relations = set(anchor.attributes.get("rel", "").lower().split())
    if not href or href.startswith("#") or relations & _LIST_RELATIONS or "download" in anchor.attributes:
        return ""
    url = page.absolute(href)
    if not url:
        return ""
    url = without_tracking(url)
    return "" if _is_no_article(url, location) else url


_LIST_RELATIONS = frozenset(
    {"tag", "author", "category", "next", "prev", "me", "license", "sponsored", "search"}
)


def in_page_address(page: Page, anchor: Element) -> str:
    """The address with fragment of an anchor that leads to a place on its own page, or empty."""
    url = page.absolute(anchor.attributes.get("href", ""))
    fragment = urlsplit(url).fragment
    if not fragment or _plain(url) != _plain(page.url) or _COMMENT_FRAGMENT.search(fragment):
        return ""
    return url


def same_page(one: str, other: str) -> bool:
    return _plain(one) == _plain(other)


def is_comment_link(url: str) -> bool:
    return bool(_COMMENT_FRAGMENT.search(urlsplit(url).fragment))


def is_archive(url: str) -> bool:
    """Whether an address is a list of a tag, category, author, year or page number."""
    parts = urlsplit(url)
    segments = [s for s in unquote(parts.path).lower().split("/") if s]
    if not segments:
        return False
    if len(segments) > 1 and segments[-2] in _ARCHIVES:
        return not _is_kept_in_archive(segments[-2], segments[-1])
    if segments[-1].removesuffix(".html") in _ARCHIVES or _is_page_number(segments):
        return True
    return bool(re.search(r"(^|/)(19|20)\d{2}(/\d{1,2}){0,2}$", "/".join(segments)))


def _is_kept_in_archive(folder: str, name: str) -> bool:
    """`/archives/000123.html`, `/archives/a-tale-of-two-cities`: there some blogs keep their posts.

    The archive of a year, a month or a page number is a list all the same.
    """
    if folder not in {"archive", "archives"}:
        return False
    words = re.findall(r"[^\W_]+", re.sub(r"\.(html?|php)$", "", name))
    if len(words) == 1 and words[0].isdigit():
        return len(words[0]) > 4 or (len(words[0]) != 4 and name != words[0])
    return len(words) >= 3 and not all(word.isdigit() for word in words)


def is_blog_like(url: str) -> bool:
    """Whether a segment of the path says that posts live there."""
    return any(_BLOG_SEGMENT.match(s) for s in urlsplit(url).path.lower().split("/")[1:-1])


def is_unlikely(url: str) -> bool:
    """Whether the path says product, documentation, people: pages that look like cards and are no posts."""
    segments = [s for s in urlsplit(url).path.lower().split("/") if s]
    return any(_WEAK_PATH.match(s) for s in segments[:-1]) and not is_blog_like(url)


def date_of(url: str, *, now: datetime) -> datetime | None:
    """The day that a path names in full: /2024/05/01/title."""
    found = _DATE.search(urlsplit(url).path)
    if not found:
        return None
    try:
        day = datetime(int(found[1]), int(found[2]), int(found[3]), tzinfo=UTC)
    except ValueError:
        return None
    return day if day <= now + timedelta(days=366) else None


def shape_of(url: str) -> str:
    """Host and path with everything that differs from article to article taken out: `/blog/0/0/*`."""
    parts = urlsplit(url)
    segments = [s for s in parts.path.split("/") if s]
    dull = ["0" if s.isdigit() else s.lower() for s in segments[:-1]]
    keys = ",".join(sorted(name for name, _ in parse_qsl(parts.query)))
    return f"{site_of(parts.hostname or '')}/{'/'.join(dull)}/*?{keys}"


def is_blog_page(url: str) -> bool:
    """Whether a page calls itself the list: its address ends in /blog/, /news, /posts/index.html."""
    segments = [s for s in urlsplit(url).path.lower().split("/") if s]
    if segments and re.fullmatch(r"index\.\w{2,5}", segments[-1]):
        segments.pop()
    return bool(segments) and bool(_BLOG_SEGMENT.match(re.sub(r"\.\w{2,5}$", "", segments[-1])))


def has_slug(url: str) -> bool:
    """Whether the last segment reads like a headline: three words or more, or a number of three digits."""
    last = unquote(re.sub(r"/index\.\w{2,5}$", "", urlsplit(url).path).rstrip("/").rpartition("/")[2])
    last = re.sub(r"\.(html?|php|md)$", "", last)
    return len(re.findall(r"[^\W_]+", last)) >= 3 or bool(re.fullmatch(r"\d{3,}", last))


def _is_no_article(url: str, location: PageLocation) -> bool:
    parts = urlsplit(url)
    path = unquote(parts.path).lower()
    if any(same_page(url, own) for own in location.itself):
        return True
    if _SHARE.search(url) or _FILES.search(path) or _FEED_PATH.search(path) or is_archive(url):
        return True
    names = {name.lower() for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    if names & _NEVER_PARAMETERS or (names & _LIST_PARAMETERS and _is_root_or_page(path, location)):
        return True
    segments = [s for s in path.split("/") if s]
    if segments and re.fullmatch(r"index\.\w{2,5}|default\.aspx?", segments[-1]):
        segments.pop()
    if not segments:
        return not (names - _LIST_PARAMETERS)
    if re.fullmatch(r"[a-z]{2}(-[a-z]{2})?", segments[-1]) and len(segments) == 1:
        return True  # a language: /de, /pt-br
    return not parts.query and re.sub(r"\.\w{2,5}$", "", segments[-1]) in _NOT_ARTICLES


def _is_root_or_page(path: str, location: PageLocation) -> bool:
    """List parameters only mean a list where the path does not already name something else."""
    return path.rstrip("/") in {"", urlsplit(location.url).path.lower().rstrip("/")}


def _is_page_number(segments: list[str]) -> bool:
    last = segments[-1]
    if re.fullmatch(r"(page|p|seite|pagina)[-_]?\d{1,4}(\.html?)?", last) and not re.fullmatch(r"p\d+", last):
        return True
    return len(segments) > 1 and last.isdigit() and segments[-2] in {"page", "pages", "seite", "pagina"}


def _plain(url: str) -> tuple[str, str, str]:
    parts = urlsplit(url)
    path = re.sub(r"/(index\.\w{2,4})?$", "", unquote(parts.path)) or ""
    return (parts.hostname or "").removeprefix("www."), path.lower(), parts.query
