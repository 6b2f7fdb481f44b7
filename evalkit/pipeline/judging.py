"""Judges: who they are, what they are asked about the completions, and what comes of it.

They are asked when the completions are there, through the same cache, limits, retries and purse as
the arms. A question does not say who gave a completion: equal completions of one example are judged
once, and all arms are judged alike.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from evalkit.errors import ScorerError, UsageError
from evalkit.models import Probed, Provider
from evalkit.pipeline.means import Means
from evalkit.pipeline.opening import open_providers
from evalkit.pipeline.plan import Plan
from evalkit.pipeline.probing import probe_models, require_answering, with_remarks
from evalkit.pipeline.scoring import seen_by, suite_scorers
from evalkit.runner import Ask, AskStats, Job, recalled, together
from evalkit.schema import (
    Answer,
    Example,
    Failure,
    Judgement,
    ModelSpec,
    Request,
    SplitResult,
    Suite,
    SuiteConfig,
)
from evalkit.scorers import EmptyPlaceError, JudgedScorer, Question, Scorer

PREFIX = "judge:"
"""Before the name of a judge; no arm can be called so."""


def judge_name(judge: ModelSpec) -> str:
    """What a run calls a judge: `judge:gpt-4.1-mini`."""
    return PREFIX + judge.name


def judges_of(scorers: Iterable[Scorer]) -> tuple[ModelSpec, ...]:
    """Whoever is asked by some scorers, under the names that a run calls them.

    Raises:
        UsageError: two judges of one name.
    """
    asked = (judge for s in scorers if isinstance(s, JudgedScorer) for judge in s.judges)
    found: dict[str, ModelSpec] = {}
    for judge in asked:
        named = replace(judge, name=judge_name(judge))
        if found.setdefault(named.name, named) != named:
            raise UsageError(
                f"two judges are called {judge.name!r}; give one another name: "
                f"`judge: NEW_NAME={judge.provider}:{judge.model}` in its suite.yaml"
            )
    return tuple(found.values())


def judges_asked(plan: Plan, suites: Iterable[Suite]) -> tuple[ModelSpec, ...]:
    """The judges of a run, for whom there is something to be asked.

    Raises:
        UsageError: two judges of one name.
        ScorerError: a scorer that is unknown or does not fit its suite.
    """
    found = [(suite, scorer) for suite in suites for scorer in chosen_scorers(plan, suite)]
    for suite, scorer in found:
        _require_places(suite, scorer)
    return judges_of(scorer for _, scorer in found)


def _require_places(suite: Suite, scorer: Scorer) -> None:
    """See that a judge's prompt fits the rows, before the arms are paid for answers."""
    if not isinstance(scorer, JudgedScorer):
        return
    first = None
    for example in suite.splits["test"]:
        try:
            scorer.questions(example.references[0], example)
        except EmptyPlaceError as error:
            first = first or (error if error.space == "item" else None)
        else:
            return
    if first is not None:
        raise ScorerError(
            f"suite {suite.config.name!r}: the prompt of {scorer.name!r} fits no row: {first}"
        )


def chosen_scorers(plan: Plan, suite: Suite) -> tuple[Scorer, ...]:
    """The scorers of a suite in a run."""
    return suite_scorers(suite.config, suite.splits["test"], plan.scorers)


@asynccontextmanager
async def open_judges(
    plan: Plan, suites: Sequence[Suite], *, only_primary: bool = False
) -> AsyncIterator[Bench]:
    """The judges of some suites, ready to be asked.

    Args:
        plan: how to ask.
        suites: whose completions are judged.
        only_primary: whether nobody needs more than the primary score.
    """
    chosen = {s.config.name: chosen_scorers(plan, s)[: 1 if only_primary else None] for s in suites}
    configs = {suite.config.name: suite.config for suite in suites}
    async with open_providers(judges_of(s for own in chosen.values() for s in own)) as judges:
        yield Bench(plan, configs, chosen, judges)


class Bench:
    """Judges that can be asked; see `open_judges`."""

    def __init__(
        self,
        plan: Plan,
        configs: Mapping[str, SuiteConfig],
        scorers: Mapping[str, Sequence[Scorer]],
        providers: Mapping[str, Provider],
    ) -> None:
        self._plan = plan
        self._configs = configs
        self._scorers = scorers
        self._providers = providers
        self._before: list[dict[str, AskStats]] = []

    async def probe(
        self, jobs: Sequence[Job], providers: Mapping[str, Provider], means: Means
    ) -> None:
        """See that the judges can be asked, before the arms are paid for answers.

        Args:
            jobs: what the arms are to be asked; if nothing of it is left, there is no hurry.
            providers: of the arms.
            means: what the asking may use.

        Raises:
            ModelError: a judge that cannot be asked.
        """
        served = {name: p for name, p in self._providers.items() if isinstance(p, Probed)}
        if not (served and self._plan.probe):
            return
        if None not in recalled(jobs, providers, self._plan.cache):
            return
        _, self._before = await require_answering(self._plan, served, means)

    async def judge(
        self,
        results: Sequence[SplitResult],
        asking: Ask,
        means: Means,
    ) -> tuple[tuple[SplitResult, ...], Mapping[str, AskStats]]:
        """Ask about every completion that a scorer wants judged.

        Args:
            results: what the arms answered.
            asking: asks with the options of the run.
            means: what the asking may use.

        Returns:
            The splits with what was said, and how the asking of each judge went.

        Raises:
            ModelError: a judge that cannot be asked at all.
        """
        asked = [
            list(asked_of_judges(self._configs[split.suite], split, self._scorers[split.suite]))
            for split in results
        ]
        jobs = [
            Job(
                judge_name(question.judge),
                request_of(split.suite, split.split, split.examples[place], question),
            )
            for split, questions in zip(results, asked, strict=True)
            for place, question in questions
        ]
        if not jobs:
            return tuple(results), {}
        probes, before = await probe_models(self._plan, jobs, self._providers, means)
        outcomes, stats = await asking(jobs, self._providers, observer=means.observer)
        replies = iter(outcomes)
        judged = [
            _judged(split, [(place, question, next(replies)) for place, question in questions])
            for split, questions in zip(results, asked, strict=True)
        ]
        told = together(stats, [*self._before, *before])
        return tuple(judged), with_remarks(told, probes, ())


def _judged(
    split: SplitResult, replies: Sequence[tuple[int, Question, Answer | Failure]]
) -> SplitResult:
    """A split with what judges said: (number of an example, question, reply)."""
    if not replies:
        return split
    rows = [list[Judgement]() for _ in split.examples]
    for place, question, reply in replies:
        rows[place].append(Judgement(question.key, judge_name(question.judge), reply))
    return replace(split, judgements=tuple(map(tuple, rows)))


def asked_of_judges(
    config: SuiteConfig, split: SplitResult, scorers: Sequence[Scorer]
) -> Iterator[tuple[int, Question]]:
    """Number of an example -> what judges are asked about its completions, each thing once.

    What a scorer has no question for is its failure, and told when it scores.

    Args:
        config: the suite.
        split: what the arms answered.
        scorers: the primary one first; it also scores what was asked a second time.
    """
    judged = [scorer for scorer in scorers if isinstance(scorer, JudgedScorer)]
    texts = {
        scorer.name: completions_of(config, split, scorer, again=scorer is scorers[0])
        for scorer in judged
    }
    for place, example in enumerate(split.examples):
        found: dict[str, Question] = {}
        for scorer in judged:
            for text in texts[scorer.name][place]:
                asked = questions_about(scorer, text, example)
                found |= {question.key: question for question in asked}
        for question in found.values():
            yield place, question


def completions_of(
    config: SuiteConfig, split: SplitResult, scorer: Scorer, *, again: bool
) -> list[tuple[str, ...]]:
    """What a scorer sees of the completions of each example, whoever gave them, each once.

    Args:
        config: the suite.
        split: what the arms answered.
        scorer: says whether it wants all that was said.
        again: whether what was asked a second time counts, too.
    """
    found: list[dict[str, None]] = [{} for _ in split.examples]
    for model in split.answers:
        rows = split.asked(model)
        columns = [*zip(*rows, strict=True)]
        if again:
            columns += zip(*split.again.get(model, ()), strict=True)
        for column in columns:
            for seen, text in zip(found, seen_by(scorer, config, column), strict=True):
                if text is not None:
                    seen[text] = None
    return [tuple(seen) for seen in found]


def questions_about(scorer: JudgedScorer, text: str, example: Example) -> tuple[Question, ...]:
    """What is asked about one completion; nothing where the scorer fails at that."""
    try:
        return scorer.questions(text, example)
    except ValueError:
        return ()


def request_of(suite: str, split: str, example: Example, question: Question) -> Request:
    """A question as it is sent."""
    return Request(
        suite=suite,
        split=split,
        example_id=example.id,
        prompt=example.prompt,
        messages=question.messages,
        generation=question.generation,
        schema=question.schema,
        effort=question.effort,
    )
