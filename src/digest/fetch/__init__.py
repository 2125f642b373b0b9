"""The guarded HTTP client: the only door to the outside for sources, images and link checks.

`client` makes requests politely and within limits, `guard` decides which
addresses may be connected to, `body` reads responses, `failures` says what went
wrong, and `robots` remembers what sites forbid.  Nothing here knows what a feed is.
"""

from digest.fetch.client import Fetched, Fetcher, HttpAnswer
from digest.fetch.failures import shown
from digest.fetch.guard import is_public

__all__ = ["Fetched", "Fetcher", "HttpAnswer", "is_public", "shown"]
