"""The folder of copies: each file is called by the SHA-256 of its bytes, so a name never changes its meaning.

Nothing is ever deleted here: mails in somebody's inbox point to these files for years.
"""

from __future__ import annotations

import hashlib
import os
import re
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

from digest.errors import StorageError

_NAME = re.compile(r"[0-9a-f]{64}\.(?:jpg|png)")
_TYPES = {"jpg": "image/jpeg", "png": "image/png"}


class MediaFolder:
    """Keeps copies and gives them back; made when the first one is kept."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def keep(self, content: bytes, *, kind: str) -> str:
        """Store a copy, `kind` being "jpg" or "png", and give its name.

        There is a whole file or none under a name, also after a crash.

        Raises:
            StorageError: the folder cannot be written.
        """
        name = f"{hashlib.sha256(content).hexdigest()}.{kind}"
        file = self._path / name
        try:
            if not file.exists():
                self._path.mkdir(parents=True, exist_ok=True)
                self._write(file, content)
        except OSError as wrong:
            raise StorageError(
                f"The copy of a picture cannot be written into {self._path}: {wrong.strerror}.",
                mend="Make room, or let digest write there.",
            ) from wrong
        return name

    def _write(self, file: Path, content: bytes) -> None:
        with NamedTemporaryFile(dir=self._path, prefix=".", delete=False) as unfinished:
            try:
                unfinished.write(content)
                unfinished.flush()
                os.fsync(unfinished.fileno())
                # The web application may run as another user.
                os.fchmod(unfinished.fileno(), 0o644)
                Path(unfinished.name).replace(file)
            except BaseException:
                with suppress(OSError):
                    Path(unfinished.name).unlink()
                raise

    def read(self, name: str) -> tuple[bytes, str] | None:
        """Content and media type of a copy; None for any other name, whatever it tries."""
        if not _NAME.fullmatch(name):
            return None
        try:
            content = (self._path / name).read_bytes()
        except OSError:
            return None
        return content, _TYPES[name.rpartition(".")[2]]
