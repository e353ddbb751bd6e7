"""The receipt: hashes of all that a result rests on and of its own pieces, signed where one can.

A hash that stands beside what it hashes shows a change by whoever did not change the hash too.
Against the others the whole is signed, with a key that only the course has.
"""

import hashlib
import hmac
import json
from typing import Any

from assay.records import Criterion, Measurement, Receipt, Record, Result, RunRecord, Written, plain


def sealed(result: Result, receipt: Receipt, key: bytes | None) -> Result:
    """Return the result with its receipt, whose pieces and signature are made here."""
    whole = receipt.model_copy(update={"pieces": pieces(result)})
    signed = whole.model_copy(update={"signature": signature(whole, key) if key else ""})
    return result.model_copy(update={"receipt": signed})


def signature(receipt: Receipt, key: bytes) -> str:
    """HMAC-SHA256 over all of the receipt but the signature."""
    facts = plain(receipt.model_copy(update={"signature": ""}))
    return hmac.new(key, _canonical(facts), hashlib.sha256).hexdigest()


def is_signed_with(receipt: Receipt, key: bytes) -> bool:
    """Return whether whoever signed it had this key."""
    return hmac.compare_digest(receipt.signature.encode(), signature(receipt, key).encode())


def pieces(result: Result) -> dict[str, str]:
    """Return the SHA-256 of every piece of a result, by what a person calls it."""
    found: dict[str, list[Any]] = {}
    for field in Result.model_fields:
        if field != "receipt":
            value = getattr(result, field)
            for entry in value if isinstance(value, list) else [value]:
                content = plain(entry) if isinstance(entry, Record) else entry
                found.setdefault(_name(field, entry), []).append(content)
    return {name: hashlib.sha256(_canonical(held)).hexdigest() for name, held in found.items()}


def changed(result: Result, then: dict[str, str]) -> list[str]:
    """A sentence for each piece that is not as it was when these hashes were taken."""
    now = pieces(result)
    found = [f"{name} was added" for name in now if name not in then]
    found += [f"{name} was taken out" for name in then if name not in now]
    return found + [f"{name} was changed" for name in now if then.get(name, now[name]) != now[name]]


def _name(field: str, entry: Any) -> str:
    match entry:
        case Criterion():
            return f"criterion {entry.part}/{entry.name}"
        case RunRecord():
            return f"run {entry.run.id}"
        case Measurement():
            return f"what was measured in {entry.run or entry.part}"
        case Written():
            return f"the written answer to {entry.part}/{entry.criterion}"
        case _:
            return f"`{field}`"


def _canonical(facts: Any) -> bytes:
    return json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()
