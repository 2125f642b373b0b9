"""Operating: editor accounts and sessions, API tokens, and the health of this installation."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from digest.application.binding import Bound
from digest.model.activity import Actor
from digest.model.api_token import ApiToken
from digest.model.editor import Editor, Role

if TYPE_CHECKING:
    from digest.workflows.operating.accounts import Login
    from digest.workflows.operating.doctor import Diagnosis
    from digest.workflows.operating.tokens import TokenCheck


class Operating(Bound):
    # -- editors ---------------------------------------------------------------------------

    def add_editor(self, name: str, *, role: Role, password: str, by: Actor) -> None:
        """Make an account for the desk.

        Raises:
            NotAllowed: there is one of this name, or name or password will not do.
        """
        from digest.workflows.operating.accounts import add

        add(
            name,
            role=role,
            password=password,
            database=self._database,
            passwords=self._container.passwords,
            by=by,
            now=self._now,
        )

    def editor(self, name: str) -> Editor:
        """Raises NotFound."""
        from digest.workflows.operating.accounts import find

        return find(name, database=self._database)

    def editors(self) -> list[tuple[Editor, datetime | None]]:
        """Every account, with the time its owner was last seen."""
        from digest.workflows.operating.accounts import all_of

        return all_of(database=self._database)

    def has_editors(self) -> bool:
        """Whether there are accounts; without any, the desk opens on this machine alone."""
        from digest.workflows.operating.accounts import any_exist

        return any_exist(database=self._database)

    def change_password(self, name: str, password: str, *, by: Actor) -> str:
        """Set a new password and end the editor's sessions; the name as it is written in the account."""
        from digest.workflows.operating.accounts import change_password

        return change_password(
            name,
            password,
            database=self._database,
            passwords=self._container.passwords,
            by=by,
            now=self._now,
        )

    def change_role(self, name: str, role: Role, *, by: Actor) -> str:
        """Set another role and end the editor's sessions; the name as it is written in the account."""
        from digest.workflows.operating.accounts import change_role

        return change_role(name, role, database=self._database, by=by, now=self._now)

    def remove_editor(self, name: str, *, by: Actor) -> str:
        """End an account and its sessions; the name as it was written there."""
        from digest.workflows.operating.accounts import remove

        return remove(name, database=self._database, by=by, now=self._now)

    # -- sessions: `address` is the caller's, of which no more than its network is kept -----

    def log_in(self, name: str, password: str, *, address: str) -> Login:
        """A session's token, or how long to wait, or neither."""
        from digest.workflows.operating.accounts import log_in

        return log_in(
            name,
            password,
            address=address,
            database=self._database,
            passwords=self._container.passwords,
            now=self._now,
        )

    def editor_of(self, session: str) -> Editor | None:
        """Whose session this is, while it lasts."""
        from digest.workflows.operating.accounts import editor_of

        return editor_of(session, database=self._database, now=self._now)

    def log_out(self, session: str, *, address: str) -> None:
        from digest.workflows.operating.accounts import log_out

        log_out(session, address=address, database=self._database, now=self._now)

    # -- programs ----------------------------------------------------------------------------

    def add_token(self, name: str, *, role: Role, by: Actor) -> str:
        """Make an API token; it is shown this once.

        Raises:
            NotAllowed: there is one of this name, or the name will not do.
        """
        from digest.workflows.operating.tokens import add

        return add(name, role=role, database=self._database, by=by, now=self._now)

    def tokens(self) -> list[ApiToken]:
        from digest.workflows.operating.tokens import all_of

        return all_of(database=self._database)

    def remove_token(self, name: str, *, by: Actor) -> str:
        """End a token, at once; its name as it was written."""
        from digest.workflows.operating.tokens import remove

        return remove(name, database=self._database, by=by, now=self._now)

    def check_token(self, token: str, *, address: str) -> TokenCheck:
        """Whose token this is, or how long a network that showed too many wrong ones has to wait."""
        from digest.workflows.operating.tokens import show

        return show(token, address=address, database=self._database, now=self._now)

    # -- health --------------------------------------------------------------------------------

    def doctor(self, *, offline: bool = False) -> list[Diagnosis]:
        """Examine everything that a send needs; `offline` asks neither DNS nor the provider."""
        from digest.workflows.operating.doctor import examine

        container = self._container
        return examine(
            keys=lambda: container.secret_keys,
            site=container.settings.site,
            newsletters=container.newsletters,
            open_database=lambda: container.database,
            open_transport=None if offline else container.transport,
            settings_warnings=container.settings.warnings,
            ask_dns=not offline and container.provider.reaches_people,
            transport_name=container.settings.delivery.transport,
            now=self._now,
        )
