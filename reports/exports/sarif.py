"""The verdicts of a run as results of a static analysis: SARIF 2.1.0, which code scanning reads.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json
"""

from __future__ import annotations

import hashlib
import json
import urllib.parse
from typing import Any

from tvmq_diag import __version__, foreign
from tvmq_diag.results import verdict
from tvmq_diag.results.run import Result, Run
from tvmq_diag.results.verdict import Hazard, Verdict
from tvmq_diag.trace.layout import VERDICTS

from ..formatting import clip
from .choice import Choice, results

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)

_KINDS = {
    verdict.WORKS: ("pass", "none"),
    verdict.COMPILES: ("informational", "none"),
    verdict.NOT_JUDGED: ("open", "none"),
    verdict.INTERRUPTED: ("open", "none"),
    verdict.NOT_TRIED: ("notApplicable", "none"),
    verdict.NOT_QUANTIZED: ("fail", "warning"),
}
"""Kind and level of an outcome; all others are failures, and errors. SARIF wants the level none of
whatever is no failure."""


class _Rules:
    """The rules of a log: one for each outcome and reason, in order of first use."""

    def __init__(self) -> None:
        self.known: dict[str, dict[str, Any]] = {}

    def of(self, name: str, short: str, full: str, level: str) -> tuple[str, int]:
        """The id and the number of a rule, which is made where it is new."""
        identity = f"{name.replace(' ', '-')}/{_hash(full)[:8]}" if full else name.replace(" ", "-")
        self.known.setdefault(
            identity,
            {
                "id": identity,
                "name": "".join(word.capitalize() for word in name.replace("-", " ").split()),
                "shortDescription": {"text": _text(short)},
                "fullDescription": {"text": _text(full or short)},
                "defaultConfiguration": {"level": level},
            },
        )
        return identity, list(self.known).index(identity)


def write(run: Run, choice: Choice) -> dict[str, str]:
    """A result for each verdict, also of what works (`pass`), and a note for each hazard."""
    rules = _Rules()
    found = []
    for result in results(run, choice):
        found.append(_result(result, rules))
        found += [_hazard(result.verdict, hazard, rules) for hazard in result.verdict.hazards]
    driver = {"name": "tvmq_diag", "version": __version__, "rules": list(rules.known.values())}
    about = {"model": run.facts.model, "toolchain": run.facts.toolchain, "seed": run.facts.seed}
    log = {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "invocations": [{"executionSuccessful": not run.facts.interrupted}],
                "columnKind": "unicodeCodePoints",
                "results": found,
                "properties": {k: _text(str(v)) for k, v in about.items() if v is not None},
            }
        ],
    }
    return {"verdicts.sarif": json.dumps(log, allow_nan=False, indent=2) + "\n"}


def _result(result: Result, rules: _Rules) -> dict[str, Any]:
    told = result.verdict
    kind, level = _KINDS.get(told.outcome, ("fail", "error"))
    rule, number = rules.of(
        told.outcome, f"a configuration {told.outcome}", told.reason or "", level
    )
    place = (told.outcome, told.stage, told.pass_name, told.op and told.op.name, told.reason)
    return {
        "ruleId": rule,
        "ruleIndex": number,
        "kind": kind,
        "level": level,
        "message": {"text": _message(told)},
        "locations": [_location(told)],
        "partialFingerprints": {
            "verdict/v1": _hash(repr((told.configuration, *place))),
        },
        "properties": _properties(result),
    }


def _message(told: Verdict) -> str:
    parts = [told.headline]
    parts += [f"Why: {told.reason}."] if told.reason else []
    parts += [f"Setting: {told.knob}."] if told.knob else []
    parts += [f"Try: {told.suggestion}."] if told.suggestion else []
    return _words(" ".join(parts))


def _words(text: str) -> str:
    """A message's text: in one `[text](1)` is a link, and `{0}` a placeholder."""
    text = _text(text)
    for character in ("\\", "[", "]"):
        text = text.replace(character, f"\\{character}")
    return text.replace("{", "{{").replace("}", "}}")


def _location(told: Verdict) -> dict[str, Any]:
    """The file of the run that shows it, and pass and op as logical places."""
    logical = []
    if told.pass_name:
        path = told.pass_path or [told.pass_name]
        logical.append(
            {"name": _text(told.pass_name), "kind": "function",
             "fullyQualifiedName": _text("/".join(filter(None, [told.stage, *path])))}
        )  # fmt: skip
    if told.op is not None:
        logical.append(
            {"name": _text(f"{told.op.name} #{told.op.index}"), "kind": "object",
             "fullyQualifiedName": _text(f"{told.pass_name or told.stage}/{told.op.index}")}
        )  # fmt: skip
    uri = urllib.parse.quote(foreign.printable(told.reproducer or VERDICTS), safe="/")
    location: dict[str, Any] = {
        "physicalLocation": {"artifactLocation": {"uri": uri}, "region": {"startLine": 1}}
    }
    return {**location, "logicalLocations": logical} if logical else location


def _properties(result: Result) -> dict[str, Any]:
    told = result.verdict
    site = told.site
    known = {
        "configuration": told.configuration,
        "role": result.role.value,
        "toolchain": told.toolchain,
        "confidence": told.confidence,
        "thrown in": site.function if site else None,
        "thrown at": f"{site.file}:{site.line}" if site and site.file else None,
        "cosine": told.metrics.cosine if told.metrics else None,
        "latency ms": told.latency_ms.median if told.latency_ms else None,
        "times float": told.ratio.value if told.ratio else None,
    }
    return {
        key: _text(value) if isinstance(value, str) else value
        for key, value in known.items()
        if value is not None
    }


def _hazard(told: Verdict, hazard: Hazard, rules: _Rules) -> dict[str, Any]:
    rule, number = rules.of("hazard " + hazard.name, hazard.name, "", "note")
    said = f"{told.configuration}: {hazard.hazard}" + f". {hazard.mitigation}" * bool(
        hazard.mitigation
    )
    return {
        "ruleId": rule,
        "ruleIndex": number,
        "kind": "fail",
        "level": "note",
        "message": {"text": _words(said)},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": VERDICTS}}}],
        "partialFingerprints": {"hazard/v1": _hash(f"{told.configuration} {hazard.name}")},
    }


def _hash(text: str) -> str:
    return hashlib.sha256(foreign.encoded(text)).hexdigest()[:32]


def _text(text: str) -> str:
    return clip(text, 2000)
