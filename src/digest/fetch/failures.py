"""What can go wrong with a request: messages that name the address and say what to do."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import httpcore2
import httpx2

from digest.errors import FetchError, Refused, TooLarge
from digest.fetch.body import EncodingError, SizeError


def shown(url: str | httpx2.URL) -> str:
    """An address that is safe to print: no credentials, no control characters, at most 200 characters."""
    text = re.sub(r"[\x00-\x20\x7f-\x9f]", "", str(url))
    text = re.sub(r"^([A-Za-z][\w+.-]*:)?//[^/?#]*@", r"\1//", text)
    text = re.sub(r"(?i)([?&;][^=&#]*(?:token|key|secret|passw|auth|sig)[^=&#]*=)[^&#]*", r"\1…", text)
    return text if len(text) <= 200 else text[:199] + "…"


@contextmanager
def translated(url: httpx2.URL) -> Iterator[None]:
    """Turn every library exception of a request into a FetchError that names the address."""
    name = shown(url)
    try:
        yield
    except Refused as error:
        raise Refused(f"{name} is refused: {error.message}", url=name, mend=error.mend) from error
    except FetchError as error:
        if error.url:
            raise
        raise FetchError(f"{name} cannot be fetched: {error.message}", url=name, mend=error.mend) from error
    except SizeError as error:
        raise TooLarge(
            f"{name} is too large (limit {_size(error.limit)}).", url=name, mend=TOO_LARGE
        ) from error
    except EncodingError as error:
        raise FetchError(f"{name} {error}.", url=name) from error
    except httpcore2.ConnectTimeout as error:
        raise FetchError(
            f"{name} cannot be reached: the connection timed out.", url=name, mend=TRY_LATER
        ) from error
    except httpcore2.TimeoutException as error:
        raise FetchError(f"{name} did not answer in time.", url=name, mend=TRY_LATER) from error
    except (httpcore2.NetworkError, OSError) as error:
        raise _network_failure(name, error) from error
    except httpcore2.ProtocolError as error:
        raise FetchError(f"{name} sent a broken HTTP response: {error}.", url=name) from error


def _size(limit: int) -> str:
    return f"{limit // 2**20} MB" if limit >= 2**20 else f"{limit} bytes"


TOO_LARGE = "Reduce the number of entries that the site shows, or check the address."
TRY_LATER = "digest will try again in the next round."


def _network_failure(name: str, error: Exception) -> FetchError:
    cause = _root(error)
    if isinstance(cause, ssl.SSLCertVerificationError):
        why = (cause.verify_message or "it cannot be verified").rstrip(".")
        return FetchError(
            f"The certificate of {name} is not valid: {why}.",
            url=name,
            mend="Ask the site's owner to renew it, or check the clock of this machine.",
        )
    if isinstance(cause, ssl.SSLError):
        return FetchError(f"{name} cannot be reached securely: {cause.reason or cause}.", url=name)
    if isinstance(cause, ConnectionRefusedError):
        return FetchError(f"{name} refuses connections.", url=name, mend=TRY_LATER)
    return FetchError(f"The connection to {name} failed: {error}.", url=name, mend=TRY_LATER)


def _root(error: BaseException) -> BaseException:
    """The original cause: the HTTP library wraps the operating system's error and hides the chain."""
    for _ in range(10):
        error = error.__cause__ or error.__context__ or error
    return error


def status_sentence(status: int, wait: float | None) -> tuple[str, str]:
    """What a status means, and what to do about it."""
    if wait is not None:
        return "asks digest to come back later", f"digest will wait {duration(wait)} before it asks again."
    return STATUS_SENTENCES.get(status) or _class_sentence(status)


STATUS_SENTENCES = {
    401: ("requires a login", "Check the credentials of the source."),
    403: ("refuses access", "The site may block robots; ask its owner to allow digest."),
    404: ("does not exist", "Check the address: it may have moved."),
    406: ("offers no format that digest reads", "Check the address."),
    410: ("is gone permanently", "Remove the source, or find its new address."),
    429: ("asks digest to come back later", TRY_LATER),
    503: ("is temporarily unavailable", TRY_LATER),
}


def _class_sentence(status: int) -> tuple[str, str]:
    if status >= 500:
        return "failed with a server error", TRY_LATER
    if 300 <= status < 400:
        return "redirects without a target", "Check the address."
    return "could not be fetched", "Check the address."


def duration(seconds: float) -> str:
    if seconds < 120:
        return f"{max(1, round(seconds))} seconds"
    return f"{round(seconds / 60)} minutes" if seconds < 7200 else f"{round(seconds / 3600)} hours"
