"""Wrong submissions, each one small diff against the reference, and the right variants of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

NETWORK = "solution/backprop/network.py"
NOTEBOOK = "notebooks/part1_backprop.ipynb"


@dataclass(frozen=True)
class Case:
    """A diff: in `file`, every `old` becomes its `new`; `loses` is the one criterion it costs."""

    name: str
    loses: str | None
    replace: Mapping[str, str]
    file: str = NETWORK

    def apply(self, files: Mapping[str, bytes]) -> dict[str, bytes]:
        """The submission with this diff; a diff that no longer fits the reference is an error."""
        patch = _in_notebook if self.file.endswith(".ipynb") else _in_text
        return {**files, self.file: patch(files[self.file], self.replace)}


def short_submission(root: Path) -> dict[str, bytes]:
    """The reference's part of `solution` with a notebook that does only what is asked."""
    paths = [root / "solution" / "__init__.py", *(root / "solution" / "backprop").glob("*.py")]
    files = {path.relative_to(root).as_posix(): path.read_bytes() for path in paths}
    return files | {NOTEBOOK: (Path(__file__).parent / "part1_short.ipynb").read_bytes()}


def _in_text(content: bytes, replace: Mapping[str, str]) -> bytes:
    text = content.decode()
    for old, new in replace.items():
        assert old in text, f"the reference no longer has {old!r}"
        text = text.replace(old, new)
    return text.encode()


def _in_notebook(content: bytes, replace: Mapping[str, str]) -> bytes:
    notebook = json.loads(content)
    for old, new in replace.items():
        sources = ["".join(cell["source"]) for cell in notebook["cells"]]
        assert any(old in source for source in sources), f"no cell has {old!r} any more"
        for cell, source in zip(notebook["cells"], sources, strict=True):
            cell["source"] = source.replace(old, new)
    return json.dumps(notebook).encode()
