"""Reads a CSV file of subscribers row by row: encoding, delimiter, line numbers.

Never more than one row is in memory.  What the columns mean, and which rows are
valid, is in `subscribers`.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from itertools import chain
from pathlib import Path
from typing import BinaryIO

_CHUNK = 1 << 20
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_CHANGED = "it was changed while it was being read"
_LONGEST_ROW = 50  # lines: an address in quotes has a few, a forgotten quotation mark has all that follow


class NotReadable(ValueError):
    """The message is a clause that says why the file cannot be read."""


class PeopleFile:
    """An open file, scanned once for its fingerprint and encoding.

    Attributes:
        fingerprint: a hash of its bytes; the same fingerprint means nothing has changed.
        encoding: UTF-8 with or without a byte order mark, UTF-16 with one, else Latin-1.
    """

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        self._text: io.TextIOWrapper | None = None
        self._size = 0
        self._has_nul = False
        self._has_long_line = False
        self.fingerprint, self.encoding = self._look_through()

    def rows(self) -> Rows:
        """All rows, from the first.

        Raises:
            NotReadable: it is not text in lines.
        """
        if self._has_long_line:
            raise NotReadable("it has a line of more than a million characters")
        self._raw.seek(0)
        errors = "replace" if self.encoding == "utf-16" else "strict"
        text = self._text = io.TextIOWrapper(self._raw, encoding=self.encoding, errors=errors, newline="")
        without_nul = (line.replace("\0", "") for line in text)
        return Rows(without_nul if self._has_nul or self.encoding == "utf-16" else text)

    def part_read(self) -> float:
        """How much of the file has been read, from 0 to 1."""
        return self._raw.tell() / max(self._size, 1)

    def close(self) -> None:
        (self._text or self._raw).close()

    def _look_through(self) -> tuple[str, str]:
        """The fingerprint and the encoding; also notes what else reading needs to know."""
        digest = hashlib.sha256()
        decoder = codecs.getincrementaldecoder("utf-8")()
        is_utf8, is_utf16 = True, False
        while chunk := self._raw.read(_CHUNK):
            is_utf16 = is_utf16 or (not self._size and chunk.startswith(_UTF16_MARKS))
            self._size += len(chunk)
            digest.update(chunk)
            is_utf8 = is_utf8 and _decodes(decoder, chunk)
            self._has_nul = self._has_nul or b"\0" in chunk
            is_long = len(chunk) == _CHUNK and b"\n" not in chunk and b"\r" not in chunk
            self._has_long_line = self._has_long_line or is_long
        is_utf8 = is_utf8 and _decodes(decoder, b"", final=True)
        return digest.hexdigest(), "utf-16" if is_utf16 else "utf-8-sig" if is_utf8 else "latin-1"


@contextmanager
def opened(path: Path) -> Iterator[PeopleFile]:
    """The file at `path`; the content of a pipe is copied to a temporary file, because it is read twice.

    Raises:
        OSError: it cannot be read.
    """
    raw: BinaryIO = path.open("rb")
    if not raw.seekable():
        raw = _copy_of(raw)
    with closing(raw), closing(PeopleFile(raw)) as file:
        yield file


def _copy_of(pipe: BinaryIO) -> BinaryIO:
    copy = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
    with pipe:
        shutil.copyfileobj(pipe, copy)
    copy.seek(0)
    return copy


class Rows:
    """The rows after the first, which names the columns.

    Attributes:
        columns: as the file writes them; empty for an empty file.

    Raises:
        NotReadable: the first row cannot be read.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        lines = iter(lines)
        try:
            first = next(lines, "")
            self._reader = csv.reader(chain([first], lines), delimiter=_delimiter(first))
            self.columns = next(self._reader, [])
        except csv.Error as error:
            raise NotReadable(f"its first line cannot be read: {error}") from error
        except UnicodeDecodeError as error:
            raise NotReadable(_CHANGED) from error

    def __iter__(self) -> Iterator[tuple[int, list[str] | str]]:
        """Each row with the line it ends on; an error sentence in place of a row that cannot be read.

        Raises:
            NotReadable: the file was changed in the meantime.
        """
        reader = self._reader
        line = reader.line_num
        while True:
            try:
                for row in reader:
                    before, line = line, reader.line_num
                    if line - before > _LONGEST_ROW:
                        yield line, _swallowed(before + 1)
                    else:
                        yield line, row
            except csv.Error as error:
                before, line = line, reader.line_num
                where = f" (it begins on line {before + 1})" if line - before > 1 else ""
                yield line, f"The row cannot be read: {error}{where}."
            except UnicodeDecodeError as error:
                raise NotReadable(_CHANGED) from error
            else:
                return


def _swallowed(first: int) -> str:
    return (
        f"The quotation mark that opens on line {first} closes here, so everything in between is one row. "
        "Remove the mark that is too many."
    )


def _decodes(decoder: codecs.IncrementalDecoder, chunk: bytes, *, final: bool = False) -> bool:
    try:
        decoder.decode(chunk, final)
    except UnicodeDecodeError:
        return False
    return True


def _delimiter(first: str) -> str:
    commas = first.count(",")
    if first.count(";") > commas:
        return ";"
    return "\t" if first.count("\t") > commas else ","
