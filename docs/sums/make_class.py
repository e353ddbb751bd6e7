"""Make what Brightspace gives of a class of 12 people who do not exist, or of GROUPS pairs.

python docs/sums/make_class.py [GROUPS]
"""

import json
import sys
import zipfile
from pathlib import Path

PEOPLE = [
    ("101000001", "ada", "Ada", "Lovelace"), ("101000002", "emmy", "Emmy", "Noether"),
    ("101000003", "sofya", "Sofya", "Kovalevskaya"), ("101000004", "mary", "Mary", "Cartwright"),
    ("101000005", "zoe", "Zoë-Anne", "O'Neil"), ("101000006", "hedy", "Hedy", "Lamarr"),
    ("101000007", "karen", "Karen", "Uhlenbeck"), ("101000008", "maryam", "Maryam", "Mirzakhani"),
    ("101000009", "julia", "Julia", "Robinson"), ("101000010", "olga", "Olga", "Taussky-Todd"),
    ("101000011", "ghopper", "Grace", "Hopper"), ("101000012", "dorothy", "Dorothy", "Vaughan"),
]  # fmt: skip
EXPORT = "OrgDefinedId,Username,Last Name,First Name,Email,{item},End-of-Line Indicator\r\n"
ITEM = "Sums Points Grade <Numeric MaxPoints:2 Weight:10>"
INDEX = "<!DOCTYPE html>\r\n<html><body>as Brightspace wrote it</body></html>\r\n"
ON_TIME, LATE = "Oct 10, 2025 1022 AM", "Oct 12, 2025 6:31 PM"


def notebook(sign: str, note: str = "") -> str:
    """Return a notebook that combines two arrays with this sign; a note makes it another."""
    cells = ["seed = 0", f"def add(x, y):{note}\n    return x {sign} y"]
    made = [
        {
            "cell_type": "code", "id": f"cell-{number}", "execution_count": None, "outputs": [],
            "metadata": {"tags": ["parameters"]} if not number else {}, "source": source,
        }
        for number, source in enumerate(cells)
    ]  # fmt: skip
    return json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def main(folder: Path) -> None:
    """Write grades.csv, groups.csv and the zip of the assignment."""
    right, wrong = notebook("+"), notebook("-")
    handed = [
        ("Ada Lovelace", ON_TIME, "sums.ipynb", right),
        ("Emmy Noether", LATE, "sums.ipynb", right),
        ("Kovalevskaya Sofya", ON_TIME, "sums - final.ipynb", wrong),
        ("Mary Cartwright", "Oct 9, 2025 803 PM", "sums.ipynb", wrong),
        ("Mary Cartwright", ON_TIME, "sums.ipynb", right),
        ("Zoë-Anne O’Neil", ON_TIME, "sums.ipynb", right),
        ("H. Lamarr", ON_TIME, "sums.ipynb", right),
        ("Karen Uhlenbeck", ON_TIME, "sums.pdf", "%PDF-1.7"),
        ("Mirzakhani Maryam", ON_TIME, "sums.ipynb", right),
        ("Group 1", ON_TIME, "sums.ipynb", right),
        ("Grace Hopper", ON_TIME, "sums.ipynb", right),
    ]
    by_hand = {"emmy": "1", "ghopper": "2"}  # before
    write(folder, PEOPLE, by_hand, [("Group 1", "julia"), ("Group 1", "olga")], handed)


def of_pairs(folder: Path, groups: int) -> None:
    """Write the same of groups of two: every fifth is wrong, every seventh late."""
    people = [
        (str(102_000_000 + number), f"u{number}", f"Given{number}", f"Family{number}")
        for number in range(2 * groups)
    ]
    members = [(f"Group {1 + number // 2}", one[1]) for number, one in enumerate(people)]
    handed = [
        (
            f"Group {number}",
            ON_TIME if number % 7 else LATE,
            "sums.ipynb",
            notebook("+" if number % 5 else "-", f"  # of group {number}"),
        )
        for number in range(1, groups + 1)
    ]
    write(folder, people, {}, members, handed)


def write(
    folder: Path,
    people: list[tuple[str, str, str, str]],
    by_hand: dict[str, str],
    members: list[tuple[str, str]],
    handed: list[tuple[str, str, str, str]],
) -> None:
    """Write the export of the grades, who is in which group, and the zip, as Brightspace does."""
    rows = "".join(
        f"#{id},#{user},{family},{given},{user}@example.org,{by_hand.get(user, '')},#\r\n"
        for id, user, given, family in people
    )
    export = EXPORT.format(item=ITEM) + rows
    (folder / "grades.csv").write_bytes(export.encode())
    lines = ["group,username", *(f"{group},{user}" for group, user in members)]
    (folder / "groups.csv").write_text("\n".join(lines) + "\n")
    name = folder / "Sums Download Oct 13, 2025 900 AM.zip"
    with zipfile.ZipFile(name, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("index.html", INDEX)
        for number, (who, at, file, content) in enumerate(handed):
            archive.writestr(f"{39786 + number}-640693 - {who} - {at}/{file}", content)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        of_pairs(Path(__file__).parent, int(sys.argv[1]))
    else:
        main(Path(__file__).parent)
