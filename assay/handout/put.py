"""Write a handout to a folder, and to a zip beside it."""

import io
import zipfile
from pathlib import Path

from assay.errors import UsageError, quoted
from assay.evidence import packing
from assay.handout.make import Handout


def require_new(folder: Path) -> None:
    """Raise if a handout would be written over something.

    Raises
    ------
    UsageError
        If the folder, or the zip beside it, is there already.
    """
    for path in (folder, archive_of(folder)):
        if path.exists() and not (path.is_dir() and not any(path.iterdir())):
            raise UsageError(
                f"{quoted(path)} is there already",
                hint="remove it first, or name another folder",
            )


def archive_of(folder: Path) -> Path:
    """Return the path of the zip: beside the folder."""
    whole = folder.absolute()
    return folder.parent / f"{whole.name}.zip"


def put(handout: Handout, folder: Path) -> Path:
    """Write the folder and the zip of it; return the zip's path."""
    packing.write(handout.files, folder)
    archive = archive_of(folder)
    packing.write_whole(archive, packed(handout, folder.absolute().name))
    return archive


def packed(handout: Handout, top: str) -> bytes:
    """Return the zip, with one folder at its top: the same bytes for the same handout."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(handout.files.items()):
            member = zipfile.ZipInfo(f"{top}/{name}", packing.EPOCH)
            member.compress_type = zipfile.ZIP_DEFLATED
            member.external_attr = 0o644 << 16
            archive.writestr(member, content)
    return buffer.getvalue()
