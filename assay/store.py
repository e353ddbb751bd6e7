"""Keep what runs left, each in a folder named by its key; a folder appears whole or not at all."""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from assay.records import RunRecord
from assay.run.archive import write


@dataclass(frozen=True)
class Store:
    """Folders `root/ab/abcdef.../` of plain files that a person can open and judge again."""

    root: Path

    def folder(self, key: str) -> Path:
        return self.root / key[:2] / key

    def has(self, key: str) -> bool:
        return (self.folder(key) / "run.json").exists()

    def record(self, key: str) -> RunRecord:
        """The record of a run that was kept."""
        return RunRecord.model_validate_json((self.folder(key) / "run.json").read_bytes())

    def files(self, key: str) -> dict[str, bytes]:
        """Everything that was kept of a run, by relative name."""
        folder = self.folder(key)
        paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}

    def put(self, record: RunRecord, files: dict[str, bytes]) -> None:
        """Keep a run; where two write the same key, the first to finish wins."""
        final = self.folder(record.key)
        final.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=final.parent))
        write(files | {"run.json": record.model_dump_json(indent=1).encode()}, draft)
        try:
            draft.rename(final)
        except OSError:  # it is there already
            shutil.rmtree(draft)

    def drop(self, key: str) -> None:
        """Forget a run."""
        shutil.rmtree(self.folder(key), ignore_errors=True)
