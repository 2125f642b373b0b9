"""Whether a source has been quiet for longer than is usual for it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from itertools import pairwise
from statistics import median

# With fewer gaps, no one can say what is usual.
_ENOUGH = 3

_PATIENCE = timedelta(days=14)
_TIMES = 3


def usual_gap(days: Iterable[date]) -> timedelta | None:
    """The median time between days with something new; None if too few are known."""
    gaps = [after - before for before, after in pairwise(sorted(set(days)))]
    if len(gaps) < _ENOUGH:
        return None
    return timedelta(days=round(median(gap.days for gap in gaps)))


def is_silent(quiet: timedelta, *, usual: timedelta | None) -> bool:
    """Whether it has been quiet for more than three of its usual gaps, and for more than two weeks."""
    return quiet > max(_PATIENCE, _TIMES * (usual or timedelta()))
