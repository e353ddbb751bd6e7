import pytest

pytest.importorskip("optuna")

from solution.reversal import tuning
from solution.reversal.tasks import split

pytestmark = [
    pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr(tuning, "STEPS", 10)
    monkeypatch.setattr(tuning, "split", lambda task, rng: split(task, rng, n_train=200))


def test_a_search_writes_its_table_and_goes_on_where_it_was(tmp_path, capsys):
    """Two trials, then three in all: the old ones stay, and the new one tries something new."""
    tuning.main(["--trials", "2", "--out", str(tmp_path)])
    first = set(capsys.readouterr().out.splitlines()[2:])
    tuning.main(["--trials", "3", "--out", str(tmp_path)])
    second = set(capsys.readouterr().out.splitlines()[2:])
    settings = {tuple(row.split(" | ")[1:4]) for row in second}

    assert len(first) == 2
    assert len(second) == len(settings) == 3
    assert first < second
    assert {path.name for path in tmp_path.iterdir()} == {
        "study.db",
        "reverse-5.md",
        "reverse-5.svg",
    }
