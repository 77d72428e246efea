"""The page over a test session that was recorded, and a page for each trace that was kept."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tvmq_diag import foreign
from tvmq_diag.analysis import recording
from tvmq_diag.errors import UsageError
from tvmq_diag.results.run import Result
from tvmq_diag.results.test_session import BAD, RecordedTest, TestSession
from tvmq_diag.results.verdict import FAILED, WORKS

from .. import formatting
from ..templating import environment
from . import run as run_page

NAME = "index.html"

DIED = "died"
"""What is said of a test that never ended: its process did."""

_LOOKS = {"passed": "good", "failed": "bad", "error": "bad", DIED: "bad"}
_MARKS = {"good": "✓", "bad": "✗", "odd": "○"}
_LABELS = {"command": "command line", "created": "created", "python": "interpreter"}


@dataclass(frozen=True)
class Line:
    """A test: what it came to, the pass and the op that failed in it, and where its page is.

    `cause` is what the trace says, or pytest where there is none. Empty where nothing is to say.
    """

    test: str
    outcome: str
    cause: str
    pass_name: str
    op: str
    page: str | None
    seconds: float | None = None

    @property
    def bad(self) -> bool:
        """Did it not do as it should?"""
        return self.look == "bad"

    @property
    def look(self) -> str:
        """good, bad or odd."""
        return _LOOKS.get(self.outcome, "odd")

    @property
    def mark(self) -> str:
        """The outcome as a symbol."""
        return _MARKS[self.look]

    @property
    def time(self) -> str:
        """How long it took."""
        return formatting.duration(self.seconds * 1e3) if self.seconds is not None else ""


def write(session: TestSession) -> Path:
    """Write a page for each trace, and NAME over them into the session's folder; returns that."""
    lines = [_line(session, test) for test in session.tests]
    lines += [_unended(session, trace) for trace in session.unended]
    page = session.folder / NAME
    template = environment().get_template("tests.html.j2")
    facts = {name: getattr(session.session, name) for name in _LABELS}
    foreign.write(
        page,
        template.render(
            session=session,
            summary=summary(lines),
            bad=sorted(filter(lambda line: line.bad, lines), key=lambda line: not line.pass_name),
            others=[line for line in lines if not line.bad],
            facts=[
                (label, " ".join(value) if isinstance(value, list) else value)
                for name, label in _LABELS.items()
                if (value := facts[name])
            ],
        ),
    )
    return page


def summary(lines: list[Line]) -> str:
    """The session in a sentence: how many failed, and in which passes."""
    bad = [line for line in lines if line.bad]
    if not lines:
        return "No test ended"
    if not bad:
        return f"None of {len(lines)} tests failed" if len(lines) > 1 else "The test did not fail"
    places = Counter(line.pass_name or "no pass of TVM's" for line in bad).most_common(4)
    where = ", ".join(f"{count} in {place}" for place, count in places)
    return f"{len(bad)} of {len(lines)} tests failed: {where}"


def _line(session: TestSession, test: RecordedTest) -> Line:
    result, page = _page_of(session, test.trace, test.test)
    message, pass_name, op = test.message or "", "", ""
    if result is not None and test.outcome in BAD:
        verdict = result.verdict
        if verdict.outcome not in (WORKS, FAILED):
            pass_name = verdict.pass_name or ""
            op = f"{verdict.op.name} #{verdict.op.index}" if verdict.op is not None else ""
            message = verdict.message or message
    return Line(
        formatting.clip(test.test, 200),
        formatting.clip(test.outcome, 20),
        formatting.clip(message, 240),
        formatting.clip(pass_name, 60),
        formatting.clip(op, 80),
        page,
        test.seconds,
    )


def _unended(session: TestSession, trace: str) -> Line:
    result, page = _page_of(session, trace, None)
    name, verdict = trace, result.verdict if result is not None else None
    if result is not None and result.trace is not None:
        name = str(result.trace.facts.extra.get("test", trace))
    op = verdict.op if verdict is not None else None
    return Line(
        formatting.clip(name, 200),
        DIED,
        "its process ended before it did",
        formatting.clip((verdict and verdict.pass_name) or "", 60),
        formatting.clip(f"{op.name} #{op.index}", 80) if op is not None else "",
        page,
    )


def _page_of(
    session: TestSession, trace: str | None, test: str | None
) -> tuple[Result | None, str | None]:
    """What a trace came to, and its page, which is written; None where it was not kept."""
    folder = session.folder / trace if trace is not None else None
    if folder is None or not folder.is_dir():
        return None, None
    try:
        work = recording.as_run(folder)
    except UsageError:
        return None, None
    work.facts.script = test
    written = run_page.write(work)
    return work.results[0], written.relative_to(session.folder).as_posix()
