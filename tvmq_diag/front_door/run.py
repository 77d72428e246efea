"""A run and the results in it, as a person asks about them."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..configuration import parse
from ..errors import SetupError, UsageError
from ..measurements.bisection import Bisection
from ..measurements.numerics import Numerics
from ..results import run
from ..results.facts import RunFacts
from ..results.verdict import Verdict
from .trace import Trace

if TYPE_CHECKING:
    import pandas as pd


class UnknownConfiguration(UsageError, KeyError):
    """A run has no result of that name. The message lists those that it has."""

    def __str__(self) -> str:
        return str(self.args[0])  # KeyError's own puts it in quotes


@dataclass(frozen=True, repr=False, eq=False)
class Run:
    """A run: one model, and a Result for each configuration that was tried.

    `run["int4"]` is a Result, `"int4" in run` says whether there is one, and iterating gives all of
    them. In a notebook it shows its verdicts.
    """

    stored: run.Run
    """The plain data: with `benchmark`, the times of all that ran, round by round."""

    @property
    def directory(self) -> Path:
        """The folder it was loaded from."""
        return self.stored.directory

    @property
    def facts(self) -> RunFacts:
        """How it was made: command, model, input_shape, seed, weights, toolchain, created, …"""
        return self.stored.facts

    @functools.cached_property
    def results(self) -> list[Result]:
        """All results in the order in which they were tried, the float model last."""
        return [Result(result) for result in self.stored.results]

    @property
    def verdicts(self) -> list[Verdict]:
        """The verdicts of all results, in the same order."""
        return [result.verdict for result in self.results]

    @property
    def configurations(self) -> list[str]:
        """The names of all results, in the same order: `int4`, `int8/int8/int32:nbit=4`, …

        The float model is called `float32`.
        """
        return [result.verdict.configuration for result in self.results]

    def __getitem__(self, configuration: str) -> Result:
        """The result of a configuration, however it is written: `int8/int8/int8` is `int8`.

        Raises UnknownConfiguration, a KeyError that lists those there are.
        """
        names = self.configurations
        for name in (configuration, _canonical(configuration)):
            if name in names:
                return self.results[names.index(name)]
        raise UnknownConfiguration(
            f"{configuration!r} was not tried in {self.directory}: it has {', '.join(names) or '-'}"
        )

    def __contains__(self, configuration: str) -> bool:
        return not {configuration, _canonical(configuration)}.isdisjoint(self.configurations)

    def __iter__(self) -> Iterator[Result]:
        return iter(self.results)

    def __len__(self) -> int:
        return len(self.results)

    def _ipython_key_completions_(self) -> list[str]:
        return self.configurations

    def to_dataframe(self) -> pd.DataFrame:
        """A pandas DataFrame with a row for each result; what does not apply is missing there.

        Columns: role, outcome, stage, pass, op, op_index (from 0, in running order), span, knob,
        reason, message, suggestion, confidence; cosine, worst_cosine, sqnr_db, max_abs_error and
        top1_agree (0 to 1) against the float model; top1 and float_top1 (0 to 1) against the
        labels; latency_ms (median) and ratio to float with ratio_low and
        ratio_high, its 95 % interval. The index is the configuration.

        Raises SetupError without pandas.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise SetupError(
                "a DataFrame needs pandas, which is not here: pip install pandas"
            ) from error
        rows = [_row(result) for result in self.results]
        return pd.DataFrame(rows, index=pd.Index(self.configurations, name="configuration"))

    def write_html(self) -> Path:
        """Draw the page and its graphs into the folder of the run; returns the page.

        Raises OSError where the folder cannot be written.
        """
        from ..reports.pages import run as page

        return page.write(self.stored)

    def __repr__(self) -> str:
        headlines = (f"\n  {result.verdict.headline}" for result in self.results)
        return f"<Run {self.directory}{''.join(headlines)}>"

    def _repr_html_(self) -> str:
        from ..reports.pages import notebook

        return notebook.fragment(self.stored.results)


@dataclass(frozen=True, repr=False, eq=False)
class Result:
    """What came of one configuration: its verdict, and what the verdict rests on."""

    stored: run.Result

    @property
    def verdict(self) -> Verdict:
        """What happened, why, and what to try."""
        return self.stored.verdict

    @property
    def role(self) -> str:
        """Why it was tried: asked, instead (of what failed), reference (TVM's default), float."""
        return self.stored.role.value

    @functools.cached_property
    def trace(self) -> Trace | None:
        """The compile pass by pass; None where the process left no trace behind."""
        stored = self.stored
        return Trace(stored.trace, stored.verdict) if stored.trace is not None else None

    @property
    def numerics(self) -> Numerics | None:
        """The error of each op against the float model; None where it was not measured."""
        return self.stored.numerics

    @property
    def bisection(self) -> Bisection | None:
        """The pass and the op that a wrong result comes from; None where nobody looked for them."""
        return self.stored.bisection

    @property
    def output(self) -> str:
        """The last 20 kB of what its process printed; empty where that was not kept."""
        return self.stored.tail

    def __repr__(self) -> str:
        return f"<Result {self.verdict.headline}>"

    def _repr_html_(self) -> str:
        from ..reports.pages import notebook

        return notebook.fragment([self.stored])


def _canonical(configuration: str) -> str:
    """The name under which a configuration is on record; itself where it is none."""
    try:
        return parse(configuration).text
    except UsageError:
        return configuration


def _row(result: Result) -> dict[str, object]:
    decided = result.verdict
    op, metrics, latency, ratio = decided.op, decided.metrics, decided.latency_ms, decided.ratio
    labelled = metrics.accuracy if metrics else None
    return {
        "role": result.role,
        "outcome": decided.outcome,
        "stage": decided.stage,
        "pass": decided.pass_name,
        "op": op.name if op else None,
        "op_index": op.index if op else None,
        "span": op.span if op else None,
        "knob": decided.knob,
        "reason": decided.reason,
        "message": decided.message,
        "suggestion": decided.suggestion,
        "confidence": decided.confidence,
        "cosine": metrics.cosine if metrics else None,
        "worst_cosine": metrics.worst_cosine if metrics else None,
        "sqnr_db": metrics.sqnr_db if metrics else None,
        "max_abs_error": metrics.max_abs_error if metrics else None,
        "top1_agree": metrics.top1_agree if metrics else None,
        "top1": labelled.share if labelled else None,
        "float_top1": labelled.float_share if labelled else None,
        "latency_ms": latency.median if latency else None,
        "ratio": ratio.value if ratio else None,
        "ratio_low": ratio.low if ratio else None,
        "ratio_high": ratio.high if ratio else None,
    }
