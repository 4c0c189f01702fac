"""`python -m shared.contracts DIRECTORY` writes the JSON Schemas and the AsyncAPI document there."""

import json
import sys
from pathlib import Path

from shared.contracts import CONTRACTS
from shared.contracts.schema import asyncapi, data_schema


def write(directory: Path) -> None:
    """Write `<type>.json` for each event and `asyncapi.json`."""
    directory.mkdir(parents=True, exist_ok=True)
    documents = {type_: data_schema(contract) for type_, contract in CONTRACTS.items()} | {"asyncapi": asyncapi()}
    for name, document in documents.items():
        (directory / f"{name}.json").write_text(json.dumps(document, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
