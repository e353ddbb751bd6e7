"""A crate holds all that a result rests on; whoever changes any of it is found out."""

import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner
from rocrate.rocrate import ROCrate

from assay import cli
from assay.errors import CannotGrade, UsageError
from assay.evidence import keys, receipt
from assay.evidence.packing import MANIFEST, manifest, write
from assay.evidence.store import Store
from assay.records import Result
from tests.toys import toy as toys
from tests.toys.shared import MACHINE
from tests.toys.toy import PARAMETERS, SUBTRACT, notebook

CONTEXT = Path(__file__).parents[1] / "export" / "external" / "ro-crate-1.1-context.jsonld"
KEY = b"k" * 32


def assay(root: Path, *words: str, key: Path | None = None) -> Any:
    """`assay WORDS...` in the course's folder, in this process; its errors are raised."""
    environment = {"ASSAY_REQUIRE_ISOLATION": "0", "ASSAY_SIGNING_KEY": str(key) if key else ""}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        ran = CliRunner(env=environment).invoke(cli.cli, words, obj=MACHINE)
    if ran.exception and not isinstance(ran.exception, SystemExit):
        raise ran.exception
    return ran


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A course in which a wrong answer was graded over two seeds, signed, and packed."""
    folder = tmp_path_factory.mktemp("crate") / "course"
    with toys.course(folder, text=toys.toml(seeds=(0, 1))):
        (folder / "handed_in").mkdir()
        (folder / "handed_in" / "ada.ipynb").write_bytes(notebook(PARAMETERS, SUBTRACT))
        (folder / "key").write_bytes(KEY)
        assay(folder, "grade", "handed_in/ada.ipynb", key=folder / "key")
        packed = ("--submission", "handed_in", "--out", "crate")
        assay(folder, "export", "ro-crate", "reports/ada", *packed)
        yield folder


@pytest.fixture
def crate(root: Path, tmp_path: Path) -> Path:
    """A copy of the crate, to be changed."""
    return shutil.copytree(root / "crate", tmp_path / "crate")


def found(root: Path, *words: str, key: bool = False) -> dict[str, dict[str, Any]]:
    """What `assay verify` finds, by what it looked at."""
    ran = assay(root, "verify", "--json", *words, key=root / "key" if key else None)
    findings = {one["what"]: one for one in json.loads(ran.stdout)}

    assert ran.exit_code == int(any(one["changed"] for one in findings.values()))
    return findings


def changes(findings: dict[str, dict[str, Any]]) -> list[str]:
    return [said for one in findings.values() for said in one["changed"]]


# What is in it ------------------------------------------------------------------------------


def test_its_reader_finds_every_run(root: Path):
    """An action a run: what by, on what, with which parameters, what came out."""
    crate = ROCrate(root / "crate")
    runs = {a["name"]: a for a in crate.root_dataset["mentions"] if a["name"] != "Judgement"}
    first = runs["Run sums/a/seed-0"]

    assert sorted(runs) == ["Run sums/a/seed-0", "Run sums/a/seed-1"]
    assert first["instrument"]["name"] == "assay"
    assert [(e["name"], e["value"]) for e in first["object"] if e.type == "PropertyValue"] == [
        ("seed", 0),
        ("dataset", "a"),
    ]
    assert all((root / "crate" / entity.id).exists() for entity in first["result"])
    assert "endTime" not in first.properties()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # what it uses of rdflib
def test_the_checker_of_the_profile_has_nothing_to_say(
    root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """RO-Crate 1.1 and Process Run Crate 0.5, all that is required."""
    reason = "it wants another version of rich: `nox -s validate` has it"
    services = pytest.importorskip("rocrate_validator.services", reason=reason)
    from rocrate_validator.models import Severity, ValidationSettings
    from rocrate_validator.utils.http import HttpRequester

    def get(_: object, address: str, **__: object) -> SimpleNamespace:
        """The one document that it reads from the network."""
        assert address == "https://w3id.org/ro/crate/1.1/context"
        known = json.loads(CONTEXT.read_text())
        headers = {"Content-Type": "application/ld+json"}
        return SimpleNamespace(status_code=200, headers=headers, json=lambda: known)

    monkeypatch.setattr(HttpRequester, "get", get, raising=False)
    settings = ValidationSettings(
        rocrate_uri=str(root / "crate"),
        profile_identifier="process-run-crate-0.5",
        requirement_severity=Severity.REQUIRED,
        offline=True,
        cache_path=tmp_path / "cache",
    )
    result = services.validate(settings)

    assert [issue.message for issue in result.get_issues()] == []
    assert len(result.executed_checks) > 40


def test_a_result_is_valid_by_its_schema(root: Path):
    """As any reader of JSON Schema sees it."""
    result = json.loads((root / "reports/ada/results.json").read_text())

    jsonschema.validate(result, Result.model_json_schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(result | {"mark": 100}, Result.model_json_schema())


def test_sha256sum_checks_it(root: Path):
    """Nobody needs assay to see whether a file was changed."""
    told = ["sha256sum", "--check", "--strict", "--quiet", MANIFEST]
    checked = subprocess.run(told, cwd=root / "crate", capture_output=True, text=True)

    assert (checked.returncode, checked.stdout) == (0, "")
    assert (
        len((root / "crate" / MANIFEST).read_text().splitlines())
        == len([path for path in (root / "crate").rglob("*") if path.is_file()]) - 1
    )


def test_what_was_changed_since_it_was_judged_is_not_packed(root: Path, tmp_path: Path):
    """A crate would say that the marks follow from files that they do not follow from."""
    course = shutil.copytree(root, tmp_path / "course")
    next(course.glob("rubric_*/test_add.py")).write_text("# another")

    with pytest.raises(CannotGrade, match="judged by other files"):
        assay(
            course, "export", "ro-crate", "reports/ada", "--submission", "handed_in", "--out", "c"
        )


def test_a_result_may_have_any_name(root: Path, tmp_path: Path):
    """What is packed is that file, and not the one of a report beside it."""
    shutil.copy(root / "reports/ada/results.json", tmp_path / "ada.json")
    packed = ("--submission", "handed_in", "--out", str(tmp_path / "crate"))
    said = assay(root, "export", "ro-crate", str(tmp_path / "ada.json"), *packed)

    assert said.exit_code == 0
    assert (tmp_path / "crate" / "results.json").exists()


def test_a_crate_is_not_written_over_another(root: Path):
    """Runs of the first would stay in it."""
    packed = ("--submission", "handed_in", "--out", "crate")

    with pytest.raises(UsageError, match="`crate` is not empty"):
        assay(root, "export", "ro-crate", "reports/ada", *packed)


def test_of_a_class_what_was_not_graded_is_passed_over(root: Path, tmp_path: Path):
    """The others have their crates, the one is named, and all went well; alone it is refused."""
    course = shutil.copytree(root, tmp_path / "course")
    (course / "handed_in" / "bea.ipynb").write_bytes(b"%PDF")
    assay(course, "grade", "handed_in")
    packed = ("--submission", "handed_in", "--out", "crates")
    said = assay(course, "export", "ro-crate", "reports", *packed)

    assert said.exit_code == 0
    assert [path.name for path in (course / "crates").iterdir()] == ["ada"]
    assert said.stderr.startswith("passed over: `bea` was not graded: ")
    with pytest.raises(CannotGrade):
        assay(course, "export", "ro-crate", "reports/bea", *packed[:-1], "bea")


@pytest.mark.parametrize("path", ["reports/ada", "reports/ada/results.json", "handed_in"])
def test_what_is_no_crate_is_not_made_again(root: Path, path: str):
    """A report and its results.json are told from a crate, and how to make one is said."""
    with pytest.raises(UsageError) as told:
        assay(root, "rerun", path, "--seed", "1")

    assert "is no crate" in told.value.what
    assert ("is a report" in told.value.found) == path.startswith("reports")
    assert "assay export ro-crate" in told.value.hint


@pytest.mark.parametrize("form", ["ro-crate", "gradescope"])
def test_results_of_one_name_are_not_written_over_each_other(root: Path, tmp_path: Path, form: str):
    """Each goes where its folder's name says."""
    again = shutil.copytree(root / "reports/ada", tmp_path / "ada")
    packed = ("--submission", "handed_in", "--out", str(tmp_path / "out"))

    with pytest.raises(UsageError, match="folders called `ada`"):
        assay(root, "export", form, "reports/ada", str(again), *packed)
    assert not (tmp_path / "out").exists()


# What verify says ---------------------------------------------------------------------------


def test_an_untouched_crate_holds(root: Path):
    """Every file, every piece, the signature; and judged again, the same."""
    before = manifest(files_of(root / "crate"))
    findings = found(root, "crate", key=True)

    assert changes(findings) == []
    assert [one for one in findings.values() if one["skipped"]] == []
    assert findings["judged again"]["said"] == "every mark and every number the same"
    assert manifest(files_of(root / "crate")) == before


def files_of(folder: Path) -> dict[str, bytes]:
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def edit(crate: Path, change: Callable[[dict[str, Any]], None]) -> None:
    path = crate / "results.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def give_points(result: dict[str, Any]) -> None:
    result["criteria"][0] |= {"earned": 2.0, "verdict": "passed"}


def test_a_changed_mark_is_named(root: Path, crate: Path):
    """With what it says and what follows from the evidence."""
    edit(crate, give_points)
    said = changes(found(root, str(crate)))

    assert "`results.json` was changed" in said
    assert "criterion sums/add was changed" in said
    assert "sums/add: the result says passed, 2/2; judged again it is failed, 0/2" in said


def test_a_changed_number_and_a_changed_run_are_named(root: Path, crate: Path):
    """By their run; what is as it was is not named."""

    def change(result: dict[str, Any]) -> None:
        result["measurements"][0]["value"] += 0.5
        result["runs"][1]["reason"] = "all was well"

    edit(crate, change)
    said = changes(found(root, str(crate)))

    assert "what was measured in sums/a/seed-0 was changed" in said
    assert "sums/a/seed-0: `largest` is not what was measured again" in said
    assert "run sums/a/seed-1 was changed" in said
    assert "sums/a/seed-1: `run.json` is not what the result says of it" in said
    assert not any("criterion" in line or "run sums/a/seed-0" in line for line in said)


@pytest.mark.parametrize(
    ("pattern", "what"), [("submission/*.ipynb", "the submission"), ("course/*/*.py", "the course")]
)
def test_a_changed_file_is_named_and_not_judged_by(
    root: Path, crate: Path, pattern: str, what: str
):
    """A rubric that is not the one of the result is not run."""
    path = next(crate.glob(pattern))
    path.write_bytes(path.read_bytes() + b"\n")
    name = path.relative_to(crate).as_posix()
    findings = found(root, str(crate))

    assert f"`{name}` was changed" in findings["the crate"]["changed"]
    assert findings[what]["changed"] == [f"`{name.partition('/')[2]}` was changed"]
    assert findings["judged again"]["skipped"]


def test_changed_evidence_is_named_and_judged(root: Path, crate: Path):
    """The file, its run, and what would follow from it."""
    path = next(crate.glob("runs/sums-a-seed-0-*/evidence/add/plain.npz"))
    kept = toys.arrays(next(crate.glob("runs/sums-a-seed-0-*/kept/add/plain.npz")).read_bytes())
    path.write_bytes(toys.npz(out=kept["sum"]))
    said = changes(found(root, str(crate)))

    assert "sums/a/seed-0: `evidence/add/plain.npz` was changed" in said
    assert "sums/a/seed-0: the recorded arrays are not those of its fingerprint" in said
    assert "sums/add: the result says failed, 0/2; judged again it is failed, 1/2" in said


@pytest.mark.parametrize("record", ["{", "{}"], ids=["cut short", "without its fields"])
def test_a_record_that_cannot_be_read_is_named(root: Path, crate: Path, record: str):
    """The marks are held against the evidence all the same."""
    next(crate.glob("runs/sums-a-seed-0-*/run.json")).write_text(record)
    findings = found(root, str(crate))

    assert findings["the evidence"]["changed"] == ["sums/a/seed-0: `run.json` cannot be read"]
    assert findings["judged again"]["said"] == "every mark and every number the same"


def test_files_that_come_go_or_are_links_are_named(root: Path, crate: Path):
    """The manifest is the whole list."""
    (crate / "course" / "conftest.py").write_text("raise SystemExit")
    next(crate.glob("runs/*/executed.ipynb")).unlink()
    (crate / "link").symlink_to("/etc/passwd")
    said = " ".join(changes(found(root, str(crate))))

    assert "`course/conftest.py` was added" in said
    assert "executed.ipynb` is missing" in said
    assert "`link` is no file" in said


def forge(crate: Path, key: bytes | None) -> None:
    """Give points, and make every hash right again."""
    path = crate / "results.json"
    edit(crate, give_points)
    result = Result.model_validate_json(path.read_bytes())
    assert result.receipt
    path.write_text(receipt.sealed(result, result.receipt, key).model_dump_json(indent=1))
    files = {name: held for name, held in files_of(crate).items() if name != MANIFEST}
    (crate / MANIFEST).write_text(manifest(files))


def test_hashes_that_were_changed_too_do_not_help(root: Path, crate: Path):
    """Without a key the mark does not follow from the evidence; with one nothing is believed."""
    forge(crate, None)

    assert changes(found(root, str(crate))) == [
        "sums/add: the result says passed, 2/2; judged again it is failed, 0/2"
    ]
    assert found(root, str(crate), key=True)["the signature"]["changed"] == ["it is not signed"]


def test_a_signature_by_another_key_is_none(root: Path, crate: Path):
    """And nothing of such a crate is run."""
    forge(crate, b"another key, 32 bytes or longer!")
    findings = found(root, str(crate), key=True)

    assert "not made with this key" in findings["the signature"]["changed"][0]
    assert findings["judged again"]["skipped"]


def test_a_key_is_no_word(root: Path, tmp_path: Path):
    """A short one could be guessed."""
    (tmp_path / "short").write_text("secret")

    with pytest.raises(UsageError, match="too short"):
        assay(root, "verify", "crate", key=tmp_path / "short")


def test_a_crate_cannot_write_outside_its_copy(root: Path, crate: Path):
    """Names of runs are hashes, and nothing else."""
    edit(crate, lambda result: result["runs"][0].update(key="../../../tmp/x"))

    with pytest.raises(UsageError, match="names a run by no key"):
        assay(root, "verify", str(crate))


def test_a_report_is_held_against_its_course_and_its_store(root: Path, tmp_path: Path):
    """A page, a mark, a run: each is named."""
    course = shutil.copytree(root, tmp_path / "course")
    whole = found(course, "reports/ada", "--submission", "handed_in")
    (course / "reports/ada/index.md").write_text("# ada: 2/2 judged")
    key = json.loads((course / "reports/ada/results.json").read_text())["runs"][0]["key"]
    store = Store(course / ".assay" / "store")
    record, files = store.record(key), store.files(key)
    store.drop(key)
    write(files | {"evidence/finished.json": b"{ }"}, store.folder(record.key))
    edit(course / "reports/ada", give_points)
    said = changes(found(course, "reports/ada", "--submission", "handed_in"))

    assert changes(whole) == []
    assert not [one for what, one in whole.items() if one["skipped"] and what != "the signature"]
    assert "`index.md` is not what assay writes of this result" in said
    assert "criterion sums/add was changed" in said
    assert any(line.endswith("`evidence/finished.json` was changed") for line in said)


def test_another_style_sheet_is_another_assay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Pages that it wrote are not held against what this one writes; compiled code is no matter."""
    monkeypatch.setattr(keys, "OURS", shutil.copytree(keys.OURS, tmp_path / "assay"))
    ours = keys.ours.__wrapped__  # what it says is kept, as installed files do not change
    before = ours()
    (tmp_path / "assay" / "__pycache__").mkdir(exist_ok=True)
    (tmp_path / "assay" / "__pycache__" / "new.pyc").write_bytes(b"compiled")
    compiled = ours()
    (tmp_path / "assay" / "report" / "templates" / "style.css").write_text("p { color: red }")

    assert compiled == before
    assert ours() != before


def test_what_is_not_there_is_said_to_be_unchecked(root: Path, tmp_path: Path):
    """A lone results.json still shows that a mark was changed."""
    shutil.copy(root / "reports/ada/results.json", tmp_path)
    findings = found(tmp_path, "results.json")
    edit(tmp_path, give_points)

    assert changes(findings) == []
    assert all(findings[what]["skipped"] for what in ("the course", "the evidence"))
    assert changes(found(tmp_path, "results.json")) == ["criterion sums/add was changed"]


def test_a_submission_is_not_looked_at_without_its_assignment(root: Path, tmp_path: Path):
    """And that is said: a check that was asked for is never left out in silence."""
    report = shutil.copytree(root / "reports" / "ada", tmp_path / "ada")

    with pytest.raises(UsageError, match="held against its assignment") as error:
        assay(tmp_path, "verify", str(report), "--submission", str(root / "handed_in"))
    assert "no `assignment.toml` here" in str(error.value)


def test_the_same_evidence_has_the_same_receipt(root: Path):
    """Judged again, results.json is the same to the last byte, its signature included."""
    before = (root / "reports/ada/results.json").read_bytes()
    assay(root, "judge", "handed_in/ada.ipynb", key=root / "key")

    assert (root / "reports/ada/results.json").read_bytes() == before
    assert len(json.loads(before)["receipt"]["signature"]) == hashlib.sha256().digest_size * 2


# Made again ---------------------------------------------------------------------------------


def test_the_runs_of_a_seed_are_made_again(root: Path, crate: Path):
    """From the crate alone, and they are the same; another submission's are not."""
    same = assay(root, "rerun", str(crate), "--seed", "1", "--json")
    next(crate.glob("submission/*.ipynb")).write_bytes(notebook(PARAMETERS, toys.ADD))
    other = assay(root, "rerun", str(crate), "--seed", "1")

    assert same.exit_code == 0
    assert [(r["run"], r["same_bits"]) for r in json.loads(same.stdout)["runs"]] == [
        ("sums/a/seed-1", True)
    ]
    assert other.exit_code == 1
    assert "✗ sums/a/seed-1: completed, not identical" in other.stdout
    assert "failed, now passed" in other.stdout


def test_a_changed_rubric_is_not_run_again(root: Path, crate: Path):
    """It is code, and would run outside the sandbox."""
    next(crate.glob("course/rubric_*/given.py")).write_text("raise SystemExit('run')")

    with pytest.raises(CannotGrade, match="rubric is not run") as error:
        assay(root, "rerun", str(crate), "--seed", "1")
    assert "given.py` was changed" in error.value.found


def test_a_seed_that_was_not_run_cannot_be_made_again(root: Path):
    """It says which were."""
    with pytest.raises(UsageError, match="no run of seed 9") as error:
        assay(root, "rerun", "crate", "--seed", "9")

    assert error.value.found == "it has 0, 1"
