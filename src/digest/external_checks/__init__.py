"""Pre-flight checks that ask a program outside digest: web servers, and SpamAssassin.

    links      does every link work?
    images     does every image load, and is it small and sharp enough?
    endpoint   does one-click unsubscribe reach digest?
    spam       how SpamAssassin scores the message

They run only when an editor asks for them, after `digest.checks`, and return the
same findings.  `polite_requests` spreads the requests over the hosts.
"""

from digest.external_checks.polite_requests import PoliteClient

__all__ = ["PoliteClient"]
