"""Follows links: does anything answer?

`checks.links` checks offline whether an address is well-formed and public.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from urllib.parse import urlsplit

from digest.checks import Finding, Message, Problem, Severity, verdict
from digest.checks.html_tree import attribute, elements, story_of
from digest.errors import FetchError, Refused
from digest.external_checks.polite_requests import Outcome, PoliteClient, ask_all
from digest.fetch import HttpAnswer, shown

ID = "link-live"
MOST = 100  # the most addresses of one message that are requested

_IN_TEXT = re.compile(r"https?://[^\s<>\"“”«»]+", re.IGNORECASE)
# Servers that do not support HEAD, or take its sender for a robot, answer like this and may accept a GET.
# 404 and 500 are tried again too: calling a working page gone is worse than asking twice.
_ASK_AGAIN = frozenset({400, 403, 404, 405, 406, 500, 501})
_GONE = frozenset({404, 410})
# What sites answer to suspected robots; 999 is LinkedIn's.
_GUARDED = frozenset({401, 403, 429, 999})
_WORST_FIRST = (Severity.BLOCK, Severity.WARN, Severity.INFO)


def judge(message: Message, *, web: PoliteClient, leave_out: Collection[str] = ()) -> tuple[Finding, ...]:
    """Request every address of both bodies once.

    `leave_out` are addresses of the issue itself, which work only once it is sent,
    or which `endpoint` checks.
    """
    places = {url: where for url, where in places_of(message).items() if url not in leave_out}
    asked = list(places)[:MOST]

    def ask(url: str, seconds: float) -> HttpAnswer:
        return _answer(url, seconds, web=web)

    outcomes = ask_all(asked, ask, web=web, what="links")
    problems = [
        problem._replace(where=places[url]) for url in asked for problem in _problems(url, outcomes[url])
    ]
    problems.sort(key=lambda problem: _WORST_FIRST.index(problem.severity or Severity.WARN))
    problems += _not_looked_at(over=len(places) - len(asked), late=list(outcomes.values()).count(None))
    return tuple(verdict(ID, Severity.WARN, _fine(len(asked)), problems))


def places_of(message: Message) -> dict[str, str]:
    """Every web address in the HTML and the text, as it is requested, and the story it belongs to."""
    places: dict[str, str] = {}
    for link in elements(message.html, "a[href], area[href]"):
        if url := _asked_for(attribute(link, "href") or ""):
            places.setdefault(url, story_of(message.html, link))
    for found in _IN_TEXT.findall(message.text):
        # An address may really end in punctuation; then the HTML has it that way.
        url = _asked_for(found)
        if url and url not in places:
            places.setdefault(_asked_for(_without_sentence_end(found)), "")
    places.pop("", None)
    return places


def _asked_for(href: str) -> str:
    """Without the fragment, which is not sent; empty if it is not a web address."""
    url = href.strip().partition("#")[0]
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return url if parts.scheme in ("http", "https") and parts.hostname else ""


def _without_sentence_end(url: str) -> str:
    url = url.rstrip(".,;:!?'*_")
    if url.endswith(")") and url.count("(") < url.count(")"):
        return _without_sentence_end(url[:-1])
    return url


def _answer(url: str, seconds: float, *, web: PoliteClient) -> HttpAnswer:
    answer = web.ask(url, method="HEAD", seconds=seconds)
    return web.ask(url, method="GET", seconds=seconds) if answer.status in _ASK_AGAIN else answer


def _problems(url: str, outcome: Outcome) -> Iterator[Problem]:
    if isinstance(outcome, Refused):
        yield Problem(f"A link was not followed: {outcome.message}")
    elif isinstance(outcome, FetchError):
        yield Problem(f"A link does not answer: {outcome.message}")
    elif outcome is not None:
        yield from _faults(url, outcome)


def _faults(url: str, answer: HttpAnswer) -> Iterator[Problem]:
    name, status = shown(url), answer.status
    if status in _GONE:
        yield Problem(f"A link is broken ({status}): {name}. Fix the address, or remove the story.")
    elif status in _GUARDED:
        yield Problem(f"A link refuses digest ({status}): {name}. Check in a browser whether it opens.")
    elif status >= 400:
        yield Problem(f"A link fails ({status}): {name}. Try it again later.")
    elif answer.url != url and not _is_same(url, answer.url):
        how = "has moved permanently" if answer.moved_for_good else "redirects"
        yield Problem(f"A link {how}: {name} → {shown(answer.url)}", severity=Severity.INFO)


def _is_same(one: str, other: str) -> bool:
    """Two spellings of one address: an empty path, capitals in the host."""
    first, second = urlsplit(one), urlsplit(other)
    return (
        first.scheme == second.scheme
        and first.netloc.rpartition("@")[2].lower() == second.netloc.lower()
        and (first.path or "/", first.query) == (second.path or "/", second.query)
    )


def _not_looked_at(*, over: int, late: int) -> Iterator[Problem]:
    if over:
        yield Problem(
            f"{over} more links were not checked: digest requests at most {MOST} addresses.",
            severity=Severity.INFO,
        )
    if late:
        yield Problem(
            f"{late} links were not checked: time ran out, or their site failed to answer too often. "
            "Run the check again.",
            severity=Severity.INFO,
        )


def _fine(count: int) -> str:
    return "Every link answers." if count else "There are no links to follow."
