"""Write the JSON Schema of results.json, from the records themselves.

python -m docs.schema
"""

import json
from pathlib import Path

from assay.records import Result

PLACE = Path(__file__).with_name("results.schema.json")


def schema() -> str:
    """What a results.json may hold, of this version and of older ones."""
    found = Result.model_json_schema()
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "results.json"}
    return json.dumps(found | head, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PLACE.write_text(schema(), encoding="utf-8")
