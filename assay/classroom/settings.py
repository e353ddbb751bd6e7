"""Read class.toml: the roster, the due time, the late rule, and what a person settled."""

import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, ValidationError, field_validator

from assay.errors import UsageError, quoted
from assay.records import Record

FILE = "class.toml"
TEMPLATE = """\
title = {title}
term = {title}                  # what the gradebook knows this class by: leave it as it is
assignment = {assignment}
roster = {roster}
item = {item}
due = {due}
time_zone = {time_zone}
# counts = "newest on time"      # or "first", "best" [default: "newest"]
# groups = "groups.csv"          # group,username

[late]
# grace_minutes = 15
# percent_a_day = 10             # or: points_an_hour = 0.5
# cap_percent = 50
# last_day = 2026-10-20T23:59:00
# free_days = 2
# previous = "../first"          # the class before it in the term: days used there are used here

[extension]
# "101234567" = 2026-10-12T23:59:00

[submitted]
# "101234567" = 2026-10-10T12:00:00    # where the download has no time

[settled]
# "What the platform calls them" = "101234567"
# "Who left the class" = ""            # not in the class: it is not asked for again
"""


class LateRule(Record):
    """What lateness costs; nothing if no line is written."""

    grace_minutes: Annotated[int, Field(ge=0, le=10_000)] = 0
    percent_a_day: Annotated[float, Field(ge=0, le=100)] = 0.0
    """For each day that has begun, of all points of the assignment."""
    points_an_hour: Annotated[float, Field(ge=0)] = 0.0
    """For each hour that has begun."""
    cap_percent: Annotated[float, Field(ge=0, le=100)] = 100.0
    """The most that is taken off, of all points of the assignment."""
    last_day: datetime | None = None
    """What comes later earns nothing."""
    free_days: Annotated[int, Field(ge=0, le=1000)] = 0
    previous: str = ""
    """The folder of the class before this one in the term: free days are used up there first."""

    @field_validator("points_an_hour")
    @classmethod
    def is_one_rule(cls, value: float, info: object) -> float:
        if value and getattr(info, "data", {}).get("percent_a_day"):
            raise ValueError("`percent_a_day` and `points_an_hour` cannot both be set")
        return value


class ClassSettings(Record):
    """One assignment of one class."""

    title: str
    assignment: str = "assignment.toml"
    roster: str
    item: str
    """The grade item's name on the platform."""
    due: datetime
    time_zone: str
    """Of the platform's clock, and of every time here that names none."""
    platform: Literal["", "brightspace", "canvas", "moodle", "gradescope", "nbgrader", "ilias"] = ""
    groups: str = ""
    term: str = ""
    """What `assay class forget --term` forgets together [default: the title]."""
    gradebook: str = ""
    """A URL of PostgreSQL [default: a file beside class.toml]."""
    counts: Literal["newest", "newest on time", "first", "best"] = "newest"
    """Which of several attempts is a person's mark; of those that can be graded."""
    late: LateRule = LateRule()
    extension: dict[str, datetime] = {}
    """A person's own due time, by id or user name."""
    submitted: dict[str, datetime] = {}
    """When somebody handed in, by id or user name, where the download does not say."""
    settled: dict[str, str] = {}
    """The platform's name of a person, to an id, user name or group; '' if not in the class."""

    @field_validator("time_zone")
    @classmethod
    def zone_exists(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"`{value}` is no time zone, such as `America/Toronto`") from None
        return value

    def moment(self, when: datetime) -> datetime:
        """Return a time in UTC; one without a zone is the platform's.

        Of an hour that the clock shows twice, the first is meant: its change makes no one late.
        """
        if when.tzinfo is None:
            when = when.replace(tzinfo=ZoneInfo(self.time_zone))
        return when.astimezone(UTC)


def read(folder: Path) -> ClassSettings:
    """Read the class.toml of a folder.

    Raises
    ------
    UsageError
        If it is not there, or is not as it has to be.
    """
    path = folder / FILE
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"{quoted(path)} cannot be read",
            found=str(error.strerror),
            hint="`assay class new FOLDER` writes one",
        ) from None
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{quoted(path)} is not UTF-8", found=str(error), hint="save it as UTF-8"
        ) from None
    return parsed(text, path)


def parsed(text: str, path: Path) -> ClassSettings:
    """Return what a text says that is, or will be, at this path.

    Raises
    ------
    UsageError
        If it is not as it has to be.
    """
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(
            f"{quoted(path)} is not TOML",
            found=str(error),
            hint="compare the line with what `assay class new` writes",
        ) from None
    try:
        return ClassSettings.model_validate(values)
    except ValidationError as error:
        lines = [
            f"`{'.'.join(map(str, one['loc'])) or FILE}`: {one['msg']}" for one in error.errors()
        ]
        raise UsageError(
            f"{quoted(path)} is not written as it has to be",
            found="\n".join(lines),
            hint="`assay class new` writes every key that there is, each with an example",
        ) from None
