"""The schemas in docs/schema are those of the types, and what is written keeps them."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import pytest
from support.paths import ROOT
from support.runs import CRASHED, MEASURED, TINY
from support.zoos import cell, rejected, works, zoo_of

from tvmq_diag.results.zoo import ZooCell

SCRIPT = ROOT / "scripts" / "schemas.py"
FOLDER = ROOT / "docs" / "schema"


def test_they_are_up_to_date() -> None:
    made: dict[str, str] = runpy.run_path(str(SCRIPT))["schemas"]()
    assert sorted(made) == sorted(path.name for path in FOLDER.iterdir())
    for name, text in made.items():
        assert (FOLDER / name).read_text(encoding="utf-8") == text, "run scripts/schemas.py"


@pytest.mark.parametrize("run", [TINY, MEASURED, CRASHED], ids=lambda run: run.name)
@pytest.mark.parametrize("name", ["verdict", "run"])
def test_a_run_of_before_keeps_them(run: Path, name: str) -> None:
    schema = json.loads((FOLDER / f"{name}.schema.json").read_text())
    record = json.loads((run / f"{name}.json").read_text())
    assert list(broken(schema, record, schema["$defs"])) == []
    wrong = [*record, {"outcome": 1}] if isinstance(record, list) else {**record, "seed": "x"}
    assert list(broken(schema, wrong, schema["$defs"]))


def test_a_zoo_keeps_its_own() -> None:
    schema = json.loads((FOLDER / "zoo.schema.json").read_text())
    lost = ZooCell(model="b", configuration="int4", tvm="relay", problem="its worker was lost")
    made = zoo_of([cell("a", works("int8")), cell("a", rejected("int4")), lost]).to_json()
    record = json.loads(json.dumps(made))
    assert list(broken(schema, record, schema["$defs"])) == []
    wrong = {**record, "cells": [{**record["cells"][0], "seconds": "x"}]}
    assert list(broken(schema, wrong, schema["$defs"]))


TYPES: dict[str, Any] = {
    "string": str, "integer": int, "number": (int, float), "boolean": bool, "null": type(None),
    "array": list, "object": dict,
}  # fmt: skip


def broken(schema: dict[str, Any], value: Any, defs: dict[str, Any], at: str = "$") -> Any:
    """Where a value breaks the part of JSON Schema that the schemas use."""
    if "$ref" in schema:
        schema = defs[schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        if all(list(broken(one, value, defs)) for one in schema["anyOf"]):
            yield at
        return
    if "enum" in schema and value not in schema["enum"]:
        yield at
    kind = TYPES[schema["type"]] if "type" in schema else object
    if not isinstance(value, kind) or (isinstance(value, bool) and bool is not kind):
        yield at
        return
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from broken(schema.get("items", {}), item, defs, f"{at}[{number}]")
    if isinstance(value, dict):
        yield from (f"{at}.{name}" for name in schema.get("required", []) if name not in value)
        known = schema.get("properties", {})
        for name, item in value.items():
            other = schema.get("additionalProperties", {})
            one = known.get(name, other if isinstance(other, dict) else {})
            yield from broken(one, item, defs, f"{at}.{name}")
