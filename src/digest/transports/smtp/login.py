"""Connects to an SMTP server: greeting, encryption and login, all with `smtplib`.

Everything after the login is in `session`.  A failure here happens before any
message is sent, so it is a `TransportDown` with a sentence that says what to do.
"""

from __future__ import annotations

import base64
import smtplib
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from digest.errors import TransportDown
from digest.transports.smtp.wire import printable, reason

Security = Literal["starttls", "tls", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Where to connect and how to log in."""

    host: str
    port: int
    security: Security
    username: str
    password: str = field(repr=False)
    timeout: float
    helo_name: str | None
    ca_file: Path | None

    @property
    def place(self) -> str:
        return f"{self.host}:{self.port}"


def connect(account: Credentials) -> smtplib.SMTP:
    """A connection, secured and logged in as `account` says.

    Raises:
        TransportDown: what went wrong, without any credentials.
    """
    smtp: smtplib.SMTP | None = None
    try:
        smtp = _greeted(account)
        _secure(smtp, account)
        _log_in(smtp, account)
    except BaseException as error:
        if smtp is not None:
            smtp.close()
        if isinstance(error, OSError | smtplib.SMTPException):
            # "from None": the library's exception can hold what was sent.
            raise _down(account, error) from None
        raise
    return smtp


def _greeted(account: Credentials) -> smtplib.SMTP:
    smtp: smtplib.SMTP
    if account.security == "tls":
        smtp = smtplib.SMTP_SSL(
            account.host,
            account.port,
            local_hostname=account.helo_name,
            timeout=account.timeout,
            context=_tls(account),
        )
    else:
        smtp = smtplib.SMTP(
            account.host, account.port, local_hostname=account.helo_name, timeout=account.timeout
        )
    smtp.ehlo_or_helo_if_needed()
    return smtp


def _secure(smtp: smtplib.SMTP, account: Credentials) -> None:
    """STARTTLS if the settings ask for it; never continues without it."""
    if account.security != "starttls":
        return
    if not smtp.has_extn("starttls"):
        raise TransportDown(
            f"{account.place} does not offer STARTTLS, and nothing is sent unencrypted.",
            mend='Use another port, or set security = "tls" or, inside one machine, "none".',
        )
    smtp.starttls(context=_tls(account))
    smtp.ehlo_or_helo_if_needed()


def _log_in(smtp: smtplib.SMTP, account: Credentials) -> None:
    if account.username:
        smtp.login(account.username, account.password)


def _tls(account: Credentials) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(account.ca_file) if account.ca_file else None)


def _down(account: Credentials, error: OSError | smtplib.SMTPException) -> TransportDown:
    """Turns the library's exception into a sentence that says how to fix it."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return TransportDown(
            f"The certificate of {account.place} is not valid: {error.verify_message}.",
            mend="Set host to the name in the certificate, or pass its authority as ca_file.",
        )
    if isinstance(error, ssl.SSLError):
        return TransportDown(
            f"{account.place} does not speak TLS on this port: {error.reason}.",
            mend='Set security = "tls" for port 465, "starttls" for port 587.',
        )
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return TransportDown(
            f"{account.place} refuses the login: {error.smtp_code} {_words(error, account)}.",
            mend="Check username and password.",
        )
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return TransportDown(
            f"{account.place} offers no supported login method.",
            mend="Leave username empty, or use the submission port (587).",
        )
    if isinstance(error, smtplib.SMTPResponseException):
        return TransportDown(
            f"{account.place} refuses the connection: {error.smtp_code} {_words(error, account)}."
        )
    if isinstance(error, smtplib.SMTPException):
        return TransportDown(f"{account.place} closed the connection before login.")
    return TransportDown(
        f"{account.place} cannot be reached: {reason(error)}.",
        mend="Check that the mail server is running, and that host and port are right.",
    )


def _words(error: smtplib.SMTPResponseException, account: Credentials) -> str:
    raw = error.smtp_error if isinstance(error.smtp_error, bytes) else str(error.smtp_error).encode()
    return without_secrets(printable(raw), account)


def without_secrets(text: str, account: Credentials) -> str:
    """A server may quote what we sent: keeps every form of the password out of receipts and messages."""
    if not account.password:
        return text
    user, password = account.username.encode(), account.password.encode()
    for secret in (
        account.password,
        base64.b64encode(password).decode(),
        base64.b64encode(b"\0" + user + b"\0" + password).decode(),
    ):
        text = text.replace(secret, "…")
    return text
