"""What is in a zip or a tar.gz from a stranger: names, kinds and contents, with limits on each.

Nothing is extracted. A member is read on demand and only so far, whatever its header says, so that
a bomb goes off in a counter.
"""

import gzip
import io
import stat
import struct
import tarfile
import unicodedata
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO

from assay.units import MB

MAX_MEMBERS = 20_000
"""Of an archive, those included that are left out later, such as a `.git` folder."""
MAX_CLASS_MEMBERS = 200_000
"""Of the one archive that a platform gives for a whole class."""
NAME = 400
"""Bytes of a name in an archive, on average: a format may hold 65,535, and no folder does."""
SAID_OF_ALL = 10_000
"""Bytes of what a tar says of all its members at once; `git archive` writes 52."""
DESCRIBING = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)
"""The kinds of entry that are no member, and say something of one."""
WITH_HOLES = "file with holes"
"""`tar` writes it on macOS and Windows wherever a disk holds one, elsewhere if asked to."""
ENTRY = b"PK\x01\x02"
UTF_8 = 0x800
"""The flag of a name that is UTF-8. Finder writes UTF-8 and does not set it."""


UNICODE_PATH = 0x7075
"""The extra field in which Info-ZIP writes a name as UTF-8, beside one in an older encoding."""


class Damaged(ValueError):
    """The bytes are not what their name says; the message says how."""


@dataclass(frozen=True)
class Member:
    """One entry: its name as the archive spells it, its kind, and its first bytes."""

    name: str
    kind: str
    read: Callable[[int], bytes]


def kind_of(mode: int) -> str:
    """Return the kind that a mode says; "file" if it says nothing, as in archives from Windows."""
    if stat.S_ISLNK(mode):
        return "link"
    return "file" if stat.S_ISREG(mode) or not stat.S_IFMT(mode) else "pipe or device"


def zipped(content: bytes, at_most: int) -> Iterator[Member]:
    """Return the members of a zip archive; `at_most` bytes of each are ever asked for.

    Raises
    ------
    Damaged
        If it is no zip archive, or one of more members than anybody's homework has.
    """
    return _members(io.BytesIO(content), MAX_MEMBERS)


def of_class(file: BinaryIO) -> Iterator[Member]:
    """Return the members of the zip file of a whole class, each read when it is needed.

    Raises
    ------
    Damaged
        If it is no zip archive, or one of more members than any class has.
    """
    return _members(file, MAX_CLASS_MEMBERS)


def _members(file: BinaryIO, most: int) -> Iterator[Member]:
    if _entries(file) > most:  # before zipfile makes an object of each
        raise Damaged(f"it holds more than {most:,} files")
    try:
        archive = zipfile.ZipFile(file)
    except Exception as error:  # whatever strange bytes provoke is theirs
        raise Damaged(f"it is not a zip archive: {error}") from None
    members = archive.infolist()
    if sum(len(member.orig_filename) for member in members) > most * NAME:
        raise Damaged(f"its names are longer than {most * NAME // MB} MB in all")
    raw = [m.orig_filename.encode("cp437") for m in members if not m.flag_bits & UTF_8]
    encoding = _encoding(raw)
    for member in members:
        name = member.orig_filename
        if not member.flag_bits & UTF_8:
            coded = name.encode("cp437")
            name = _unicode_path(member.extra, coded) or _decoded(coded, encoding)
        name = name.replace("\\", "/")  # as some programs write it
        if not name.endswith("/"):
            kind = kind_of(member.external_attr >> 16)
            yield Member(name, kind, partial(_unzipped, archive, member))


def _entries(file: BinaryIO) -> int:
    """Return how often the mark of an entry occurs: at least as often as there are entries."""
    count, tail = 0, b""
    file.seek(0)
    while block := file.read(1 << 20):
        count += (tail + block).count(ENTRY)
        tail = block[1 - len(ENTRY) :]
    return count


def _encoding(names: Iterable[bytes]) -> str:
    """What names without the flag are written in, where they are not UTF-8.

    The format says cp437, and programs on Windows write cp1252 too: the one that gives letters.
    """
    odd = b"".join(name for name in names if not _is_utf_8(name))
    return max(("cp437", "cp1252"), key=lambda encoding: _letters(odd, encoding))


def _letters(text: bytes, encoding: str) -> int:
    counted = Counter(text.decode(encoding, "replace"))
    letters = [c for c in counted if unicodedata.name(c, "").startswith("LATIN ")]
    return sum(counted[c] for c in letters if not c.isascii())


def _unicode_path(extra: bytes, name: bytes) -> str | None:
    """Return the name in Info-ZIP's own field, if there is one and it belongs to this name."""
    place = 0
    while place + 4 <= len(extra):
        kind, size = struct.unpack_from("<HH", extra, place)
        field = extra[place + 4 : place + 4 + size]
        if kind == UNICODE_PATH and size > 5 and len(field) == size:
            version, checksum = struct.unpack_from("<BL", field)
            if version == 1 and checksum == zlib.crc32(name) and _is_utf_8(field[5:]):
                return field[5:].decode()
        place += 4 + size
    return None


def _is_utf_8(name: bytes) -> bool:
    try:
        name.decode()
    except UnicodeDecodeError:
        return False
    return True


def _decoded(name: bytes, encoding: str) -> str:
    return name.decode() if _is_utf_8(name) else name.decode(encoding, "replace")


def _unzipped(archive: zipfile.ZipFile, member: zipfile.ZipInfo, at_most: int) -> bytes:
    if member.flag_bits & 1:
        raise Damaged("it is encrypted")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Damaged("it is packed in a way other than deflate")  # those unpack without a limit
    try:
        with archive.open(member) as file:
            return file.read(at_most)
    except Exception as error:  # zlib.error, a wrong CRC, a wrong offset
        raise Damaged(f"its data are damaged: {error}") from None


def tarred(content: bytes, at_most: int) -> Iterator[Member]:
    """The members of a tar.gz archive that unpacks to hardly more than `at_most` bytes.

    Raises
    ------
    Damaged
        If it is no tar.gz archive, or expands too far.
    """
    room = at_most + at_most // 8  # headers and padding
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
            unpacked = file.read(room + 1)
        archive = _Tar(fileobj=io.BytesIO(unpacked))
    except Damaged:
        raise
    except Exception as error:
        raise Damaged(f"it is not a tar.gz archive: {error}") from None
    if len(unpacked) > room:
        raise Damaged(f"it expands to more than {at_most // MB} MB")
    for _ in range(MAX_MEMBERS):
        member = _next(archive)
        if member is None:
            return
        if not member.isdir():
            raw = member.name.encode("utf-8", "surrogateescape")
            name = _decoded(raw, _encoding([raw]))
            yield Member(name, _tar_kind(member), partial(_untarred, archive, member))
    raise Damaged(f"it holds more than {MAX_MEMBERS:,} files")


class _Entry(tarfile.TarInfo):
    """A header of a tar that takes its reader no more than its own size.

    tarfile copies what is said of all members for each of them, makes an object of each hole of a
    file, and takes a name of any length: 16 kB became half a gigabyte, 50 kB any number of them.
    Where the holes are is not read here, as no one hands in such a file on purpose.
    """

    def _proc_member(self, tarfile_: "_Tar") -> tarfile.TarInfo:
        if self.size < 0 or self.offset < tarfile_.passed:
            raise Damaged("its list of files is damaged: it leads back")
        tarfile_.passed = tarfile_.fileobj.tell()
        if self.type == tarfile.XGLTYPE:
            tarfile_.said_of_all += self.size
        if self.type in DESCRIBING:
            tarfile_.said += self.size
        if tarfile_.said_of_all > SAID_OF_ALL or tarfile_.said > MAX_MEMBERS * NAME:
            raise Damaged("it says more of its files than anybody's homework does")
        member: tarfile.TarInfo = super()._proc_member(tarfile_)  # type: ignore[misc]
        member.pax_headers = {}  # a copy of what is said of all
        return member

    def _proc_sparse(self, tarfile_: "_Tar") -> tarfile.TarInfo:
        """Pass over the blocks that say where the holes are, and over the data."""
        _, more, _ = self._sparse_structs  # type: ignore[attr-defined]
        while more:
            more = tarfile_.fileobj.read(tarfile.BLOCKSIZE)[504:505] not in (b"", b"\0")
        tarfile_.passed = self.offset_data = tarfile_.fileobj.tell()
        blocks = -(-self.size // tarfile.BLOCKSIZE)
        tarfile_.offset = self.offset_data + blocks * tarfile.BLOCKSIZE
        self.sparse = b""
        return self

    def _proc_gnusparse_00(self, member: "_Entry", *_: object) -> None:
        """Note that a pax header says where the holes are. Those are part of that, or of the data.

        Said of all members at once, it would hold for those too that tarfile takes for plain files.
        """
        if self.type == tarfile.XGLTYPE:
            raise Damaged("it says of all its files that they have holes")
        member.sparse = b""

    _proc_gnusparse_01 = _proc_gnusparse_10 = _proc_gnusparse_00


class _Tar(tarfile.TarFile):
    """A tar that is read header by header, each of which counts towards the limits."""

    tarinfo = _Entry
    fileobj: BinaryIO
    said, said_of_all = 0, 0
    """Bytes of what is said of single members, and of all of them together."""
    passed = 0
    """Where the last header ends: no size leads back to what was read, again and again."""


def _next(archive: tarfile.TarFile) -> tarfile.TarInfo | None:
    try:
        return archive.next()
    except Damaged:
        raise
    except Exception as error:  # RecursionError among them
        raise Damaged(f"its list of files is damaged: {str(error)[:100]}") from None


def _tar_kind(member: tarfile.TarInfo) -> str:
    if member.issym() or member.islnk():
        return "link"
    if member.issparse():
        return WITH_HOLES
    return "file" if member.isreg() else "pipe or device"


def _untarred(archive: tarfile.TarFile, member: tarfile.TarInfo, at_most: int) -> bytes:
    try:
        file = archive.extractfile(member)
        content = file.read(at_most) if file else b""
    except Exception as error:
        raise Damaged(f"its data are damaged: {str(error)[:100]}") from None
    if len(content) < min(member.size, at_most):
        raise Damaged("its data end too early")
    return content
