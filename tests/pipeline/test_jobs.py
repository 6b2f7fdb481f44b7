from __future__ import annotations

from dataclasses import replace

from evalkit.pipeline.jobs import pairs_of
from evalkit.pipeline.questions import question
from evalkit.runner import Job, Pair
from evalkit.schema import Example, Generation, Message, ModelSpec

BASE = ModelSpec("base", "openai", "b", "base")
TUNED = ModelSpec("tuned", "openai", "t", "tuned", tuned_from="base")


def job(model: str, suite: str, i: int, split: str = "test") -> Job:
    example = Example(f"{suite}-{i}", "p", (Message("user", f"{suite} {i}"),), ("yes",))
    return Job(model, question(suite, split, example, Generation()))


def test_a_pair_has_the_test_prompts_of_its_suites_in_turns() -> None:
    suites = {"a": 4, "b": 2}
    tests = [job(m, s, i) for s, n in suites.items() for i in range(n) for m in ("base", "tuned")]
    other = [
        job("tuned", "a", 9, "train"),
        replace(job("tuned", "a", 9), repeat=1),
        replace(job("tuned", "a", 9), request=replace(tests[0].request, scored="yes")),
    ]
    (pair,) = pairs_of([BASE, TUNED], [*other, *tests])
    assert isinstance(pair, Pair)
    assert (pair.base, pair.tuned) == ("base", "tuned")
    asked = [request.example_id for request in pair.requests]
    assert asked == ["a-0", "b-0", "a-1", "b-1", "a-2", "a-3"]
