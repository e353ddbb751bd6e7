"""The folder of a report: another one for each name, on every file system that it may be copied to.

`%` stands for itself only as `%25`, so what is spelt out, or cut, is met by no name as it stands.
"""

import hashlib
import re
import unicodedata
from urllib.parse import quote

LONGEST = 200
"""Bytes of a folder's name; file systems take 255, and pages are written beside it as drafts."""
COMPOSED = 2_000
"""Characters of a name whose accents are put in order, which takes quadratic time: an archive may
hold names of any length. A longer one is no name that is read."""
SPELT_OUT = re.compile(r'[%/\\<>:"|?*\x00-\x1f\x7f-\x9f\ud800-\udfff]|^[. ]|[. ]$')
"""What separates folders, what Windows refuses, and what no terminal shows."""
TAKEN = re.compile(
    r"(?:con|prn|aux|nul|com\d|lpt\d|conin\$|conout\$)(?:\..*)?"
    r"|index\.(?:html|md)|results\.json|assets"
)
"""Names of Windows' devices, and of our own pages and tables."""


def folder(name: str) -> str:
    """Return the folder of the report on the submission of this name."""
    spelt = SPELT_OUT.sub(lambda found: _hex(found[0]), composed(name))
    if not spelt or TAKEN.fullmatch(spelt.casefold()):
        spelt = f"%{spelt}"
    if len(spelt.encode()) <= LONGEST:
        return spelt
    digest = hashlib.sha256(spelt.encode()).hexdigest()
    return f"{spelt.encode()[: LONGEST - 70].decode(errors='ignore')}%~{digest}"


def composed(name: str) -> str:
    """Return a name with its accents as one character each."""
    return unicodedata.normalize("NFC", name) if len(name) <= COMPOSED else name


def key(name: str) -> str:
    """Return the same for two names exactly where their folders are one on some file system."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFKC", folder(name)).casefold())


def address(name: str) -> str:
    """Return the same folder in a relative address."""
    return quote(folder(name), safe="").replace("~", "%7E")


def _hex(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogatepass"))
