"""Whether a file is still the one that was read."""

from __future__ import annotations

import os
from pathlib import Path

FileVersion = tuple[int, int, int, int]


def version_of(file: Path | str | os.DirEntry[str]) -> FileVersion:
    """Another one as soon as the file is saved, or another takes its place.

    Its time and size are not enough: `rsync -t`, `cp -p` and `tar` keep the time that
    a file had elsewhere.  When its entry changed nobody can set, and what is moved to
    its place has a number of its own.

    Raises:
        OSError: it cannot be read.
    """
    told = file.stat() if isinstance(file, Path | os.DirEntry) else Path(file).stat()
    return (told.st_mtime_ns, told.st_ctime_ns, told.st_size, told.st_ino)
