"""The package's data files: templates, the example list, and the table of what mail clients support.

The table is returned as bytes and is stored beside the checks.  For the others, callers
get a path: in a checkout they are folders at its root, in an installed wheel they are in
`digest/_data`.  An editable install has both; the copy in `_data` may then be out of
date, so the checkout takes precedence.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def templates_folder() -> Path:
    """The bundled templates of mails and pages."""
    return _data() / "templates"


def example_subscribers() -> Path:
    """The example list of subscribers, a CSV file."""
    return _data() / "subscribers" / "example.csv"


def caniemail() -> bytes:
    """What mail clients support, as JSON; `./dev caniemail` creates it.

    It is part of the program although it is not Python, and never changes while digest
    runs, so even modules that read no files may use it.
    """
    return (_PACKAGE / "checks" / "caniemail" / "features.json").read_bytes()


def _data(package: Path = _PACKAGE) -> Path:
    checkout = package.parent.parent
    is_checkout = package.parent.name == "src" and (checkout / "pyproject.toml").is_file()
    return checkout if is_checkout else package / "_data"
