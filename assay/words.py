"""Numbers in English: a number and what it counts, and names in the order of their numbers."""

import re


def counted(count: int, one: str, several: str = "") -> str:
    """Return `1 page`, `2,000 pages`; `several` where an `s` does not make the plural.

    >>> counted(1, "criterion", "criteria"), counted(0, "run")
    ('1 criterion', '0 runs')
    """
    return f"{count:,} {one if count == 1 else several or f'{one}s'}"


def naturally(name: str) -> list[tuple[int, str]]:
    """Return what names are sorted by, so that `Group 2` stands before `Group 10`.

    >>> sorted(["Group 10", "group 2", "Group 1"], key=naturally)
    ['Group 1', 'group 2', 'Group 10']
    """
    pieces = re.findall(r"([0-9]{1,18})|([^0-9]+)", name.casefold())
    return [(int(number or -1), text) for number, text in pieces]
