"""What lateness costs, with the arithmetic of it in one line."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from assay.classroom.settings import ClassSettings
from assay.words import counted

DAY, HOUR = 24 * 60, 60


@dataclass(frozen=True)
class Late:
    """How late, what is taken off, what is left, and how that was worked out."""

    minutes: int
    taken_off: float
    mark: float
    line: str
    free_days_used: int = 0


def lateness(at: datetime, due: datetime) -> int:
    """Return the minutes that have begun since the due time; 0 if it is not over."""
    return max(0, ceil((at - due) / timedelta(minutes=1)))


def apply(
    settings: ClassSettings,
    *,
    points: float,
    possible: float,
    at: datetime,
    extended: datetime | None = None,
    spent: int = 0,
) -> Late:
    """Apply the late rule to points; `spent` are the free days used before.

    An extension moves the due time, and the last day with it if it is the later one. Days and hours
    are counted from the due time, and those that have begun count whole.
    """
    rule = settings.late
    due = max(settings.moment(one) for one in (settings.due, extended) if one)
    minutes = lateness(settings.moment(at), due)
    earned = f"{points:.2f}"
    if not minutes:
        return Late(0, 0.0, points, f"{earned}, on time")
    said = f"{earned}, {_length(minutes)} late"
    if rule.last_day and settings.moment(at) > max(settings.moment(rule.last_day), due):
        return Late(minutes, points, 0.0, f"{said}, after the last day: 0.00")
    if minutes <= rule.grace_minutes:
        return Late(minutes, 0.0, points, f"{said}, within {rule.grace_minutes} min of grace")
    used = min(max(0, rule.free_days - spent), ceil(minutes / DAY))
    after = max(0, minutes - used * DAY)
    if used:
        said += f", {counted(used, 'free day')} used"
    if spent and rule.free_days:
        said += f" ({spent} of {rule.free_days} before)"
    off, how = _cost(settings, after, possible)
    if not off:
        return Late(minutes, 0.0, points, f"{said}: {earned}", used)
    cap = rule.cap_percent / 100 * possible
    if off > cap:
        off, how = cap, f"{how}, at most {rule.cap_percent:g} % = {cap:.2f}"
    off = round(min(off, max(points, 0.0)), 2)
    mark = round(points - off, 2)
    return Late(minutes, off, mark, f"{said}: {how}; {earned} − {off:.2f} = {mark:.2f}", used)


def _cost(settings: ClassSettings, minutes: int, possible: float) -> tuple[float, str]:
    rule = settings.late
    if rule.percent_a_day:
        days = ceil(minutes / DAY)
        off = days * rule.percent_a_day / 100 * possible
        return off, f"{days} × {rule.percent_a_day:g} % of {possible:g} = {off:.2f}"
    hours = ceil(minutes / HOUR)
    off = hours * rule.points_an_hour
    return off, f"{hours} × {rule.points_an_hour:g} = {off:.2f}"


def _length(minutes: int) -> str:
    days, rest = divmod(minutes, DAY)
    hours, rest = divmod(rest, HOUR)
    parts = ((days, "d"), (hours, "h"), (rest, "min"))
    return " ".join(f"{number} {unit}" for number, unit in parts if number)
