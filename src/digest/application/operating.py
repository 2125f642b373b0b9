"""Operating: editor accounts and sessions, API tokens, and the health of the installation."""

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
        """Create an editor account.

        Raises:
            NotAllowed: the name is taken, or the name or password is not acceptable.
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
        """The account of this name.

        Raises:
            NotFound: there is none.
        """
        from digest.workflows.operating.accounts import find

        return find(name, database=self._database)

    def editors(self) -> list[tuple[Editor, datetime | None]]:
        """Every account, with the time its owner was last seen."""
        from digest.workflows.operating.accounts import all_of

        return all_of(database=self._database)

    def has_editors(self) -> bool:
        """Whether there are accounts; without any, the desk is only available on this machine."""
        from digest.workflows.operating.accounts import any_exist

        return any_exist(database=self._database)

    def change_password(self, name: str, password: str, *, by: Actor) -> str:
        """Set a new password and end the editor's sessions; returns the name as spelled in the account."""
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
        """Change the role and end the editor's sessions; returns the name as spelled in the account."""
        from digest.workflows.operating.accounts import change_role

        return change_role(name, role, database=self._database, by=by, now=self._now)

    def remove_editor(self, name: str, *, by: Actor) -> str:
        """Delete an account and end its sessions; returns the name as spelled in the account."""
        from digest.workflows.operating.accounts import remove

        return remove(name, database=self._database, by=by, now=self._now)

    # -- sessions: `address` is the caller's; only its network is stored ---------------------

    def log_in(self, name: str, password: str, *, address: str) -> Login:
        """The new session's token; how long to wait after too many attempts; neither if refused."""
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
        """The editor of this session; None once it has ended."""
        from digest.workflows.operating.accounts import editor_of

        return editor_of(session, database=self._database, now=self._now)

    def log_out(self, session: str, *, address: str) -> None:
        from digest.workflows.operating.accounts import log_out

        log_out(session, address=address, database=self._database, now=self._now)

    # -- programs ----------------------------------------------------------------------------

    def add_token(self, name: str, *, role: Role, by: Actor) -> str:
        """Create an API token and return it; it cannot be read again.

        Raises:
            NotAllowed: the name is taken or not acceptable.
        """
        from digest.workflows.operating.tokens import add

        return add(name, role=role, database=self._database, by=by, now=self._now)

    def tokens(self) -> list[ApiToken]:
        from digest.workflows.operating.tokens import all_of

        return all_of(database=self._database)

    def remove_token(self, name: str, *, by: Actor) -> str:
        """Revoke a token at once; returns its name as spelled when it was created."""
        from digest.workflows.operating.tokens import remove

        return remove(name, database=self._database, by=by, now=self._now)

    def check_token(self, token: str, *, address: str) -> TokenCheck:
        """The token's record, or how long its network must wait after too many wrong tokens."""
        from digest.workflows.operating.tokens import show

        return show(token, address=address, database=self._database, now=self._now)

    # -- health --------------------------------------------------------------------------------

    def doctor(self, *, offline: bool = False) -> list[Diagnosis]:
        """Check everything a send needs; `offline` skips DNS and the provider."""
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
