"""The files that come with digest and are not code: templates, the example list, what mail programs support.

The last is bytes, and lies beside the checks.  For the others it is told where they
are: in a checkout they are the folders at its root, in an installed wheel they lie in
`digest/_data`.  An editable install has both; there the copy in `_data` may be
older than what its owner edits, so the checkout wins.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def templates_folder() -> Path:
    """The bundled templates: everything that people read."""
    return _data() / "templates"


def example_subscribers() -> Path:
    """The example list of subscribers, a CSV file."""
    return _data() / "subscribers" / "example.csv"


def caniemail() -> bytes:
    """What mail programs support, as JSON; `./dev caniemail` makes it.

    It is a part of the program that happens to be no Python, the same at every call:
    rooms that read no files may ask for it.
    """
    return (_PACKAGE / "checks" / "caniemail" / "features.json").read_bytes()


def _data(package: Path = _PACKAGE) -> Path:
    checkout = package.parent.parent
    is_checkout = package.parent.name == "src" and (checkout / "pyproject.toml").is_file()
    return checkout if is_checkout else package / "_data"
