"""docs/answers.md, made of its facts: no figure and no verdict stands in the template."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tvmq_diag.measurements.paired import Ratio
from tvmq_diag.reports.formatting import DASH
from tvmq_diag.results.verdict import EXACT, GOOD, KnobRun, ThrowSite, Verdict

from .facts import Answers, Whole

_UPSTREAM = "https://github.com/apache/tvm/blob/v0.16.0/"
_TEMPLATE = "answers.md.j2"
_REFERENCE_ROLES = ("asked", "reference")
_LARGE = 0.1
"""Share of all that takes longer from which a kind of kernel is named in the answer itself."""
_LINE = 200
"""Letters of a line of evidence: a workload of TVM's has no end."""


def page(answers: Answers) -> str:
    """The page as Markdown."""
    jinja = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=False,  # Markdown; what others wrote goes through `cell`
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    jinja.filters.update(
        cell=cell,
        code=code,
        line=line,
        source=source,
        ratio=ratio,
        listed=listed,
        ms=ms,
        held=held,
        difference=difference,
    )
    questions = (
        blamed, field_shows, knob_map, outcomes, reference, speed_answer, suggestions,
        tuning_answer,
    )  # fmt: skip
    jinja.globals.update({each.__name__: each for each in questions})
    text = jinja.get_template(_TEMPLATE).render(msgspec.structs.asdict(answers))
    return text.rstrip() + "\n"


def cell(text: object) -> str:
    """What somebody else wrote, in a cell of a table or in a line; a dash for nothing."""
    if text is None:
        return DASH
    words = " ".join(str(text).split())
    for mark in "\\`*_[]<>|":
        words = words.replace(mark, f"\\{mark}")
    return words


def line(text: str) -> str:
    """A line of evidence."""
    return cell(text if len(text) <= _LINE else f"{text[:_LINE]}…")


def code(text: object) -> str:
    """Likewise as code."""
    words = " ".join(str(text).split()).replace("`", "'").replace("|", "\\|")
    return f"`{words}`"


def ms(value: float) -> str:
    """Milliseconds."""
    return f"{value:.1f} ms" if value >= 1 else f"{value:.3f} ms"


def difference(value: float) -> str:
    """Milliseconds more or fewer."""
    return f"{value:+.1f} ms" if abs(value) >= 1 else f"{value:+.3f} ms"


def ratio(value: Ratio) -> str:
    """With its interval."""
    return f"{value.value:.2f} [{value.low:.2f}, {value.high:.2f}]"


def listed(words: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    each = list(words)
    return " and ".join([", ".join(each[:-1]), each[-1]] if len(each) > 1 else each)


def source(site: ThrowSite) -> str:
    """Where it was thrown, with the file as of TVM 0.16.0."""
    if site.file is None:
        return code(site.function or "")
    place = f"{site.file}:{site.line}" if site.line is not None else site.file
    link = f"[{place}]({_UPSTREAM}{site.file})"
    return f"{code(site.function)}, {link}" if site.function else link


def held(value: Ratio) -> str:
    """What the interval of a ratio of times says."""
    if value.low > 1:
        return "slower"
    return "faster" if value.high < 1 else "neither faster nor slower, as far as these rounds tell"


def outcomes(whole: Whole) -> str:
    """What the configurations asked for came to, in a sentence without its full stop."""
    by_outcome: dict[str, list[str]] = {}
    for verdict in whole.verdicts("asked"):
        where = f" by {verdict.pass_name}" if verdict.outcome == "rejected" else ""
        by_outcome.setdefault(f"{verdict.outcome}{where}", []).append(f"`{verdict.configuration}`")
    parts = []
    for outcome, names in by_outcome.items():
        verb = "" if outcome in GOOD or outcome == "timed out" else "are " if names[1:] else "is "
        told = outcome.removesuffix("s") if outcome in GOOD and names[1:] else outcome
        parts.append(f"{listed(names)} {verb}{told}")
    return "; ".join(parts)


def blamed(verdict: Verdict) -> str:
    """The op to blame, with its place and the model's own name for it; a dash where it is none."""
    if verdict.op is None:
        return DASH
    span = f" ({cell(verdict.op.span)})" if verdict.op.span else ""
    sure = "" if verdict.confidence == EXACT else f", {verdict.confidence}"
    return f"{code(verdict.op.name)}, op #{verdict.op.index}{span}{sure}"


def reference(whole: Whole) -> Verdict:
    """That of TVM's own default."""
    name = whole.chain.configuration if whole.chain is not None else "int8/int8/int32"
    return next(v for v in whole.verdicts(*_REFERENCE_ROLES) if v.configuration == name)


def knob_map(*runs: Whole | None) -> tuple[str, Sequence[KnobRun], Whole] | None:
    """What each field does alone, of the first configuration of which that was tried, and the run
    that did; None where none did."""
    for whole in filter(None, runs):
        for verdict in whole.verdicts("asked"):
            if verdict.knob_map:
                return verdict.configuration, verdict.knob_map, whole
    return None


def field_shows(run: KnobRun) -> str:
    """Where a field first takes effect, and how far its part of the model gets."""
    if run.change is not None:
        return cell(run.change)
    return f"in no pass before {run.pass_name}, which ends it" if run.pass_name else "nowhere"


def speed_answer(whole: Whole) -> str:
    """The ratio, and which kernels the difference is in, in a sentence or two."""
    speed = whole.speed
    if speed is None or speed.here is None:
        return "It was not timed here."
    told = f"Here it takes {ratio(speed.here)} of the float model's time: {held(speed.here)}."
    slower = [part for part in speed.parts if part.ms > part.float_ms]
    more = sum(part.ms - part.float_ms for part in slower)
    large = [
        f"{part.name} ({difference(part.ms - part.float_ms)})"
        for part in slower
        if part.ms - part.float_ms >= _LARGE * more
    ]
    return f"{told} What takes longer is {listed(large)}." if large else told


def tuning_answer(whole: Whole) -> str:
    """What tuning came to, in a sentence."""
    verdict = next(v for v in whole.verdicts(*_REFERENCE_ROLES) if v.tuning is not None)
    gain = verdict.tuning
    assert gain is not None
    told = f"{ratio(gain.before)} of float's time untuned, {ratio(gain.after)} tuned"
    own = f"; tuning takes it to {ratio(gain.own)} of its own time" if gain.own else ""
    floats = f", and float to {ratio(gain.floats)} of its" if gain.floats else ""
    return told + own + floats


def suggestions(whole: Whole) -> dict[str, list[str]]:
    """What a verdict says to try instead, and of which configurations it does."""
    grouped: dict[str, list[str]] = {}
    for verdict in whole.verdicts("asked"):
        if verdict.suggestion:
            grouped.setdefault(verdict.suggestion, []).append(code(verdict.configuration))
    return grouped
