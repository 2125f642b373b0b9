"""Links from outside: made absolute and printable, or rejected."""

from __future__ import annotations

import re
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

LONGEST = 4000  # characters; beyond that mail programs cut links

_FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_NO_AUTHORITY = re.compile(r"(?i)https?:(?!//[^/])")
_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?\.?|\[[0-9a-f:.]{2,45}\]")
_TRACKING = re.compile(r"(?i)utm_\w+|fbclid|gclid|mc_cid|mc_eid")


def absolute_http_url(url: str, base: str) -> str:
    """An absolute http(s) URL in plain ASCII, or "" if there is none.

    Other schemes, control characters, credentials and impossible hosts are
    rejected.  Spaces and other characters that no URL may hold are percent-encoded,
    host names become A-labels (RFC 5891).
    """
    text = url.strip()
    if not text or _FORBIDDEN.search(text) or _NO_AUTHORITY.match(text):
        return ""
    try:
        parts = urlsplit(urljoin(base.strip(), text))
        port = parts.port
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or "@" in parts.netloc:
        return ""
    host = _ascii_host(parts.netloc)
    if not host or port == 0:
        return ""
    path = quote(parts.path, safe="/%:@!$&'()*+,;=~-._")
    query = quote(parts.query, safe="/%:@!$&'()*+,;=~-._?[]")
    fragment = quote(parts.fragment, safe="/%:@!$&'()*+,;=~-._?")
    absolute = urlunsplit((parts.scheme, host, path, query, fragment))
    return absolute if len(absolute) <= LONGEST else ""


def _ascii_host(netloc: str) -> str:
    """Host and port in A-label form, lower case; "" for what cannot be a host."""
    host, port = netloc.lower(), ""
    if match := re.search(r":(\d*)$", host):
        host, port = host[: match.start()], match[0] if match[1] else ""
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError:
            return ""
    if not _HOST.fullmatch(host) or ".." in host:
        return ""
    return host + port


def without_tracking(url: str) -> str:
    """The URL without parameters that only tell where a reader came from; the rest stays as written."""
    address, hash_mark, fragment = url.partition("#")
    head, question, query = address.partition("?")
    if not question:
        return url
    kept = [pair for pair in query.split("&") if not _TRACKING.fullmatch(pair.partition("=")[0])]
    return head + ("?" if kept else "") + "&".join(kept) + hash_mark + fragment
