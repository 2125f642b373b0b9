"""Judges of the pre-flight that ask somebody outside Python: web servers, and SpamAssassin.

    links      does every link lead somewhere?
    images     is every picture there, light and sharp?
    endpoint   does one click arrive where people unsubscribe?
    spam       what SpamAssassin makes of the message

They are asked only where an editor says so, after `digest.checks`, and answer
with the same findings.  `polite_requests` goes round the hosts.
"""

from digest.external_checks.polite_requests import PoliteClient

__all__ = ["PoliteClient"]
