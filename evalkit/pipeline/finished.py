"""A finished run: its folder, its record, and its tables as DataFrames."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit import store
from evalkit.errors import UsageError
from evalkit.pipeline.arguments import checked
from evalkit.pipeline.gating import gate_run
from evalkit.report import render_markdown, render_report, write_report
from evalkit.schema import GateRule, GateVerdict, RunRecord, Usage
from evalkit.verdict import gate as judge
from evalkit.verdict import headline
from evalkit.verdict.wording import counted

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """A finished run: its record, its folder, and its tables as DataFrames.

    Attributes:
        record: everything the run found out.
        folder: the run folder on disk.
        asked: whether it was asked just now; else it is what its folder holds.
    """

    record: RunRecord
    folder: Path
    asked: bool = False

    @property
    def report(self) -> Path:
        """The HTML report."""
        return self.folder / "report.html"

    @property
    def scores(self) -> pd.DataFrame:
        """Tidy scores: a row a suite, split, example, model and scorer; NaN where missing."""
        import pandas as pd

        rows = [
            (split.suite, split.split, example.id, model, scorer, value)
            for split in self.record.splits
            for (model, scorer), values in split.values.items()
            for example, value in zip(split.examples, values.tolist(), strict=True)
        ]
        return pd.DataFrame(rows, columns=["suite", "split", "id", "model", "scorer", "score"])

    @property
    def summary(self) -> pd.DataFrame:
        """summary.csv: scores with their 95 % intervals."""
        return _frame(self.record.scores)

    @property
    def comparison(self) -> pd.DataFrame:
        """comparison.csv: tuned minus base, with intervals and p-values."""
        return _frame(self.record.comparisons)

    @property
    def overfit(self) -> pd.DataFrame:
        """The overfitting verdicts, a row a suite and tuned model, without the signals."""
        return _frame(self.record.info.overfit).drop(columns="signals", errors="ignore")

    @property
    def noise(self) -> pd.DataFrame:
        """noise.csv: how much models differ from themselves, where they were asked again."""
        return _frame(self.record.info.noise)

    @property
    def missing(self) -> int:
        """How many answers could not be had."""
        return sum(usage.missing for usage in self._usages())

    @property
    def unanswered(self) -> int:
        """How many questions of any kind have no answer: log-probabilities are asked for, too."""
        told = self.record.info.clocks.get("models") or {}
        return max(self.missing, sum(one.get("missing") or 0 for one in told.values()))

    @property
    def failures(self) -> str:
        """Why answers are missing, counted: `3 timeout, 1 server`."""
        return counted(dict(sorted(self._kinds().items())))

    @property
    def remedy(self) -> str:
        """How the missing answers can be had."""
        kinds = set(self._kinds())
        if kinds == {"absent"}:
            return "add them to the file, or narrow the suite to what it holds"
        again = f"`evalkit run --retry-missing {self.folder}` asks only for them"
        return f"once key and credit are in order, {again}" if kinds & {"auth", "quota"} else again

    def _kinds(self) -> Counter[str]:
        kinds: Counter[str] = Counter()
        for usage in self._usages():
            kinds.update(usage.failures)
        return kinds

    def _usages(self) -> tuple[Usage, ...]:
        """Of all that were asked, the judges included."""
        return self.record.info.usage + self.record.info.judging

    @checked
    def gate(
        self,
        rule: GateRule | None = None,
        *,
        against: str | Path | None = None,
        changes: Mapping[str, Any] | None = None,
    ) -> GateVerdict:
        """PASS, FAIL or INCONCLUSIVE: against the base, and against accepted runs if there are any.

        Args:
            rule: for all suites, instead of each suite's own.
            against: one more earlier run to compare with.
            changes: fields of every rule to be replaced, such as `{"margin": 0.02}`.

        Raises:
            ComparabilityError: an earlier run that was not asked or scored alike.
            RunFolderError: an earlier run that cannot be read.
        """
        other = None if against is None else Path(against)
        return gate_run(self.record, self.folder, against=other, rule=rule, changes=changes or {})

    @checked
    def accept(self, verdict: GateVerdict | None = None, *, force: bool = False) -> Path:
        """Make this run the new reference of its suites; the first one accepted is the anchor.

        Args:
            verdict: the gate's; by each suite's own rule if not given.
            force: whatever the verdict is.

        Returns:
            The file that says so, beside the run folder.

        Raises:
            UsageError: the gate does not let it pass; the references stay as they are.
        """
        if not force and (found := verdict or self.gate()).verdict != "PASS":
            raise UsageError(
                f"{self.folder} is not accepted: {found.verdict}: {found.reason} "
                "To accept it nevertheless, say `accept(force=True)`"
            )
        store.accept(self.folder, [suite.name for suite in self.record.info.suites])
        return self.folder.parent / store.ACCEPTED

    @checked
    def markdown(self, verdict: GateVerdict | None = None) -> str:
        """Verdict, answers and scores in GitHub's Markdown, for a comment or a step summary.

        Args:
            verdict: the gate's; against the base alone if not given.
        """
        return render_markdown(self.record, verdict)

    @checked
    def as_json(self, verdict: GateVerdict | None = None) -> dict[str, Any]:
        """Verdicts and scores as plain JSON values, for scripts.

        Args:
            verdict: the gate's; against the base alone if not given.
        """
        info = self.record.info
        verdict = judge(self.record) if verdict is None else verdict
        return {
            "name": info.name,
            "folder": str(self.folder),
            "report": str(self.report),
            "missing": self.missing,
            "overfit": dict(info.overfit_levels),
            "gate": dataclasses.asdict(verdict),
            "scores": [dataclasses.asdict(score) for score in self.record.scores],
            "comparisons": [dataclasses.asdict(c) for c in self.record.comparisons],
            "noise": [dataclasses.asdict(row) for row in info.noise],
            "differences": [dataclasses.asdict(d) for d in info.differences],
        }

    def __repr__(self) -> str:
        """One line: `Run(faq: tuned over base: Better? yes ... Ship? no; in reports/faq)`."""
        told = [
            f"{found.tuned} over {found.base}: "
            + ", ".join(f"{one.question} {one.answer}" for one in found.findings)
            for found in headline(self.record)
        ] or [", ".join(model.name for model in self.record.info.models)]
        return f"Run({self.record.info.name}: {'; '.join(told)}; in {self.folder})"

    def _repr_html_(self) -> str:
        """In a notebook a run is its report, in a frame of its own so that styles don't mix."""
        import html

        page = html.escape(render_report(self.record), quote=True)
        return (
            f'<iframe srcdoc="{page}" title="evalkit report" loading="lazy" '
            'sandbox="allow-scripts" style="width:100%;height:80vh;border:0"></iframe>'
        )


@checked
def load(folder: str | Path) -> Run:
    """Read a run folder; needs no model, no key and no network.

    Raises:
        RunFolderError: the folder is missing, incomplete or was changed.
    """
    return Run(store.read(Path(folder)), Path(folder))


def write(record: RunRecord, folder: Path) -> Run:
    """Write a run folder and its report."""
    store.write(record, folder)
    done = Run(record, folder)
    write_report(record, done.report)
    return done


def _frame(records: Sequence[Any]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame([dataclasses.asdict(record) for record in records])
