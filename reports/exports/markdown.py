"""A run as a summary for a pull request, in Markdown as GitHub and GitLab read it."""

from __future__ import annotations

from collections.abc import Iterator

from tvmq_diag.history.steps import steps
from tvmq_diag.results.run import Result, Run
from tvmq_diag.results.verdict import GOOD, Verdict
from tvmq_diag.trace.stages import STAGES
from tvmq_diag.trace.trace import Trace

from ..formatting import DASH, ROLES, TIMES, latency, number, outcome_mark
from ..pages.run import summary
from .choice import Choice, results
from .texts import code, plain


def write(run: Run, choice: Choice) -> dict[str, str]:
    """A headline, a table of all configurations, and of each that does not work why."""
    chosen = results(run, choice)
    return {"summary.md": "\n".join([*_lines(run, chosen), ""])}


def _lines(run: Run, chosen: list[Result]) -> Iterator[str]:
    facts = run.facts
    asked = [result for result in chosen if not ROLES[result.role]] or chosen
    if len(asked) == 1:
        mark, headline = outcome_mark(asked[0].verdict.outcome), asked[0].verdict.headline
        yield f"### {mark} {code(headline)}"
    else:
        yield f"### {plain(summary(asked))}"
    yield ""
    about = [facts.model or facts.script, facts.toolchain, facts.created]
    yield " · ".join(code(part) for part in about if part)
    yield ""
    yield f"| | configuration | outcome | pass | op | cosine | worst | ms | {TIMES} float |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for result in chosen:
        yield f"| {' | '.join(_cells(result))} |"
    for result in chosen:
        yield from _why(result)


def _cells(result: Result) -> Iterator[str]:
    told = result.verdict
    role = f" ({ROLES[result.role]})" if ROLES[result.role] else ""
    yield outcome_mark(told.outcome)
    yield code(told.configuration, 80) + role
    yield plain(told.outcome)
    yield code(told.pass_name, 80) if told.pass_name else DASH
    yield code(f"{told.op.name} #{told.op.index}", 80) if told.op else DASH
    yield number(told.metrics.cosine if told.metrics else None, 3)
    yield number(told.metrics.worst_cosine if told.metrics else None, 3)
    yield latency(told.latency_ms.median) if told.latency_ms else DASH
    yield plain(told.ratio) if told.ratio else DASH


def _why(result: Result) -> Iterator[str]:
    told = result.verdict
    reasons = list(_reasons(told))
    if told.outcome in GOOD and not told.hazards:
        return
    yield ""
    yield f"<details><summary>{outcome_mark(told.outcome)} {_name(told)}</summary>"
    yield ""
    yield code(told.headline)
    yield ""
    yield from (f"- {reason}" for reason in reasons)
    if result.trace is not None:
        yield from _changing(result.trace)
    yield ""
    yield "</details>"


def _name(told: Verdict) -> str:
    """Inside of HTML a code span is none: here letters, digits and few others stand as they are."""
    return "".join(c if c.isalnum() or c in "/:=.,_- " else "?" for c in told.configuration[:80])


def _reasons(told: Verdict) -> Iterator[str]:
    for name, text in (
        ("why", told.reason),
        ("setting", told.knob),
        ("confidence", told.confidence),
        ("thrown in", told.site.function if told.site else None),
        ("reproducer", told.reproducer),
        ("try", told.suggestion),
        ("works instead", told.instead.configuration if told.instead else None),
        ("fix", told.fix.sentence if told.fix else None),
    ):
        if text:
            yield f"**{name}** {plain(text) if name in ('why', 'fix', 'try') else code(text)}"
    for hazard in told.hazards:
        said = "; ".join(part for part in (hazard.hazard, hazard.mitigation) if part)
        yield f"**{plain(hazard.name)}** {plain(said)}"


def _changing(trace: Trace) -> Iterator[str]:
    """The passes that changed the module up to fold: those behind it are the compiler's."""
    early = STAGES[: STAGES.index("fold") + 1]
    ended = [step for step in steps(trace)[1:] if step.changed and not step.failed]
    changed = [step.name for step in ended if step.stage in early]
    if changed:
        named = ", ".join(code(name, 60) for name in changed)
        yield f"- **passes up to the quantizer's that changed it** {named}"
