"""Every error that digest raises on purpose, and who must act on it.

    DigestError
    ├── SettingsError        the operator: digest.toml or the environment is wrong
    ├── NotFound             the caller: no such newsletter, issue, article or subscriber
    ├── SourceError          the operator, later: one source could not be read
    │   └── FetchError       an address could not be fetched
    │       ├── Refused      an address that the guard does not allow
    │       └── TooLarge     what is there has more bytes than the caller takes
    ├── TemplateError        the owner of the template: it does not load or render
    ├── StorageError         the operator: the database is unusable
    │   └── NewerDatabase    the operator: the database belongs to a newer digest
    ├── NotAllowed           an editor: the issue is not in a state for this action
    │   └── Busy             nobody: another process is doing it at this moment
    └── TransportError       time or the operator: nothing of the batch was submitted
        └── TransportDown    time: the server cannot be reached, or says "later" to everything

An error says what is wrong, with which thing, and what to do.  Exit codes and
HTTP codes are chosen by the doors (`cli`, `web`), never here.  Anything else
that is raised is a bug and flies.
"""

from __future__ import annotations


class DigestError(Exception):
    """The root.  `mend` is one sentence that says what to do, or empty."""

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
    """There is no such newsletter, issue, article or subscriber."""


class SourceError(DigestError):
    """A source could not be read; the others are not affected."""


class FetchError(SourceError):
    """An address could not be fetched.  `url` has no credentials in it."""

    def __init__(self, message: str, *, url: str = "", status: int | None = None, mend: str = "") -> None:
        super().__init__(message, mend=mend)
        self.url = url
        self.status = status


class Refused(FetchError):
    """The guard refuses this address: private, not http(s), or a port that is not allowed."""


class TooLarge(FetchError):
    """The answer has more bytes than the caller takes."""


class TemplateError(DigestError):
    """A template does not load or render; the message names file and line."""


class StorageError(DigestError):
    """The database cannot be used."""


class NewerDatabase(StorageError):
    """The database was written by a newer digest, which this one must not touch."""


class NotAllowed(DigestError):
    """The thing is not in a state in which this can be done."""


class Busy(NotAllowed):
    """Another process is doing this at the moment."""


class TransportError(DigestError):
    """Nothing of the current batch was submitted: sending it again later is safe."""


class TransportDown(TransportError):
    """The server cannot be reached, refuses the login, or turns everything away."""
