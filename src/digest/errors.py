"""Every error that digest raises on purpose, and who must act on it.

    DigestError
    ├── SettingsError        the operator: digest.toml or the environment is wrong
    ├── NotFound             the caller: no such newsletter, issue, article or subscriber
    ├── SourceError          the operator, later: one source could not be read
    │   └── FetchError       a URL could not be fetched
    │       ├── Refused      the guard does not allow the URL
    │       └── TooLarge     the response exceeds the caller's limit
    ├── TemplateError        the owner of the template: it does not load or render
    ├── StorageError         the operator: the database is unusable
    │   └── NewerDatabase    the operator: the database belongs to a newer digest
    ├── NotAllowed           an editor: the issue's state does not allow this action
    │   └── Busy             no one: another process is doing it right now
    └── TransportError       time or the operator: nothing of the batch was submitted
        └── TransportDown    time: the server cannot be reached, or defers everything

An error says what happened, to which thing, and what to do.  Exit codes and
HTTP status codes are chosen by `cli` and `web`, never here.  Any other exception
is a bug and is not caught.
"""

from __future__ import annotations


class DigestError(Exception):
    """The root of all errors.  `mend` is one sentence that says how to fix the problem, or empty."""

    def __init__(self, message: str, *, mend: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.mend = mend

    def __str__(self) -> str:
        return f"{self.message} {self.mend}".rstrip()


class SettingsError(DigestError):
    """One or more settings are wrong; `findings` holds a line for each."""

    def __init__(self, message: str, *, findings: tuple[str, ...] = (), mend: str = "") -> None:
        super().__init__(message, mend=mend)
        self.findings = findings


class NotFound(DigestError):
    """No such newsletter, issue, article or subscriber."""


class SourceError(DigestError):
    """A source could not be read; the others are not affected."""


class FetchError(SourceError):
    """A URL could not be fetched.  `url` contains no credentials."""

    def __init__(self, message: str, *, url: str = "", status: int | None = None, mend: str = "") -> None:
        super().__init__(message, mend=mend)
        self.url = url
        self.status = status


class Refused(FetchError):
    """The guard does not allow this URL: a private address, not http(s), or a forbidden port."""


class TooLarge(FetchError):
    """The response has more bytes than the caller accepts."""


class TemplateError(DigestError):
    """A template does not load or render; the message names the file and line."""


class StorageError(DigestError):
    """The database cannot be used."""


class NewerDatabase(StorageError):
    """The database was written by a newer digest, so this one must not touch it."""


class NotAllowed(DigestError):
    """The current state of the thing does not allow this action."""


class Busy(NotAllowed):
    """Another process is doing this right now."""


class TransportError(DigestError):
    """Nothing of the current batch was submitted, so it is safe to send it again later."""


class TransportDown(TransportError):
    """The server cannot be reached, refuses the login or rejects everything."""
