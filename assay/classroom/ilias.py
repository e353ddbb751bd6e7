"""How ILIAS names the folders of what was handed in.

`<assignment>/<Submissions>/<family>_<given>_<login>_<number>/<file>`, all in ASCII; of a team
`Team 7/` is round it, or round a folder called as a member is. Each part may hold `_`.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from html.entities import codepoint2name
from unicodedata import normalize

from assay.submission.platforms import MAX_NAME

TEAM = re.compile(r"[^\d/_]{1,40} \d{1,20}")
"""`Team 7`; the word is that of the platform's language."""
DEPTH = 4
"""Folders that may be round the one of a person."""


def logins(folder: str) -> list[str]:
    """Return what the login may be in the name of a folder; nothing if it is no such name."""
    parts = [part for part in folder.split("_") if part]
    if len(parts) < 4 or len(folder) > MAX_NAME or not re.fullmatch("[0-9]{1,20}", parts[-1]):
        return []
    return ["_".join(parts[at:-1]) for at in range(2, len(parts) - 1)]


def name(folder: str) -> str:
    """Return the full name in the name of a folder: what stands before the shortest login."""
    return " ".join([part for part in folder.split("_") if part][:-2])


def folded(text: str) -> str:
    """Return a text as ILIAS writes it into a name: `ü` is `u`, what HTML cannot name is `_`."""
    return "".join(map(_sign, normalize("NFC", text)))


def _sign(sign: str) -> str:
    if ord(sign) in codepoint2name and sign != '"':
        return codepoint2name[ord(sign)][0]
    return sign if sign.isascii() and sign not in ':\\/*?"|' else "_" * len(sign.encode())


def root(names: Sequence[str], works: Sequence[str], known: Callable[[str], bool]) -> str | None:
    """Return what is round the folders of all people, '' if nothing is; None if none are there.

    `names` are those of all files, `works` of those that may be graded: where one of these stands
    elsewhere, a person has chosen a name that looks like ILIAS'.
    """
    found = Counter(place for one in names if (place := _around(one.split("/"), known)) is not None)
    if not found:
        return None
    place = max(found, key=lambda one: (found[one], -len(one)))
    return place if all(one.startswith(place) for one in works) else None


def _around(parts: Sequence[str], known: Callable[[str], bool]) -> str | None:
    for at, part in enumerate(parts[:-1][: DEPTH + 1]):
        of_team = at + 2 < len(parts) and TEAM.fullmatch(part) and known(parts[at + 1])
        if of_team or any(map(known, logins(part))):
            return "".join(f"{one}/" for one in parts[:at])
    return None
