"""Bytes of source files in bounded memory: plain and gzip text as blocks of whole lines, zip entries whole.

Everything that a hostile file can do is stopped here: bombs, truncation, false sizes, names with path tricks,
endless lines, bytes that are not UTF-8.
"""

from __future__ import annotations

import hashlib
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from engine.core.errors import ArgusError, DataError

BLOCK_BYTES = 8 << 20  # of decompressed text at a time
READ_BYTES = 1 << 20
MAX_LINE_BYTES = 1 << 20
MAX_RATIO = 200  # market data in CSV compresses 5 to 30 times; a bomb about 1,000 times
RATIO_FREE_BYTES = 16 << 20  # small files may compress as they like
MAX_GZIP_BYTES = 256 << 30  # decompressed
MAX_ENTRIES = 20_000
MAX_ENTRY_BYTES = 256 << 20
MAX_ZIP_BYTES = 2 << 30  # all entries, decompressed


class ImportCancelled(ArgusError):
    """The person who asked for an import took it back."""


@dataclass
class Meter:
    """Counts what an import has read and merged, tells progress and obeys cancel.

    done, total  : bytes of the files, read and in all; n_files_done, n_files likewise.
    n_parts      : files of the store (days or years) that the rows read so far go into; 0 while reading.
    note         : what is going on.
    progress(meter) is called at each step, cancelled() at least every second.
    """

    total: int = 0
    progress: Progress | None = None
    cancelled: Callable[[], bool] | None = None
    done: int = 0
    note: str = ""
    n_files: int = 0
    n_files_done: int = 0
    n_parts: int = 0
    n_parts_done: int = 0

    def expect(self, files: Iterable[Path]) -> None:
        """Set out to read these files."""
        sizes = [path.stat().st_size for path in files]
        self.total, self.n_files = sum(sizes), len(sizes)

    def step(self, n_bytes: int = 0, note: str | None = None) -> None:
        self.done += n_bytes
        self.total = max(self.total, self.done)
        self.note = self.note if note is None else note
        if self.progress is not None:
            self.progress(self)
        if self.cancelled is not None and self.cancelled():
            raise ImportCancelled("Cancelled: what was not finished yet has left no trace.")


Progress = Callable[[Meter], None]


@dataclass(frozen=True)
class Block:
    """Whole lines of text; `line` is the 1-based number of the first one in its file."""

    line: int
    text: bytes


@dataclass
class TextSource:
    """A `.csv` or `.csv.gz` file read once, in blocks; `sha256` of its bytes is known when all are read."""

    path: Path
    meter: Meter
    name: str = ""
    _hash: hashlib._Hash = field(default_factory=hashlib.sha256)

    def __post_init__(self) -> None:
        self.name = self.name or self.path.name

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def blocks(self, block_bytes: int = BLOCK_BYTES) -> Iterator[Block]:
        """Blocks of about `block_bytes`, cut after a line's end."""
        pending, size, line = [], 0, 1
        for piece in self._text():
            pending.append(piece)
            size += len(piece)
            if size < block_bytes:
                continue
            text = b"".join(pending)
            cut = text.rfind(b"\n") + 1
            if len(text) - cut > MAX_LINE_BYTES:
                row = line + text.count(10)
                raise DataError(f"{self.name}, row {row}: a line longer than 1 MB; this is not a CSV file.")
            if cut:
                yield self._block(text[:cut], line)
                line += text.count(10, 0, cut)
            pending, size = [text[cut:]], len(text) - cut
        rest = b"".join(pending).rstrip(b"\r\n")
        if rest:
            yield self._block(rest + b"\n", line)

    def _block(self, text: bytes, line: int) -> Block:
        if line == 1:
            text = text.removeprefix(b"\xef\xbb\xbf")
        check_text(text, self.name, line)
        return Block(line, text)

    def _raw(self) -> Iterator[bytes]:
        with self.path.open("rb") as file:
            while piece := file.read(READ_BYTES):
                self._hash.update(piece)
                self.meter.step(len(piece))
                yield piece

    def _text(self) -> Iterator[bytes]:
        return self._gunzip() if self.path.suffix.lower() == ".gz" else self._raw()

    def _gunzip(self) -> Iterator[bytes]:
        """Decompressed pieces of bounded size; the members of a gzip file follow each other."""
        member, read, made = None, 0, 0
        for raw in self._raw():
            read += len(raw)
            while raw:
                if member is None:
                    raw = raw.lstrip(b"\0") if made else raw  # padding after the last member
                    if not raw:
                        break
                    member = zlib.decompressobj(wbits=31)
                try:
                    piece = member.decompress(raw, 4 * READ_BYTES)
                except zlib.error as error:
                    raise DataError(f"{self.name}: damaged gzip file ({error}). Fetch it again.") from error
                made += len(piece)
                self._refuse_bomb(read, made)
                if piece:
                    self.meter.step()
                    yield piece
                raw = member.unused_data if member.eof else member.unconsumed_tail
                if member.eof:
                    member = None
        if member is not None or not read:
            raise DataError(f"{self.name}: truncated gzip file after {made:,} bytes of text. Fetch it again.")

    def _refuse_bomb(self, read: int, made: int) -> None:
        if made > MAX_GZIP_BYTES or (made > RATIO_FREE_BYTES and made > MAX_RATIO * read):
            raise DataError(
                f"{self.name}: expands to more than {MAX_RATIO} times its size or {MAX_GZIP_BYTES >> 30} GB, "
                f"as no market data does; refused as a bomb."
            )


def check_text(text: bytes, name: str, line: int) -> None:
    """DataError naming the row of the first byte that is not UTF-8, or of a NUL."""
    if b"\0" in text:
        raise DataError(
            f"{name}, row {line + text.count(10, 0, text.index(0))}: a NUL byte; this is not a text file."
        )
    if text.isascii():
        return
    try:
        text.decode("utf-8")
    except UnicodeDecodeError as error:
        row = line + text.count(10, 0, error.start)
        raise DataError(f"{name}, row {row}: not UTF-8 text. Save the file as UTF-8.") from error


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def zip_texts(path: Path, meter: Meter) -> Iterator[tuple[str, bytes]]:
    """(entry name, text) of a zip of CSV files, one at a time. Nothing is ever extracted to disk.

    Declared sizes are checked before anything is read, and real ones while reading.
    """
    size, given = path.stat().st_size, 0
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            _check_directory(path, entries)
            for entry in entries:
                text = _read_entry(path, archive, entry)
                step = min(entry.compress_size, size - given)
                given += step
                meter.step(step)
                yield entry.filename, text
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise DataError(f"{path.name}: damaged zip file ({error}). Fetch it again.") from error
    meter.step(size - given)


def _check_directory(path: Path, entries: list[zipfile.ZipInfo]) -> None:
    names = [entry.filename for entry in entries]
    if not names or len(names) > MAX_ENTRIES or len(set(names)) < len(names):
        found = f"{len(names)} entries under {len(set(names))} names"
        raise DataError(f"{path.name}: holds {found}. Allowed: 1 to {MAX_ENTRIES}, each name once.")
    for entry in entries:
        name = entry.filename
        if (
            "/" in name
            or "\\" in name
            or ":" in name
            or name in ("..", ".")
            or stat.S_ISLNK(entry.external_attr >> 16)
        ):
            raise DataError(
                f"{path.name}: entry {name!r} is a path or a link. Only plain file names are allowed."
            )
        if entry.flag_bits & 0x1:
            raise DataError(f"{path.name}: entry {name!r} is encrypted. Store it without a password.")
    total = sum(entry.file_size for entry in entries)
    packed = max(1, path.stat().st_size)
    largest = max(entry.file_size for entry in entries)
    too_big = largest > MAX_ENTRY_BYTES or total > MAX_ZIP_BYTES
    if too_big or (total > RATIO_FREE_BYTES and total > MAX_RATIO * packed):
        raise DataError(
            f"{path.name}: expands from {packed:,} to {total:,} bytes; allowed: {MAX_RATIO} times, "
            f"{MAX_ENTRY_BYTES >> 20} MB an entry, {MAX_ZIP_BYTES >> 30} GB in all; refused as a bomb."
        )


def _read_entry(path: Path, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    with archive.open(entry) as stream:
        text = stream.read(entry.file_size + 1)  # the library checks size and checksum at the end
    if len(text) != entry.file_size:
        raise DataError(
            f"{path.name}: entry {entry.filename!r} is not of the size it declares. Fetch it again."
        )
    text = text.removeprefix(b"\xef\xbb\xbf").rstrip(b"\r\n")
    check_text(text, f"{path.name}#{entry.filename}", 1)
    return text + b"\n" if text else b""
