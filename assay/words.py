"""A number and what it counts, in English."""


def counted(count: int, one: str, several: str = "") -> str:
    """Return `1 page`, `2,000 pages`; `several` where an `s` does not make the plural.

    >>> counted(1, "criterion", "criteria"), counted(0, "run")
    ('1 criterion', '0 runs')
    """
    return f"{count:,} {one if count == 1 else several or f'{one}s'}"
