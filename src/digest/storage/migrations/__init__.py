"""The schema's history (Alembic), shipped inside the package.

A new revision goes into `versions/`, and its id into NEWEST.  Revisions are
numbers in order: 0001, 0002 …
"""

from __future__ import annotations

from pathlib import Path

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

NEWEST = "0001"


def revision_of(connection: Connection) -> str | None:
    """The schema's revision, or None for an empty database."""
    return MigrationContext.configure(connection).get_current_revision()


def knows(revision: str) -> bool:
    return revision in {script.revision for script in _scripts().walk_revisions()}


def upgrade(connection: Connection, to: str = NEWEST) -> None:
    """Bring the schema up to `to` in one transaction; two processes may try at once."""
    from alembic import command

    config = _config()
    config.attributes["connection"] = connection
    with connection.begin():
        if revision_of(connection) != to:
            command.upgrade(config, to)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())
