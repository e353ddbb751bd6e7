"""Which notebook this kernel runs: asked of VS Code, the Jupyter server, or Colab.

A kernel does not know it. So its server is asked for the notebook that has this kernel; it stands
on this machine, and nothing else is asked.
"""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

from assay.errors import UsageError, quoted

SECONDS = 3
"""That one server may take to answer."""
BY_VSCODE, BY_JUPYTER = "__vsc_ipynb_file__", "JPY_SESSION_NAME"


def saved(names: Mapping[str, object], named: Path | None = None) -> Path:
    """Return the file of the notebook whose kernel has these names; the one `named`, if any is.

    Raises
    ------
    UsageError
        If none of them says which it is, or there is no such file.
    """
    if named is not None:
        if named.is_file():
            return named.resolve()
        raise UsageError(
            f"there is no notebook {quoted(named)}",
            found=f"looked for it in {quoted(Path.cwd())}",
            hint="name it as it is seen from the folder of this notebook",
        )
    for told in (names.get(BY_VSCODE), *_of_servers(), os.environ.get(BY_JUPYTER)):
        if told and Path(str(told)).suffix == ".ipynb" and Path(str(told)).is_file():
            return Path(str(told)).resolve()
    raise UsageError(
        "it is not known which notebook this is",
        found="neither VS Code nor a Jupyter server says so",
        hint='save it, and name it: `%assay check mine.ipynb`, or `assay.check("mine.ipynb")`',
    )


def in_colab() -> dict[str, Any] | None:
    """Return the notebook as it stands in Colab, saved or not; None anywhere else."""
    if "google.colab" not in sys.modules:
        return None
    message: Any = sys.modules.get("google.colab._message")
    if message is None:
        from importlib import import_module

        message = import_module("google.colab._message")
    told = message.blocking_request("get_ipynb", request="", timeout_sec=20)
    found = told.get("ipynb") if isinstance(told, dict) else None
    return found if isinstance(found, dict) else None


def _of_servers() -> Iterator[str]:
    """The paths that the Jupyter servers of this user have for this kernel."""
    from ipykernel.connect import get_connection_file
    from jupyter_core.paths import jupyter_runtime_dir

    try:
        kernel = Path(get_connection_file()).stem.partition("-")[2]
    except (RuntimeError, OSError):  # no kernel
        return
    for file in sorted(Path(jupyter_runtime_dir()).glob("*server-*.json")):
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            server = json.loads(file.read_text(encoding="utf-8"))
            root = server.get("root_dir") or server["notebook_dir"]
            for session in _sessions(server):
                if session["kernel"]["id"] == kernel:
                    yield str(Path(root, session["path"].rpartition(":")[2]))


def _sessions(server: Mapping[str, str]) -> list[Any]:
    """What a server runs; raises OSError if it is gone, or does not answer."""
    token = server.get("token") or os.environ.get("JUPYTERHUB_API_TOKEN", "")
    headers = {"Authorization": f"token {token}"} if token else {}
    request = Request(server["url"] + "api/sessions", headers=headers)
    with build_opener(ProxyHandler({})).open(request, timeout=SECONDS) as answer:
        found: list[Any] = json.load(answer)
    return found
