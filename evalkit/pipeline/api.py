"""The public Python API: the same six things that the command line does."""

from __future__ import annotations

import dataclasses
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from evalkit import store
from evalkit.data import SuiteHealth, check_suite, load_project, load_suite, parse_extract
from evalkit.errors import UsageError
from evalkit.pipeline.command import command_of
from evalkit.pipeline.comparing import compare_runs
from evalkit.pipeline.concluding import Setup, conclude
from evalkit.pipeline.gating import gate_run
from evalkit.pipeline.loading import load_suites
from evalkit.pipeline.looks import ask_suites
from evalkit.pipeline.losses import load_losses
from evalkit.pipeline.options import RunOptions, listed
from evalkit.pipeline.plan import make_plan, suites_to_check
from evalkit.pipeline.resume import setup_of
from evalkit.pipeline.scoring import suite_scorers
from evalkit.pipeline.spend import prices_of, purse_of
from evalkit.pipeline.sweep import choose
from evalkit.report import render_report, write_report
from evalkit.runner import AskStats, progress_observer
from evalkit.schema import (
    GateRule,
    GateVerdict,
    Price,
    RunComparison,
    RunRecord,
    SuiteConfig,
)
from evalkit.verdict import gate as judge

if TYPE_CHECKING:
    import pandas as pd

REPORTS = Path("reports")


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """A finished run: its record, its folder, and its tables as DataFrames.

    Attributes:
        record: everything the run found out.
        folder: the run folder on disk.
    """

    record: RunRecord
    folder: Path

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
        return sum(usage.missing for usage in self.record.info.usage)

    @property
    def failures(self) -> str:
        """Why answers are missing, counted: `3 timeout, 1 server`."""
        return ", ".join(f"{count} {kind}" for kind, count in sorted(self._kinds().items()))

    @property
    def remedy(self) -> str:
        """How the missing answers can be had."""
        if set(self._kinds()) == {"absent"}:
            return "add them to the file, or narrow the suite to what it holds"
        return f"`evalkit run --retry-missing {self.folder}` asks only for them"

    def _kinds(self) -> Counter[str]:
        kinds: Counter[str] = Counter()
        for usage in self.record.info.usage:
            kinds.update(usage.failures)
        return kinds

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

    def _repr_html_(self) -> str:
        """In a notebook a run is its report, in a frame of its own so that styles don't mix."""
        import html

        page = html.escape(render_report(self.record), quote=True)
        return (
            f'<iframe srcdoc="{page}" title="evalkit report" loading="lazy" '
            'sandbox="allow-scripts" style="width:100%;height:80vh;border:0"></iframe>'
        )


def run(
    suites: str | Path | Sequence[str | Path] = (),
    *,
    out: str | Path | None = None,
    retry_missing: str | Path | None = None,
    progress: bool = False,
    **options: Unpack[RunOptions],
) -> Run:
    """Ask base and tuned models, score, compare, check for overfitting, and write the run folder.

    Args:
        suites: suite folders, data files or names of shipped suites; empty: those of the project
            file, or the embedded quickstart.
        out: the run folder; default `reports/NAME-UTCTIME`.
        retry_missing: a run folder whose missing answers are asked for, by its own set-up; only
            options of how it is asked may be given besides. A run that lacks none stays as it is.
        progress: show progress on stderr.
        options: see `RunOptions`.

    Returns:
        The finished run. Answers that could not be had are counted in `Run.missing`.

    Raises:
        EvalkitError: see `evalkit.errors`; what was answered is kept in the cache.
    """
    started, clock = datetime.now(UTC), time.perf_counter()
    if retry_missing is not None:
        earlier = load(retry_missing)
        if not earlier.missing:
            return earlier
        given = {**options, "suites": listed(suites), "out": out}
        suites, options = setup_of(earlier.record, earlier.folder, given)
        out = retry_missing
    plan = make_plan(listed(suites), **options)
    folder = Path(out) if out is not None else None
    if folder is not None:  # what cannot be written must show before anything is asked
        files = [m.model.partition("#")[0] for m in plan.models if m.provider == "file"]
        store.check_target(folder, [*plan.suites, *map(Path, files)])
    losses, unread = load_losses(plan.models)  # a broken file must show before, too
    loaded = load_suites(plan)
    for suite in loaded.suites:  # a wrong scorer must show before anything is asked
        suite_scorers(suite.config, suite.splits["test"], plan.scorers)
    prices = prices_of(plan.models, started.date())
    purse = purse_of(plan, prices)
    observer = progress_observer() if progress else None
    choice = choose(plan, loaded, observer, purse)
    plan, loaded = choice.plan, choice.loaded
    found = ask_suites(plan, loaded, observer, purse)
    loaded, asked, probes = found.loaded, found.stats, found.probes
    record = conclude(
        Setup(
            name=plan.name if out is None else Path(out).name,
            models=plan.models,
            suites=tuple(_ruled(suite.config, plan.gate) for suite in loaded.suites),
            hashes={suite.config.name: suite.hashes for suite in loaded.suites},
            training=loaded.training,
            leaks=loaded.leaks,
            seed=plan.seed,
            limit=plan.limit,
            scorers=plan.scorers,
            prices=prices,
            probes=probes,
            notes={
                model: notes
                for model, stats in asked.items()
                if (notes := (*stats.notes, *unread.get(model, ()), *choice.notes.get(model, ())))
            },
            completions=loaded.completions,
            repeats=plan.repeats,
            allow_identical=plan.allow_identical,
            looks=found.looks,
            perturb=plan.perturb,
            losses=losses,
            checkpoints=choice.rows,
            clocks={
                "started": started.isoformat(timespec="seconds"),
                "seconds": round(time.perf_counter() - clock, 3),
                "command": command_of(listed(suites), options),
                "models": {name: _clock(s, prices.get(name)) for name, s in asked.items()},
            },
        ),
        found.results,
    )
    stamp = started.strftime("%Y%m%dT%H%M%SZ")
    folder = folder or store.free_folder(REPORTS, f"{plan.name}-{stamp}")
    return _write(record, folder)


def load(folder: str | Path) -> Run:
    """Read a run folder; needs no model, no key and no network.

    Raises:
        RunFolderError: the folder is missing, incomplete or was changed.
    """
    return Run(store.read(Path(folder)), Path(folder))


def report(folder: str | Path) -> Run:
    """Write the report of a run again, from its folder."""
    done = load(folder)
    write_report(done.record, done.report)
    return done


def gate(
    folder: str | Path,
    rule: GateRule | None = None,
    *,
    against: str | Path | None = None,
    changes: Mapping[str, Any] | None = None,
) -> GateVerdict:
    """PASS, FAIL or INCONCLUSIVE of a run, from its folder; see `Run.gate`."""
    return load(folder).gate(rule, against=against, changes=changes)


def compare(earlier: str | Path, later: str | Path) -> RunComparison:
    """Two stored runs side by side: changes with intervals, flips, what changed in the set-up.

    Every model is compared with the model of the same name and role in the earlier run.

    Raises:
        ComparabilityError: nothing of the two can be compared; every reason is named.
        RunFolderError: a run that cannot be read.
        UsageError: the two are one run.
    """
    return compare_runs(Path(earlier), Path(later))


def project_rule(config: str | Path) -> GateRule:
    """The gate's rule of a project file.

    Raises:
        ConfigError: a file that is wrong.
        UsageError: one without a `gate:`.
    """
    rule = load_project(Path(config)).gate
    if rule is None:
        raise UsageError(f"{config} has no `gate:`; add one, or leave --config out")
    return rule


def score(
    folder: str | Path,
    *,
    scorers: Sequence[str] = (),
    extract: str | Sequence[str] = (),
    out: str | Path | None = None,
) -> Run:
    """Score the stored completions of a run again, without a model.

    Args:
        folder: the run folder.
        scorers: instead of the suites' own; `default` stands for those.
        extract: steps to the part of a completion that is scored, such as `number` or
            `after=Answer:`, instead of the suites' own; empty for those.
        out: where to write; default: the same folder.

    Returns:
        The run with its new scores, written.
    """
    target = Path(folder if out is None else out)
    if out is not None:
        store.check_target(target)
    record = store.read(Path(folder))
    info = record.info
    suites = info.suites
    if extract:
        steps = parse_extract(listed(extract))
        suites = tuple(dataclasses.replace(c, extract=steps) for c in suites)
    setup = Setup(
        name=info.name,
        models=info.models,
        suites=suites,
        hashes=info.hashes,
        training={(v.suite, v.tuned): v.train_split for v in info.overfit},
        leaks=record.leaks,
        seed=info.seed,
        limit=info.limit,
        scorers=tuple(scorers),
        probes=info.probes,
        prices={used.model: used.price for used in info.usage if used.price is not None},
        notes=info.notes,
        clocks=info.clocks,
        earlier=info.overfit,
        repeats=info.repeats,
        allow_identical=info.allow_identical,
        looks=info.looks,
        perturb=info.perturb,
        losses=record.losses,
        checkpoints=record.checkpoints,
    )
    return _write(conclude(setup, record.splits), target)


def check(
    suites: str | Path | Sequence[str | Path] = (),
    *,
    train: str | Path | None = None,
    config: str | Path | None = None,
) -> tuple[SuiteHealth, ...]:
    """The health of suites: counts, duplicates, leakage, balance, lengths.

    Raises:
        DataError: rows that cannot be read, all of them.
        ScorerError: a scorer that is unknown or doesn't fit its suite.
    """
    paths, extra = suites_to_check(listed(suites), config=config)
    path = None if train is None else Path(train)
    healths = []
    for place in paths:
        suite = load_suite(place, train=path, extra_train=extra)
        suite_scorers(suite.config, suite.splits["test"])
        healths.append(check_suite(suite))
    return tuple(healths)


def _ruled(config: SuiteConfig, rule: GateRule | None) -> SuiteConfig:
    """A suite under the project's rule, if the project has one."""
    return config if rule is None else dataclasses.replace(config, gate=rule)


def _clock(stats: AskStats, price: Price | None) -> dict[str, Any]:
    """What is different the next time: everything but the notes; and the money spent this time."""
    told = {key: value for key, value in dataclasses.asdict(stats).items() if key != "notes"}
    spent = None if price is None else price.of(stats.prompt_tokens, stats.completion_tokens)
    return told | {"tokens_per_second": stats.tokens_per_second, "spent": spent}


def _write(record: RunRecord, folder: Path) -> Run:
    store.write(record, folder)
    done = Run(record, folder)
    write_report(record, done.report)
    return done


def _frame(records: Sequence[Any]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame([dataclasses.asdict(record) for record in records])
