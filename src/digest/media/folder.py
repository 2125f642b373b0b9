"""The folder of image copies: a file is named by the SHA-256 of its bytes, so its name never changes meaning.

Nothing is ever deleted here: delivered mails link to these files for years.
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
    """Stores copies and returns them; the folder is created with the first one."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def keep(self, content: bytes, *, kind: str) -> str:
        """Store a copy and return its name; `kind` is "jpg" or "png".

        A name has a complete file or none, even after a crash.

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
                f"An image copy cannot be written to {self._path}: {wrong.strerror}.",
                mend="Free up space, or give digest write permission there.",
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
        """Content and media type of a copy; None for any other name."""
        if not _NAME.fullmatch(name):
            return None
        try:
            content = (self._path / name).read_bytes()
        except OSError:
            return None
        return content, _TYPES[name.rpartition(".")[2]]
