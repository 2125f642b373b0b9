"""Tries the one-click unsubscribe endpoint the way a mail service does (RFC 8058, 3.1 and 3.2; rule 15).

The link is a probe (`rules.unsubscribe_probe`): signed like a real one, but
it belongs to no subscriber.  If the application recognises it, the request
reached digest with its form intact, and the web application has the keys that
sign the mails.  No subscription changes, whatever the answer.
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
    """Post to the probe in both encodings, then open it.

    `probe_url` has the host of the unsubscribe links, which belongs to the owner
    and may have a private address; then nothing blocks, because somebody is
    trying digest out.
    """
    severity = Severity.WARN if is_private(urlsplit(probe_url).hostname or "") else Severity.BLOCK
    problems = dict.fromkeys(_problems(probe_url, fetcher=fetcher, severity=severity))
    return tuple(verdict(ID, severity, "One-click unsubscribe works as RFC 8058 requires.", problems))


def _problems(url: str, *, fetcher: Fetcher, severity: Severity) -> Iterator[Problem]:
    where = url.removesuffix(url.rpartition("/")[2])
    try:
        for content_type, form in _FORMS.items():
            clicked = _asked(url, fetcher=fetcher, method="POST", content=form, content_type=content_type)
            yield from _faults_of_click(clicked, content_type.partition(";")[0], where, severity)
        yield from _faults_of_look(_asked(url, fetcher=fetcher, method="GET"), where, severity)
    except FetchError as error:
        # The token is not secret, but it is of no use in a message.
        said = error.message.replace(shown(url), where)
        yield Problem(
            f"Nobody can unsubscribe: {said} Start `digest serve`, and make sure that {where} reaches it.",
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
    """Why a click fails, and what to do."""
    status = answer.status
    if status in REDIRECTS:
        to = shown(answer.headers.get("location", "nowhere"))
        return (
            f"is redirected ({status}) to {to}, which RFC 8058 forbids. "
            "Set site.public_url to the final address, or remove the redirect."
        )
    if status in (401, 407) or _LOGIN.search(answer.body):
        return f"meets a login ({status}). Allow access to /u/ without one."
    if status == 403:
        return "is forbidden (403). Allow POST to /u/, also for programs that are not browsers."
    if status == 404:
        return (
            "is not found (404). Either another program answers, or that digest has other secret keys or "
            "is older than this one, or the form was lost on the way."
        )
    if status == 405:
        return "is not allowed (405). Allow POST to /u/."
    if status in (400, 411, 413, 415, 422):
        return f"is not understood ({status}). Forward the body of a POST unchanged."
    if status >= 500:
        return f"fails ({status}). See the log of `digest serve`, or of the server in front of it."
    return (
        f"is answered ({status}) by something other than digest: a page that checks for a human, or another "
        "site. Forward /u/ to `digest serve`, and do not cache it."
    )


def _faults_of_look(answer: HttpAnswer, where: str, severity: Severity) -> Iterator[Problem]:
    """The same link in a browser: it must open digest's page with the unsubscribe button."""
    if answer.status != 200 or ANSWER.encode() not in answer.body:
        to = f" to {shown(answer.headers['location'])}" if "location" in answer.headers else ""
        yield Problem(
            f"A link at {where} does not open a page of digest: the answer is {answer.status}{to}. "
            "Allow GET, and forward it to `digest serve`.",
            "List-Unsubscribe",
            severity,
        )
    yield from _cookies(answer, where)


def _cookies(answer: HttpAnswer, where: str) -> Iterator[Problem]:
    """digest sets no cookie here, so another server in between does; one-click requests carry none."""
    if "set-cookie" in answer.headers:
        name = answer.headers["set-cookie"].partition("=")[0][:40]
        yield Problem(
            f"A server in front of digest sets a cookie (“{name}”) at {where}, but one-click requests "
            "carry none. Make sure that nothing there requires it.",
            "List-Unsubscribe",
            Severity.WARN,
        )
