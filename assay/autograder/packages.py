"""What other places run assay by: Gradescope's two scripts, GitHub's workflow, assay as a wheel."""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

Files = dict[str, bytes]
WHEEL = "Wheel-Version: 1.0\nGenerator: assay\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def script(name: str, **values: Any) -> str:
    """A script of the templates, filled in."""
    environment = Environment(
        loader=PackageLoader("assay.export"),
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # shell and YAML: every value is ours
    )
    return environment.get_template(f"{name}.j2").render(**values)


def wheel(version: str, package: Mapping[str, bytes], metadata: str, entry_points: str) -> Files:
    """Return the files of a wheel of assay: its package, and what pip wants to know of it."""
    info = f"assay-{version}.dist-info"
    files = dict(package) | {
        f"{info}/METADATA": metadata.encode(),
        f"{info}/WHEEL": WHEEL.encode(),
        f"{info}/entry_points.txt": entry_points.encode(),
    }
    record = [f"{name},sha256={_hash(held)},{len(held)}" for name, held in files.items()]
    return files | {f"{info}/RECORD": "\n".join([*record, f"{info}/RECORD,,", ""]).encode()}


def _hash(content: bytes) -> str:
    return urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
