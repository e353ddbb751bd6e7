"""What is typed or set, as values: seeds, formats, and the key that signs."""

import os
from collections.abc import Sequence
from pathlib import Path

import click

MAX_SEEDS = 10_000
LEAST_KEY = 32


def seeds_of(text: str) -> list[int]:
    """`0-19` and `1,4,7`, mixed as one likes."""
    seeds: list[int] = []
    for piece in text.split(","):
        first, _, last = piece.strip().partition("-")
        short = len(piece) <= 40  # Python reads no number of thousands of digits
        if not (short and first.isdecimal() and (last or first).isdecimal()):
            raise click.BadParameter(f"`{text}`: expected `0-19` or `1,4,7`", param_hint="--seeds")
        count = int(last or first) - int(first) + 1
        if not 1 <= count <= MAX_SEEDS:
            raise click.BadParameter(
                f"`{piece}`: from the lower to the higher, {MAX_SEEDS} at most",
                param_hint="--seeds",
            )
        seeds += range(int(first), int(last or first) + 1)
    return list(dict.fromkeys(seeds))


def formats_of(context: click.Context, argument: click.Parameter, text: str) -> tuple[str, ...]:
    """`canvas`, or several between commas."""
    from assay import export

    names = [name.strip() for name in text.split(",")]
    known: Sequence[str] = export.NAMES
    if not set(names) <= set(known):  # plug-ins are looked at for what assay itself does not have
        known = [*known, *(name for name in export.formats() if name not in known)]
    choice = click.Choice(known)
    names = [choice.convert(name, argument, context) for name in names]
    return tuple(dict.fromkeys(names))


def signing_key() -> bytes | None:
    """Return the content of the file that ASSAY_SIGNING_KEY names; None if it is not set."""
    from assay.errors import UsageError

    if not (name := os.environ.get("ASSAY_SIGNING_KEY")):
        return None
    try:
        key = Path(name).read_bytes().strip()
    except OSError as error:
        raise UsageError("the signing key cannot be read", found=str(error)) from None
    if len(key) < LEAST_KEY:
        raise UsageError(
            "the signing key is too short to be one",
            found=f"{len(key)} bytes, expected at least {LEAST_KEY}",
            hint="`openssl rand -hex 32` makes one",
        )
    return key
