"""How the tests are shared out where several processes run them (`./dev test`).

A file stays together, since its fixtures may be dear; so do all that ask the
judges, who are asked once.  What takes longest begins first, so that nobody
waits for it at the end; the rest comes in the random order of its run.
"""

from __future__ import annotations

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

_TOGETHER = ("tests/judges/",)
_LONG = ("tests/crash/", "tests/browser/", "tests/judges/", "tests/journey/", "tests/contract/test_ledger.py")


class Schedule(LoadScopeScheduling):
    """A file is one piece of work, and so are all files of the judges."""

    def __init__(self, config: pytest.Config, log: Any = None) -> None:
        config.option.loadscopereorder = False
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        together = next((folder for folder in _TOGETHER if nodeid.startswith(folder)), None)
        return together or nodeid.partition("::")[0]


def long_first(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.nodeid.startswith(_LONG))
