"""The schema's history (Alembic), shipped inside the package.

A new revision goes into `versions/` as `NNNN_what.py`, and its number into NEWEST.
Alembic is only imported if there is something to migrate, because importing it takes
longer than most commands.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

if TYPE_CHECKING:
    from alembic.config import Config

NEWEST = "0009"

_HERE = Path(__file__).parent


def revision_of(connection: Connection) -> str | None:
    """The schema's revision; None if Alembic has never run."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return str(found) if found is not None else None


def knows(revision: str) -> bool:
    """Whether this version of digest knows the revision."""
    return any(_HERE.glob(f"versions/{revision}_*.py"))


def upgrade(connection: Connection, to: str) -> None:
    """Upgrade the schema to `to` in one transaction; two processes may try at the same time."""
    from alembic import command

    config = _config()
    config.attributes["connection"] = connection
    with connection.begin():
        if revision_of(connection) != to:
            command.upgrade(config, to)


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_HERE).replace("%", "%%"))
    return config
