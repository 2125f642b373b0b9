from __future__ import annotations
from typing import Any


class Signer:
    splice: Any
