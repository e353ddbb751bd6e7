"""What is needed beyond `pip install assay`, and the extra that brings it."""

from importlib.util import find_spec

from assay.errors import UsageError

GRADE = ("matplotlib", "scipy")
CLASS = (*GRADE, "alembic", "psycopg", "sqlalchemy")
NEEDED = {
    "grade": GRADE,
    "class": CLASS,
    "review": (
        *CLASS,
        *("itsdangerous", "latex2mathml", "markdown_it", "mdit_py_plugins", "nh3"),
        *("python_multipart", "sklearn", "starlette", "uvicorn"),
    ),
    "dask": (*GRADE, "cryptography", "dask", "distributed"),
}
"""The modules that each extra brings. bubblewrap is none: a system may have its own."""


def missing(extra: str) -> list[str]:
    """Return the modules of an extra that are not installed."""
    return [name for name in NEEDED[extra] if find_spec(name) is None]


def need(extra: str) -> None:
    """Raise before anything is done if what an extra brings is not installed.

    Raises
    ------
    UsageError
        It names the extra that brings it.
    """
    if absent := missing(extra):
        raise UsageError(
            "this needs what is not installed",
            found=", ".join(absent),
            hint=f'pip install "assay[{extra}]"',
        )
