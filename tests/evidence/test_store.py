"""A run is kept whole or not at all."""

import errno
import logging
import os
import random
import subprocess
import sys
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from assay.errors import OurFault, UsageError
from assay.evidence import packing
from assay.evidence.packing import MANIFEST, differences, listed, manifest, write
from assay.evidence.store import Store
from assay.records import Check, CourseReport, Judgement, Outcome, Run, RunRecord, Verdict


def record(key: str = "ab" * 32, reason: str = "every cell ran") -> RunRecord:
    return RunRecord(
        run=Run(part="sums", parameters={"seed": 1, "dataset": "a", "rate": 0.5, "deep": True}),
        key=key,
        outcome=Outcome.COMPLETED,
        reason=reason,
        seconds=1.25,
        cells=[],
        numerics={"numpy": "2"},
    )


def test_what_is_kept_comes_back(store: Store):
    """Record and files, equal and complete."""
    store.put(record(), {"evidence/a.npz": b"1", "shapes.json": b"{}"})

    assert store.has(record().key)
    assert store.record(record().key) == record()
    names = {"evidence/a.npz", "shapes.json", "run.json", MANIFEST}
    assert store.files(record().key).keys() == names
    assert store.files(record().key)["evidence/a.npz"] == b"1"


def test_an_empty_store_has_nothing(store: Store):
    """Asking costs nothing and makes nothing."""
    assert not store.has("ab" * 32)
    assert not store.root.exists()


def test_a_run_that_is_dropped_is_gone(store: Store):
    """And dropping what is not there is no error."""
    store.put(record(), {})
    store.drop(record().key)
    store.drop(record().key)

    assert not store.has(record().key)


def test_dropping_one_run_leaves_its_neighbours(store: Store):
    """Keys that share their first letters share a folder, not a fate."""
    one, other = record("ab" + "0" * 62), record("ab" + "1" * 62)
    store.put(one, {})
    store.put(other, {})
    store.drop(one.key)

    assert store.has(other.key)


def test_a_manifest_names_any_file_as_sha256sum_does(tmp_path: Path):
    """Ends of lines in a name do not make two entries; coreutils reads it, and so do we."""
    files = {"a": b"1", "b\nc": b"2", "d\\e": b"3", f"x\n{'0' * 64}  y": b"4"}
    text = manifest(files)
    write(files, tmp_path)
    checked = subprocess.run(
        ["sha256sum", "--check", "--strict"], input=text.encode(), cwd=tmp_path, check=False
    )

    assert checked.returncode == 0
    assert listed(text).keys() == files.keys()
    assert differences(listed(text), files) == []
    assert differences(listed(text), {**files, "a": b"0"}) == ["`a` was changed"]


def test_of_two_writers_the_first_wins(store: Store):
    """The second changes nothing and leaves no draft behind."""
    store.put(record(reason="first"), {"a": b"1"})
    store.put(record(reason="second"), {"b": b"2"})

    assert store.record(record().key).reason == "first"
    assert store.files(record().key).keys() == {"a", MANIFEST, "run.json"}
    assert [*store.place(record().key).parent.iterdir()] == [store.place(record().key)]


def test_many_writers_leave_one_whole_run(store: Store):
    """Written by eight threads at once, what is kept is one writer's, whole."""
    with ThreadPoolExecutor(8) as pool:
        for n in range(32):
            pool.submit(
                store.put, record(reason=str(n)), {f"{i}": str(n).encode() for i in range(9)}
            )

    files = store.files(record().key)
    assert len({files[f"{i}"] for i in range(9)}) == 1
    assert files["0"].decode() == store.record(record().key).reason
    assert len(list(store.place(record().key).parent.iterdir())) == 1


def test_a_writer_that_is_stopped_half_way_keeps_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    """A draft is no run: an interrupted batch makes it again."""

    def stopped(number: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", stopped)
    with pytest.raises(KeyboardInterrupt):
        store.put(record(), {"a": b"1"})

    assert not store.has(record().key)
    assert list(store.place(record().key).parent.iterdir()) == []


WRITER = """
import os, sys
from pathlib import Path
from assay.evidence.store import Store
from assay.records import RunRecord

record = RunRecord.model_validate_json(sys.stdin.read())
files = {f"evidence/{n}.npz": os.urandom(100_000) for n in range(30)}
print("ready", flush=True)
while True:
    Store(Path(sys.argv[1])).put(record, files)
    Store(Path(sys.argv[1])).drop(record.key)
"""


def test_a_writer_that_is_killed_leaves_a_whole_run_or_none(store: Store):
    """Killed at any moment: what has the name of a run is one, and the next writer is not kept."""
    moments = random.Random(0)
    for _ in range(12):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(store.root)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as writer:
            assert writer.stdin
            assert writer.stdout
            writer.stdin.write(record().model_dump_json())
            writer.stdin.close()
            assert writer.stdout.readline() == "ready\n"
            time.sleep(moments.uniform(0, 0.1))
            writer.kill()
        if store.has(record().key):
            assert store.record(record().key) == record()
            files = store.files(record().key)
            assert differences(listed(files[MANIFEST].decode()), plain(files)) == []
    store.drop(record().key)
    store.put(record(), {"a": b"1"})
    assert store.files(record().key)["a"] == b"1"
    store.prune(time.time() + 1)
    assert [path.name for path in store.root.rglob("*") if path.is_file()] == ["in-use"]


def plain(files: dict[str, bytes]) -> dict[str, bytes]:
    """Without what is said of the others."""
    return {name: held for name, held in files.items() if name not in (MANIFEST, "run.json")}


def test_a_run_is_one_file_and_takes_less_where_that_pays(store: Store):
    """Text is compressed, numbers without a pattern are not; both come back to a byte."""
    noise = random.Random(0).randbytes(50_000)
    text = b"the same words " * 10_000
    files = {"executed.ipynb": text, "evidence/a.npz": b"1", "left.bin": noise}
    store.put(record(), files)
    [path] = [path for path in store.root.rglob("*") if path.is_file()]

    assert plain(store.files(record().key)) == files
    assert path.stat().st_size < 55_000
    with zipfile.ZipFile(path) as archive:
        assert archive.getinfo("left.bin").compress_type == zipfile.ZIP_STORED
    assert store.files(record().key, "evidence/").keys() == {"evidence/a.npz"}


def test_an_archive_of_an_older_assay_is_read(store: Store):
    """Each file was a member of its own there."""
    content = {"evidence/a.npz": b"1", "run.json": record().model_dump_json().encode()}
    store.put(record(), {})
    store.place(record().key).write_bytes(packing.compressed(content))

    assert store.record(record().key) == record()
    assert store.files(record().key) == content
    assert store.files(record().key, "evidence/").keys() == {"evidence/a.npz"}


def test_only_what_is_asked_for_is_read(store: Store):
    """By the beginnings of names, wherever in the archive the files lie."""
    files = {"evidence/a.npz": b"1", "evidence/ab.json": b"2", "shapes.json": b"{}"}
    store.put(record(), files)

    for begin in ("evidence/", "evidence/ab", "ev", "shapes", "given/"):
        expected = {name for name in files if name.startswith(begin)}
        assert store.files(record().key, begin).keys() == expected


def test_a_run_of_an_older_assay_is_read(store: Store):
    """A folder of the same files: it is found, read, counted, forgotten, and not written twice."""
    content = {"evidence/a.npz": b"1", "run.json": record().model_dump_json().encode()}
    write(content, store.folder(record().key))
    store.put(record(reason="another"), {"evidence/a.npz": b"2"})

    assert store.has(record().key)
    assert store.record(record().key) == record()
    assert store.files(record().key) == content
    assert [held.key for held in store.held()] == [record().key]
    assert len(store.listing(record().key)) == 2
    store.drop(record().key)
    assert not store.has(record().key)


@pytest.mark.parametrize("damage", ["cut short", "a byte changed", "empty"])
def test_a_damaged_run_is_named(store: Store, damage: str):
    """Our fault, with the file to remove; never half of a run."""
    store.put(record(), {"evidence/a.npz": random.Random(0).randbytes(1000)})
    path = store.place(record().key)
    content = path.read_bytes()
    at = content.index(b"evidence.rest") + 200
    changed = content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
    path.write_bytes({"cut short": content[:-300], "a byte changed": changed, "empty": b""}[damage])

    with pytest.raises(OurFault, match=r"the run that is kept in .* is damaged") as told:
        store.files(record().key)
    assert "remove it" in told.value.hint


def test_no_changed_byte_changes_what_is_read(store: Store):
    """Of an archive any byte may rot: what comes back is the same, or it is damaged."""
    key = record().key
    store.put(record(), {"evidence/a.npz": b"1" * 60, "evidence/b.json": b'{"a": "b"}' * 9})
    path, right = store.place(key), (store.files(key), store.record(key))
    content, refused = path.read_bytes(), 0
    for at in range(len(content)):
        path.write_bytes(content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :])
        try:
            assert (store.files(key), store.record(key)) == right, at
        except OurFault:
            refused += 1

    assert refused > len(content) / 2


def test_a_changed_archive_is_listed_otherwise(store: Store):
    """Whatever its times say: what is judged of it is judged anew."""
    store.put(record(), {"evidence/a.npz": b"1"})
    before = store.listing(record().key)
    store.record(record().key)
    assert store.listing(record().key) == before
    store.drop(record().key)
    store.put(record(), {"evidence/a.npz": b"2"})
    assert store.listing(record().key) != before


def test_what_takes_the_place_of_a_run_is_written_first(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    """A full disk, or a kill, leaves the run that marks rest on."""
    store.put(record(reason="first"), {"a": b"1"})

    def full(number: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            store.put(record(reason="second"), {"a": b"2"}, instead=True)
    assert store.record(record().key).reason == "first"

    store.put(record(reason="second"), {"a": b"2"}, instead=True)
    assert store.record(record().key).reason == "second"


def test_a_run_that_was_copied_to_anothers_place_is_none_of_theirs(store: Store):
    """A backup that was put back in the wrong place gives nobody another's marks."""
    one, other = record("ab" + "0" * 62), record("ab" + "1" * 62)
    store.put(one, {})
    store.place(other.key).write_bytes(store.place(one.key).read_bytes())

    with pytest.raises(OurFault, match="damaged") as told:
        store.record(other.key)
    assert "it holds the run ab0000000000" in told.value.found


OF_A_TEST: Any = dict.fromkeys(("part", "criterion", "name", "title", "run"), "x")


def test_what_could_not_be_judged_is_judged_again(store: Store):
    """A disk that was away may be back; what was judged is kept."""
    made: list[Verdict] = []

    def judged(verdict: Verdict, wanted: list[str]) -> dict[str, Judgement]:
        made.append(verdict)
        return {name: Judgement(checks=[Check(**OF_A_TEST, verdict=verdict)]) for name in wanted}

    for verdict in (Verdict.NOT_JUDGED, Verdict.PASSED, Verdict.FAILED):
        store.judgements("cd" * 32, {"": ""}, partial(judged, verdict))

    assert made == [Verdict.NOT_JUDGED, Verdict.PASSED]


def test_a_test_file_that_changed_judges_alone(store: Store):
    """What the others found stays; what is no longer asked for is not kept."""
    asked: list[list[str]] = []

    def judged(wanted: list[str]) -> dict[str, Judgement]:
        asked.append(wanted)
        return {name: Judgement() for name in wanted}

    for tests in (
        {"": "", "a": "1", "b": "1"},
        {"": "", "a": "2", "b": "1"},
        {"a": "2"},
        {"b": "1"},
    ):
        assert store.judgements("cd" * 32, tests, judged).keys() == tests.keys()

    assert asked == [["", "a", "b"], ["a"]]


@pytest.mark.parametrize("note", ["", "ab", "../../x"])
def test_a_note_that_holds_no_key_is_written_anew(store: Store, note: str):
    """A power cut may leave it empty."""
    job = SimpleNamespace(recipe="ef" * 32, key="ab" * 32)
    store.key(job)
    [path] = store.notes()
    path.write_text(note)

    assert not store.knows(job)
    assert store.key(job) == job.key
    assert path.read_text() == job.key


def test_the_kept_files_are_plain(store: Store):
    """Any program for archives opens them, and a person can read run.json."""
    store.put(record(), {})

    with zipfile.ZipFile(store.place(record().key)) as archive:
        assert b'"outcome": "completed"' in archive.read("run.json")


def test_what_was_not_used_can_be_forgotten(store: Store):
    """Runs, notes and drafts that a killed writer left; what was used since stays."""
    old, new = record("aa" + "0" * 62), record("bb" + "1" * 62)
    for one in (old, new):
        store.put(one, {"evidence/a.npz": b"1"})
    drafts = [store.place(old.key).parent / ".draft-x", store.root / ".draft-y"]
    drafts[0].mkdir()
    drafts[1].write_text("{")
    for path in (store.place(old.key), store.place(new.key), *drafts):
        os.utime(path, (1000, 1000))
    store.record(new.key)
    forgotten = store.prune(2000)

    assert [held.key for held in forgotten] == [old.key]
    assert [held.key for held in store.held()] == [new.key]
    assert [draft for draft in drafts if draft.exists()] == []


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """What stood there stays until all of the new content is written."""
    page = tmp_path / "new" / "page.html"
    packing.write_whole(page, b"first")

    def full(_file: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            packing.write_whole(page, b"second")

    assert page.read_bytes() == b"first"
    packing.write_whole(page, b"third")
    assert page.read_bytes() == b"third"


def test_what_was_used_longest_ago_goes_first(store: Store):
    """Until no more is kept than was said; what is asked for again is used."""
    keys = [f"{n:02x}" + "0" * 62 for n in range(4)]
    for age, key in enumerate(keys):
        store.put(record(key), {"evidence/a.npz": random.Random(key).randbytes(10_000)})
        os.utime(store.place(key), (1000 + age, 1000 + age))
    store.record(keys[0])
    size = store.held()[0].size

    assert [held.key for held in store.shrink(2 * size + 5_000)] == keys[1:3]
    assert [held.key for held in store.held()] == [keys[3], keys[0]]
    assert store.shrink(2 * size + 5_000) == []
    assert len(store.shrink(0)) == 2
    assert store.held() == []


def test_judgements_go_like_runs(store: Store):
    """They take room too, and are made again."""
    store.put(record(), {})
    store.judgements("ab" * 32, {"": ""}, lambda wanted: {"": Judgement()})
    [note] = store.notes()
    os.utime(note, (1000, 1000))

    assert store.shrink(store.held()[0].size) == []
    assert store.notes() == []
    assert store.has(record().key)


def test_a_damaged_note_is_none(store: Store, caplog: pytest.LogCaptureFixture):
    """What was judged, or found of a course, is judged and looked at again; the log says so."""
    caplog.set_level(logging.INFO, "assay")
    good = CourseReport(faults=[], failing=[], notes=[])
    judged = {"": Judgement()}
    store.judgements("ab" * 32, {"": ""}, lambda wanted: judged)
    store.checked(CourseReport, "cd" * 32, lambda: good)
    for damage in (b"", b"{", b"\0" * 40):
        for note in store.notes():
            note.write_bytes(damage)
        assert store.judgements("ab" * 32, {"": ""}, lambda wanted: judged) == judged
        assert store.checked(CourseReport, "cd" * 32, lambda: good) == good
    assert caplog.text.count("cannot be read") == 6


def test_a_note_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A machine that stops leaves the whole note, or none: not a name without content."""
    done: list[str] = []
    fsync, replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda file: (fsync(file), done.append("on the disk")))
    monkeypatch.setattr(
        Path, "replace", lambda path, to: (done.append("named"), replace(path, to))[1]
    )
    packing.write_whole(tmp_path / "note", b"1")

    assert done == ["on the disk", "named"]


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_nothing_is_forgotten_where_nobody_can_know_who_else_is_there(
    store: Store, monkeypatch: pytest.MonkeyPatch, number: int
):
    """On a file system without locks runs are kept and read; forgetting is refused, with why."""

    def flock(_file: int, _kind: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("assay.portable.fcntl.flock", flock)
    with store.in_use():
        store.put(record(), {})
    for forget in (lambda: store.shrink(0), lambda: store.prune(time.time() + 1)):
        with pytest.raises(UsageError, match="the file system has no locks") as told:
            forget()
        assert os.strerror(number) in told.value.found
    assert store.has(record().key)


HOLDER = """
import sys
from pathlib import Path
from assay.evidence.store import Store

with Store(Path(sys.argv[1])).in_use():
    print("held", flush=True)
    sys.stdin.read()
"""


def test_nothing_is_forgotten_while_another_command_runs(store: Store):
    """However the other ends, killed or not, it holds nothing afterwards."""
    store.put(record(), {})
    for killed in (False, True):
        with subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(store.root)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as other:
            assert other.stdin
            assert other.stdout
            assert other.stdout.readline() == "held\n"
            with store.in_use():  # it shares
                assert store.has(record().key)
            for forget in (lambda: store.shrink(0), lambda: store.prune(time.time() + 1)):
                with pytest.raises(UsageError, match="another command uses what is kept"):
                    forget()
            assert store.has(record().key)
            if killed:
                other.kill()
            other.stdin.close()
    assert [held.key for held in store.shrink(0)] == [record().key]
