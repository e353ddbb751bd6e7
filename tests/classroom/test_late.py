"""Late rules are data, and each has its arithmetic in one line."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from assay.classroom import late, settings
from assay.errors import UsageError

TOML = """\
title = "A3"
roster = "r.csv"
item = "A3"
due = 2025-10-10T23:59:00
time_zone = "America/Toronto"
[late]
"""
DUE = datetime(2025, 10, 10, 23, 59)


def read(folder: Path, rule: str) -> settings.ClassSettings:
    (folder / "class.toml").write_text(TOML + rule)
    return settings.read(folder)


@pytest.mark.parametrize(
    ("rule", "minutes", "mark", "line"),
    [
        ("percent_a_day = 10", 0, 18, "18.00, on time"),
        ("percent_a_day = 10", -900, 18, "18.00, on time"),
        ("percent_a_day = 10", 1, 16, "18.00, 1 min late: 1 × 10 % of 20 = 2.00; 18.00 − 2.00"),
        ("percent_a_day = 10", 1440, 16, "18.00, 1 d late: 1 × 10 %"),
        ("percent_a_day = 10", 1441, 14, "18.00, 1 d 1 min late: 2 × 10 %"),
        ("percent_a_day = 10\ncap_percent = 50", 14_400, 8, "at most 50 % = 10.00"),
        ("percent_a_day = 10\ngrace_minutes = 15", 15, 18, "within 15 min of grace"),
        ("percent_a_day = 10\ngrace_minutes = 15", 16, 16, "16 min late: 1 × 10 %"),
        ("points_an_hour = 0.5", 61, 17, "2 × 0.5 = 1.00; 18.00 − 1.00 = 17.00"),
        ("points_an_hour = 50", 61, 0, "18.00 − 18.00 = 0.00"),
        ("last_day = 2025-10-12T23:59:00", 2880, 18, "2 d late: 18.00"),
        ("last_day = 2025-10-12T23:59:00", 2881, 0, "after the last day: 0.00"),
        ("percent_a_day = 10\nfree_days = 2", 2880, 18, "2 free days used: 18.00"),
        ("percent_a_day = 10\nfree_days = 2", 2881, 16, "2 free days used: 1 × 10 %"),
        ("", 5000, 18, "late: 18.00"),
    ],
)
def test_a_rule_takes_off_what_it_says(
    tmp_path: Path, rule: str, minutes: int, mark: float, line: str
):
    """At its borders: the minute that is on time, and the next one."""
    class_ = read(tmp_path, rule)
    found = late.apply(class_, points=18, possible=20, at=DUE + timedelta(minutes=minutes))

    assert found.mark == pytest.approx(mark)
    assert line in found.line
    assert found.mark == pytest.approx(18 - found.taken_off)


def test_an_extension_moves_the_due_time_and_never_back(tmp_path: Path):
    """One that is earlier than the due time takes nothing from anybody."""
    class_ = read(tmp_path, "percent_a_day = 10")
    at = DUE + timedelta(days=1)

    assert late.apply(class_, points=18, possible=20, at=at, extended=at).mark == 18
    early = late.apply(class_, points=18, possible=20, at=DUE, extended=DUE - timedelta(days=5))
    assert early.mark == 18


def test_a_change_of_the_clock_makes_nobody_late(tmp_path: Path):
    """In Toronto 1:30 comes twice on 2 November 2025; a time with a zone is that time."""
    class_ = read(tmp_path, "points_an_hour = 1").model_copy(
        update={"due": datetime(2025, 11, 2, 1, 30)}
    )
    found = late.apply(class_, points=18, possible=20, at=datetime(2025, 11, 2, 1, 30))

    assert found.minutes == 0
    utc = datetime.fromisoformat("2025-11-02T05:31:00+00:00")
    assert late.apply(class_, points=18, possible=20, at=utc).minutes == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("title = 3", "`title`"),
        (TOML + "percent_a_day = 10\npoints_an_hour = 1", "cannot both"),
        (TOML.replace("America/Toronto", "Toronto/Nowhere"), "no time zone"),
        (TOML.replace("America/Toronto", "../etc"), "no time zone"),
        (TOML + "percent = 1", "`late.percent`"),
        (TOML + "percent_a_day = 101", "`late.percent_a_day`"),
        ("title = ", "not TOML"),
    ],
)
def test_a_wrong_class_toml_is_refused_with_a_hint(tmp_path: Path, text: str, said: str):
    """What, where, and what to do."""
    (tmp_path / "class.toml").write_text(text)

    with pytest.raises(UsageError) as caught:
        settings.read(tmp_path)
    assert said in str(caught.value)
    assert caught.value.hint
