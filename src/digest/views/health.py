"""What monitoring reads: whether mail could be sent now, and the metrics."""

from __future__ import annotations

from collections.abc import Mapping

from digest.errors import DigestError
from digest.storage import issues
from digest.views.status import status
from digest.wiring import Container


class HealthViews:
    """For monitoring."""

    def __init__(self, parts: Container) -> None:
        self._parts = parts

    def health(self) -> Mapping[str, object]:
        """`ok` is true if mail could be sent now; the other entries say what was checked."""
        try:
            with self._parts.database.read() as connection:
                for newsletter in self._parts.newsletters:
                    issues.latest(connection, newsletter.name)
        except DigestError as error:
            return {"ok": False, "database": str(error)}
        return {"ok": True, "database": "ok"}

    def metrics(self) -> str:
        """The metrics in Prometheus' text format (version 0.0.4)."""
        parts = self._parts
        lines = [
            "# HELP digest_deliveries Deliveries of the newest issue by state.",
            "# TYPE digest_deliveries gauge",
        ]
        sources = [
            "# HELP digest_source_ok Whether the last read of a source worked.",
            "# TYPE digest_source_ok gauge",
        ]
        for newsletter in parts.newsletters:
            standing = status(newsletter, database=parts.database, now=parts.clock(), limit=1)
            for issue, counts in standing.issues:
                states = (
                    "pending",
                    "deferred",
                    "in_flight",
                    "accepted",
                    "refused",
                    "uncertain",
                    "suppressed",
                    "delivered",
                    "bounced",
                    "complained",
                )
                lines += [
                    f'digest_deliveries{{newsletter="{newsletter.name}",issue="{issue.number}",'
                    f'state="{state}"}} {getattr(counts, state)}'
                    for state in states
                ]
            sources += [
                f'digest_source_ok{{newsletter="{newsletter.name}",source="{_label(s.name)}"}} {int(s.ok)}'
                for s in standing.sources
            ]
        return "\n".join([*lines, *sources]) + "\n"


def _label(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", " ")
