"""Downloads as the platforms write them, of people who do not exist."""

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

from assay.classroom.roster import Member, Roster

NOTEBOOK = b'{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'
INDEX = b"<!DOCTYPE html>\r\n<html><body>as Brightspace wrote it \xc3\xa9</body></html>\r\n"


def packed(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def written(path: Path, files: Mapping[str, bytes]) -> Path:
    path.write_bytes(packed(files))
    return path


def people(count: int) -> list[Member]:
    """`Given7 Family7`, number 101000007, user name g7."""
    return [
        Member(
            id=str(101_000_000 + number),
            username=f"g{number}",
            given=f"Given{number}",
            family=f"Family{number}",
            canvas=str(5000 + number),
            participant=str(number + 1),
            github=f"git-hub-{number}",
        )
        for number in range(count)
    ]


def roster(count: int) -> Roster:
    return Roster(people(count))


def brightspace(count: int) -> dict[str, bytes]:
    """60 folders as in the wild: three styles of name, of time, a group, two attempts, and so on.

    Member 0 hands in twice, member 1 is hyphenated, 2 and 3 are the group `Group 1`.
    """
    files: dict[str, bytes] = {"index.html": INDEX}
    for number in range(count):
        name = (
            f"Given{number} Family{number}",
            f"Family{number} Given{number} {101_000_000 + number}",
            f"Given{number}  Family{number}",
        )[number % 3]
        clock = ("1022 AM", "803 PM", "6:31 PM", "0803 PM", "11_55 AM")[number % 5]
        if number == 1:
            name = "Zoë-Anne O’Neil-Śmith"
        if number == 2:
            name = "Group 1"
        if number == 3:
            continue
        place = f"{39786 + number}-640693 - {name} - Oct 10, 2025 {clock}"
        files[f"{place}/a3 - final - {number}.ipynb"] = NOTEBOOK
    files["39786-640693 - Given0 Family0 - Oct 9, 2025 1159 PM/a3.ipynb"] = b"older"
    return files
