"""The one-click endpoint, tried as a mail service does it (RFC 8058, 3.1 and 3.2; rule 15).

The link is a probe (`rules.unsubscribe_probe`): signed like a real one, and nobody's.  That
the application knows it proves that the request came through to digest with its
form, and that the keys that sign the mails are those that the web application
has.  Nobody's consent is touched, whatever answers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from digest.checks import Finding, Problem, Severity, verdict
from digest.checks.html_tree import is_private
from digest.errors import FetchError
from digest.fetch import Fetcher, HttpAnswer, shown
from digest.fetch.client import REDIRECTS
from digest.rules.unsubscribe_probe import ANSWER

ID = "lu-live"

_SECONDS = 10.0
_MOST = 64 * 1024  # bytes of an answer that are read
_BOUNDARY = "digest-probe-of-one-click"
_FORMS = {
    "application/x-www-form-urlencoded": b"List-Unsubscribe=One-Click",
    f"multipart/form-data; boundary={_BOUNDARY}": (
        f"--{_BOUNDARY}\r\n"
        'Content-Disposition: form-data; name="List-Unsubscribe"\r\n\r\n'
        f"One-Click\r\n--{_BOUNDARY}--\r\n"
    ).encode(),
}
_LOGIN = re.compile(rb"""(?i)<input[^>]{0,200}\btype\s*=\s*["']?password""")


def judge(probe_url: str, *, fetcher: Fetcher) -> tuple[Finding, ...]:
    """Click on the probe in both encodings, then open it.

    `probe_url` stands where unsubscribe links stand, so its host is the owner's
    own and may have a private address; then nothing blocks, because somebody is
    trying digest out.
    """
    severity = Severity.WARN if is_private(urlsplit(probe_url).hostname or "") else Severity.BLOCK
    problems = dict.fromkeys(_problems(probe_url, fetcher=fetcher, severity=severity))
    return tuple(verdict(ID, severity, "One click arrives, and is answered as RFC 8058 wants it.", problems))


def _problems(url: str, *, fetcher: Fetcher, severity: Severity) -> Iterator[Problem]:
    where = url.removesuffix(url.rpartition("/")[2])
    try:
        for content_type, form in _FORMS.items():
            clicked = _asked(url, fetcher=fetcher, method="POST", content=form, content_type=content_type)
            yield from _faults_of_click(clicked, content_type.partition(";")[0], where, severity)
        yield from _faults_of_look(_asked(url, fetcher=fetcher, method="GET"), where, severity)
    except FetchError as error:
        # The token is no secret of anybody's, and yet of no use in a message.
        said = error.message.replace(shown(url), where)
        yield Problem(
            f"Nobody can unsubscribe: {said} Start `digest serve`, and see that {where} leads to it.",
            "List-Unsubscribe",
            severity,
        )


def _asked(
    url: str, *, fetcher: Fetcher, method: str, content: bytes = b"", content_type: str = ""
) -> HttpAnswer:
    return fetcher.ask(
        url,
        method=method,
        content=content,
        content_type=content_type,
        most=_MOST,
        follow=False,
        private_hosts=frozenset({urlsplit(url).hostname or ""}),
        seconds=_SECONDS,
    )


def _faults_of_click(answer: HttpAnswer, encoding: str, where: str, severity: Severity) -> Iterator[Problem]:
    known = 200 <= answer.status < 300 and ANSWER.encode() in answer.body
    if not known:
        yield Problem(f"A click (POST, {encoding}) at {where} {_why(answer)}", "List-Unsubscribe", severity)
    yield from _cookies(answer, where)


def _why(answer: HttpAnswer) -> str:
    """What stands in the way of a click, and what to do."""
    status = answer.status
    if status in REDIRECTS:
        to = shown(answer.headers.get("location", "nowhere"))
        return (
            f"is redirected ({status}) to {to}, which RFC 8058 forbids. "
            "Set site.public_url to the address where it ends, or take the redirect away."
        )
    if status in (401, 407) or _LOGIN.search(answer.body):
        return f"meets a login ({status}). Let /u/ through without one."
    if status == 403:
        return "is turned away (403). Let POST through to /u/ also for programs that are no browsers."
    if status == 404:
        return (
            "leads to nothing (404). Either it is not this digest that answers, or it has other secret keys, "
            "or is older than this one, or the form was lost on the way."
        )
    if status == 405:
        return "is not allowed (405). Let POST through to /u/."
    if status in (400, 411, 413, 415, 422):
        return f"is not understood ({status}). Pass the body of a POST on as it is."
    if status >= 500:
        return f"fails ({status}). The log of `digest serve`, or of the server before it, says why."
    return (
        f"is answered ({status}) by something else than digest: a page that asks for a person, or another "
        "site. Let /u/ through to `digest serve`, and let nothing keep copies of it."
    )


def _faults_of_look(answer: HttpAnswer, where: str, severity: Severity) -> Iterator[Problem]:
    """The same link in a browser: a page of ours, where somebody may press the button."""
    if answer.status != 200 or ANSWER.encode() not in answer.body:
        to = f" to {shown(answer.headers['location'])}" if "location" in answer.headers else ""
        yield Problem(
            f"A link at {where} opens no page of digest: the answer is {answer.status}{to}. "
            "Let GET through to `digest serve`.",
            "List-Unsubscribe",
            severity,
        )
    yield from _cookies(answer, where)


def _cookies(answer: HttpAnswer, where: str) -> Iterator[Problem]:
    """digest sets none here, and nobody who clicks sends one back: something stands in between."""
    if "set-cookie" in answer.headers:
        name = answer.headers["set-cookie"].partition("=")[0][:40]
        yield Problem(
            f"Something before digest sets a cookie (“{name}”) at {where}; one click comes without any. "
            "See that nothing there needs it.",
            "List-Unsubscribe",
            Severity.WARN,
        )
