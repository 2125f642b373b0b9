"""Reading sources: one file per kind, each a function of the same shape.

A reader returns a `Reading`: what the source shows now, cleaned, newest first.
It recognises nothing (`rules.identity` does) and stores nothing.  Third parties
add a kind by an entry point in the group `digest.sources`; it has to pass `tests/contract/test_sources.py`.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from digest.model.article import Reading, Validators
from digest.model.newsletter import SourceSpec

if TYPE_CHECKING:  # a command that reads no source need not load what fetches
    from digest.fetch import Fetcher


class Source(Protocol):
    def __call__(
        self, spec: SourceSpec, *, fetcher: Fetcher, validators: Validators, now: datetime
    ) -> Reading:
        """Read the source once.

        A source with `path` reads local files only.  A fault in a single
        entry becomes a line in `Reading.skipped`; only a source that yields
        nothing usable raises.

        Raises:
            SourceError: it cannot be fetched, or it is not of its kind.
        """
        ...


def source_of(kind: str) -> Source:
    """The reader for a kind of source; heavy parsers are imported on first use.

    Raises:
        SourceError: there is no such kind.
    """
    from importlib import import_module
    from importlib.metadata import entry_points

    if kind in BUILT_IN:
        module, function = BUILT_IN[kind].split(":")
        found: Source = getattr(import_module(module), function)
        return found
    for entry in entry_points(group="digest.sources", name=kind):
        loaded: Source = entry.load()
        return loaded
    from digest.errors import SourceError

    raise SourceError(f"Unknown kind of source: “{kind}”.", mend=f"Use one of: {', '.join(BUILT_IN)}.")


BUILT_IN: dict[str, str] = {
    "feed": "digest.sources.feed:read",
    "listing": "digest.sources.listing:read",
    "markdown": "digest.sources.markdown:read",
}

__all__ = ["BUILT_IN", "Source", "source_of"]
