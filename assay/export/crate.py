"""An RO-Crate 1.1 by the Process Run Crate profile: what was run, on what, and what came out.

Whoever opens it needs neither assay nor its store: every run is a folder of plain files, and
`sha256sum --check manifest-sha256.txt` says whether one of them was changed.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import NotRequired, TypedDict

from assay.records import Outcome, Result, RunRecord, Scalar
from assay.report import safe, summary

METADATA = "ro-crate-metadata.json"
PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
CONTEXT = "https://w3id.org/ro/crate/1.1/context"
COMPLETED = "http://schema.org/CompletedActionStatus"
FAILED = "http://schema.org/FailedActionStatus"
LICENSE = "#rights"
RIGHTS = (
    "All rights reserved: the submission is its author's, the course is the course's. It holds the "
    "rubric and its right answers."
)
TYPES = {
    ".json": "application/json",
    ".ipynb": "application/x-ipynb+json",
    ".py": "text/x-python",
    ".toml": "application/toml",
    ".txt": "text/plain",
}

Reference = TypedDict("Reference", {"@id": str})
"""Names another entity, in the crate or on the web."""
Entity = TypedDict(
    "Entity",
    {
        "@id": str,
        "@type": str,
        "name": NotRequired[str],
        "description": NotRequired[str],
        "version": NotRequired[str],
        "softwareVersion": NotRequired[str],
        "datePublished": NotRequired[str],
        "license": NotRequired[Reference],
        "conformsTo": NotRequired[Reference],
        "about": NotRequired[Reference],
        "hasPart": NotRequired[list[Reference]],
        "mentions": NotRequired[list[Reference]],
        "instrument": NotRequired[Reference],
        "object": NotRequired[list[Reference]],
        "result": NotRequired[Reference | list[Reference]],
        "actionStatus": NotRequired[str],
        "error": NotRequired[str],
        "value": NotRequired[Scalar],
        "contentSize": NotRequired[str],
        "encodingFormat": NotRequired[str],
    },
)
"""One thing that the crate describes, with the properties of schema.org that are used here."""


def folder_of(record: RunRecord) -> str:
    """Return where a crate keeps a run: `runs/part1-penguins-seed-0-1a2b3c4d`."""
    words = re.sub(r"[^A-Za-z0-9_]+", "-", record.run.id)
    return f"runs/{words}-{record.key[:8]}"


def metadata(result: Result, sizes: Mapping[str, int], published: str) -> str:
    """Return the crate's description; `sizes` are those of its files, `published` is a date."""
    files = [_file(name, size) for name, size in sizes.items() if _is_described(name)]
    folders = [_folder("course/", "What it was judged by"), _folder("submission/", "As handed in")]
    folders += [_folder(f"{folder_of(r)}/", f"What {r.run.id} left") for r in result.runs]
    runs = [entity for record in result.runs for entity in _run(result, record, sizes)]
    actions = [e for e in runs if e["@type"] == "CreateAction"] + [_judgement(result)]
    root: Entity = {
        "@id": "./",
        "@type": "Dataset",
        "name": f"{safe.plain(result.submission)}: {result.assignment}",
        "description": f"A graded submission. {summary.totals(result)}.",
        "datePublished": published,
        "license": _to(LICENSE),
        "conformsTo": _to(PROFILE),
        "hasPart": [_to(entity["@id"]) for entity in [*files, *folders]],
        "mentions": [_to(action["@id"]) for action in actions],
    }
    parameters = [entity for entity in runs if entity not in actions]
    graph = [*_frame(result), root, *files, *folders, *parameters, *actions]
    return json.dumps({"@context": CONTEXT, "@graph": graph}, indent=1) + "\n"


def _frame(result: Result) -> list[Entity]:
    """Return the descriptor, the profile, the program and the licence."""
    return [
        {
            "@id": METADATA,
            "@type": "CreativeWork",
            "conformsTo": _to("https://w3id.org/ro/crate/1.1"),
            "about": _to("./"),
        },
        {"@id": PROFILE, "@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5"},
        {
            "@id": "#assay",
            "@type": "SoftwareApplication",
            "name": "assay",
            "softwareVersion": result.receipt.assay if result.receipt else "unknown",
        },
        {"@id": LICENSE, "@type": "CreativeWork", "name": "Rights", "description": RIGHTS},
    ]


def _run(result: Result, record: RunRecord, sizes: Mapping[str, int]) -> Iterator[Entity]:
    """A run and its parameters. When it ran is not known, so no time is given."""
    folder = folder_of(record)
    parameters = [_parameter(folder, *pair) for pair in record.run.parameters.items()]
    yield from parameters
    notebook = next(part.notebook for part in result.parts if part.name == record.run.part)
    read = [n for n in (f"submission/{notebook}",) if n in sizes] or ["submission/"]
    executed = [n for n in (f"{folder}/executed.ipynb",) if n in sizes]
    action: Entity = {
        "@id": f"#{folder}",
        "@type": "CreateAction",
        "name": f"Run {record.run.id}",
        "description": f"The notebook of {record.run.part}, then the questions of its exam",
        "instrument": _to("#assay"),
        "object": [_to(_uri(name)) for name in [*read, "course/"]]
        + [_to(entity["@id"]) for entity in parameters],
        "result": [_to(_uri(name)) for name in [f"{folder}/", *executed]],
        "actionStatus": COMPLETED,
    }
    if record.outcome is not Outcome.COMPLETED:
        action["actionStatus"] = FAILED
        action["error"] = f"{record.outcome}: {safe.plain(record.reason)}"
    yield action


def _parameter(folder: str, name: str, value: Scalar) -> Entity:
    identity = f"#{folder}/{_uri(name)}"
    return {"@id": identity, "@type": "PropertyValue", "name": name, "value": value}


def _judgement(result: Result) -> Entity:
    return {
        "@id": "#judgement",
        "@type": "CreateAction",
        "name": "Judgement",
        "description": "The rubric's tests over what the runs left",
        "instrument": _to("#assay"),
        "object": [_to(f"{folder_of(record)}/") for record in result.runs]
        + [_to("course/"), _to("submission/")],
        "result": _to("results.json"),
        "actionStatus": COMPLETED,
    }


def _is_described(name: str) -> bool:
    """Each file that a reader looks for; the others are in a folder that is described."""
    return not name.startswith("runs/") or name.endswith("/executed.ipynb")


def _file(name: str, size: int) -> Entity:
    ending = f".{name.rpartition('.')[2]}"
    file: Entity = {
        "@id": _uri(name),
        "@type": "File",
        "name": safe.plain(name),
        "contentSize": str(size),
    }
    if ending in TYPES:
        file["encodingFormat"] = TYPES[ending]
    return file


def _folder(name: str, title: str) -> Entity:
    return {"@id": name, "@type": "Dataset", "name": title}


def _to(identity: str) -> Reference:
    return {"@id": identity}


def _uri(name: str) -> str:
    """A relative path as a URI."""
    return re.sub(
        r"[^A-Za-z0-9_./~-]",
        lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()),
        name,
    )
