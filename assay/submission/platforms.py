"""Whose a file or a folder is, by the name that a learning platform gave it.

Each pattern is that of the platform's own download of all submissions to one assignment. The part
that the platform writes says who; the rest of a name is the student's, and may look like anything.
If the two cannot be told apart, no one is named: see `doubt`.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from assay.errors import UsageError, quoted
from assay.records import Person

GRADESCOPE = "submission_metadata.yml"
"""Beside the folders of Gradescope's export: who handed in what."""
MAX_NAME = 400
"""Characters; an archive may hold names of 65,535, and a file system none of more than 255."""
MAX_METADATA = 50_000_000
OF_GRADESCOPE = re.compile(r"submission_\d{1,20}")
"""What Gradescope calls the folders of its export."""
TIME = r"[A-Z][a-z]{2} \d{1,2}, \d{4} \d{1,2}[:_]?\d{2} ?[AP]M"
PATTERNS = {
    "brightspace": re.compile(
        rf"(?P<id>\d{{1,20}})-\d{{1,20}} - (?P<student>.{{1,200}}?) - (?P<attempt>{TIME})"
        r"(?: - (?P<file>.{1,255}))?"
    ),
    "canvas": re.compile(
        r"(?P<student>[^_]{1,200})_(?:LATE_)?(?!\d_\d_|(?:19|20)\d\d_(?:0?[1-9]|1[0-2])_)"  # a date
        r"(?P<id>\d{1,20})_(?:(?:question_\d{1,9}_)?(?P<attempt>\d{1,20})_(?P<file>.{1,255})"
        r"|(?P<typed>text\.html|link\.html))"  # what was typed into Canvas has no number of a file
    ),
    "moodle": re.compile(
        r"(?P<student>.{1,200}?)_(?P<id>\d{1,20})_assignsubmission_[a-z]{1,20}"
        r"(?:_(?P<file>.{0,255}))?",
        re.DOTALL,
    ),
    "blackboard": re.compile(
        r"(?P<student>(?P<id>[^_]{0,100}_.{1,150}?))_attempt_(?P<attempt>\d{4}(?:-\d\d){5})"
        r"(?:_(?P<file>.{1,255})|\.txt)?"
    ),
}
"""Brightspace's begins with its own numbers, so that no other is meant where it fits. Blackboard's
holds the assignment, `_` and the user: see `user_of`."""
MARK_OF_MOODLE = re.compile(r"_\d{1,20}_assignsubmission(?=_)")
AGAIN = re.compile(r"(?P<stem>.{1,255})-(?P<again>\d{1,3})(?P<ending>(?:\.[^.]{1,50})?)")
"""What Canvas makes of the name of a file that is handed in once more."""


@dataclass(frozen=True)
class Named:
    """What a platform's name says: who, which attempt, and the student's own name of the file.

    `file` is '' for a folder. A later attempt has a larger `attempt`.
    """

    platform: str
    id: str
    student: str
    attempt: tuple[int, ...]
    file: str

    @property
    def person(self) -> Person:
        return Person(platform=self.platform, id=self.id, name=self.student)

    @property
    def called(self) -> str:
        """A name for all that this person handed in: the same one, whatever it is made of."""
        return self.student if self.student == self.id else f"{self.student}_{self.id}"


def read(name: str) -> Named | None:
    """Return what a file's or folder's name says; None if no platform gave it or it is unclear."""
    readings = _readings(name)
    return readings[0] if len(readings) == 1 else None


def doubt(name: str) -> str:
    """Who may be meant where a name can be read in more than one way; '' if it cannot."""
    readings = [f"{one.called} ({one.platform})" for one in _readings(name)]
    return " or ".join(map(quoted, readings)) if len(readings) > 1 else ""


def _readings(name: str) -> list[Named]:
    """Return every way to read a name.

    A full name in Moodle may be its owner's own choice, and the name of a file always is: where
    Moodle's mark is there twice, either may be the platform's.
    """
    if len(name) > MAX_NAME:
        return []
    found = [
        _named(platform, match)
        for platform, pattern in PATTERNS.items()
        if (match := pattern.fullmatch(name))
    ]
    if found and found[0].platform == "brightspace":
        return found[:1]
    later = list(MARK_OF_MOODLE.finditer(name))[1:]
    if any(one.platform == "moodle" for one in found):
        found += [Named("moodle", *_of_moodle(name, mark.start()), (), "") for mark in later]
    return list({(one.platform, one.id): one for one in reversed(found)}.values())[::-1]


def _of_moodle(name: str, start: int) -> tuple[str, str]:
    """Return the number at a mark, and the full name before it."""
    return name[start + 1 :].partition("_")[0], name[:start]


def _named(platform: str, found: re.Match[str]) -> Named:
    parts = found.groupdict()
    attempt = _attempt(platform, parts.get("attempt") or "")
    file = parts["file"] or parts.get("typed") or ""
    return Named(platform, parts["id"], parts["student"], attempt, file)


def user_of(named: Named, beside: Iterable[Named], title: str) -> str:
    """The user in Blackboard's `assignment_user`: what is left without what all names begin with.

    Both may hold `_`. '' where several places may be the end of the assignment's name, and none of
    them is its `title`.
    """
    ends = [{end for end, sign in enumerate(one.id) if sign == "_"} for one in (named, *beside)]
    begins = [
        end + 1
        for end in sorted(set.intersection(*ends))
        if all(one.id[: end + 1] == named.id[: end + 1] for one in beside)
    ]
    titled = [end for end in begins if _letters(named.id[:end]) == _letters(title)]
    chosen = titled or [begin for begin in begins if begin < len(named.id)]
    return named.id[chosen[0] :] if len(chosen) == 1 else ""


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold())


def by_chance(names: Iterable[str]) -> set[str]:
    """Return the names among these that only look like Canvas': its number of a file occurs once.

    `ann_27_11_hw.ipynb` and `bob_27_11_hw.ipynb` hold a date.
    """
    named = {name: found for name in names if (found := read(name)) and found.platform == "canvas"}
    numbers = Counter((one.id, one.attempt) for name, one in named.items() if _is_whole(name))
    return {n for n, one in named.items() if _is_whole(n) and numbers[one.id, one.attempt] > 1}


def _is_whole(name: str) -> bool:
    """Whether it is no answer to one question of a quiz: those of one attempt share its number."""
    return "_question_" not in name


def _attempt(platform: str, text: str) -> tuple[int, ...]:
    if platform != "brightspace":
        return tuple(int(number) for number in re.findall(r"\d+", text))
    day, _, clock = text.rpartition(", ")
    year, _, clock = clock.partition(" ")
    digits, half = re.sub(r"\D", "", clock).zfill(4), clock[-2:]
    try:
        when = datetime.strptime(f"{day} {year} {digits} {half}", "%b %d %Y %I%M %p")
    except ValueError:  # `13:05 PM`: no such time
        return ()
    return when.year, when.month, when.day, when.hour, when.minute


def again(file: str) -> tuple[str, int]:
    """`hw-2.ipynb` as `hw.ipynb` and 2; a name without a number at its end has 0."""
    found = AGAIN.fullmatch(file)
    return (f"{found['stem']}{found['ending']}", int(found["again"])) if found else (file, 0)


def gradescope(content: bytes, where: str) -> dict[str, tuple[Person, ...]]:
    """Return the people of each folder of Gradescope's export; of a group there are several.

    Raises
    ------
    UsageError
        If the file is not as Gradescope writes it.
    """
    return {folder: people for folder, (people, _) in gradescope_entries(content, where).items()}


def gradescope_entries(
    content: bytes, where: str
) -> dict[str, tuple[tuple[Person, ...], datetime | None]]:
    """The people of each folder of Gradescope's export, and when it was handed in, if it says so.

    Raises
    ------
    UsageError
        If the file is not as Gradescope writes it.
    """
    import yaml  # only where there is such a file

    def plain(loader: Any, _: str, node: Any) -> Any:
        if isinstance(node, yaml.MappingNode):
            return loader.construct_mapping(node, deep=True)
        of_many = isinstance(node, yaml.SequenceNode)
        return loader.construct_sequence(node, deep=True) if of_many else node.value

    Plain: Any = type("Plain", (yaml.SafeLoader,), {})  # a Ruby object is its plain data
    Plain.yaml_implicit_resolvers = {  # and 0017 is a student's number, not fifteen
        first: [(tag, pattern) for tag, pattern in known if tag.endswith((":null", ":merge"))]
        for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    Plain.add_multi_constructor("", plain)
    try:
        data = yaml.load(content, Plain) if len(content) <= MAX_METADATA else None
        if not isinstance(data, dict):
            raise TypeError("it is not a table of submissions")
        if not all(isinstance(entry, dict) for entry in data.values()):
            raise TypeError("what it says of a submission is not a table")
        named = {str(folder): entry for folder, entry in data.items()}
        return {
            folder: (tuple(_submitters(entry)), _created(entry))
            for folder, entry in named.items()
            if OF_GRADESCOPE.fullmatch(folder)
        }
    except (yaml.YAMLError, RecursionError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(
            f"{quoted(where)} cannot be read",
            found=str(error)[:300],
            hint="export the submissions from Gradescope once more",
        ) from None


def _created(entry: Mapping[str, Any]) -> datetime | None:
    """When `2025-10-10 10:22:33.123456789 -04:00` is; None without a zone."""
    text = str(_at(entry, "created_at") or "").strip().replace("UTC", "Z")
    text = re.sub(r"(\.\d{6})\d+", r"\1", text)
    try:
        when = datetime.fromisoformat(re.sub(r" (?=[-+Z])", "", text))
    except ValueError:
        return None
    return when if when.tzinfo else None


def _submitters(entry: Mapping[str, Any]) -> Iterator[Person]:
    for one in _at(entry, "submitters") or ():
        texts = {key: str(_at(one, key) or "") for key in ("name", "sid", "email")}
        yield Person(
            platform="gradescope", id=texts["sid"], name=texts["name"], email=texts["email"]
        )


def _at(entry: Mapping[str, Any], key: str) -> Any:
    """Ruby's `:name` and plain `name` are one key."""
    return entry.get(f":{key}", entry.get(key))
