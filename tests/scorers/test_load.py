from __future__ import annotations

from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import numpy as np
import pytest

from evalkit.errors import ScorerError
from evalkit.schema import SuiteConfig
from evalkit.scorers import Scorer, known_scorers, load, make_scorers, score_predictions
from evalkit.scorers.match import exact_match_strict
from tests.scorers.shipped import WRITTEN

FILE = """
from dataclasses import dataclass

import neighbour
import numpy as np

import evalkit
from evalkit.scorers import Scorer

@evalkit.scorer
def shouted(prediction, references):
    return prediction.isupper()

def plain(prediction, references, *, at: int = neighbour.AT):
    return prediction[at:at + 1] == references[0][at:at + 1]

@dataclass
class Sized(Scorer):
    name: str = "sized"
    signature: str = "sized|v1"

    def stats(self, prediction, references):
        return float(len(prediction)), float(len(references[0]))

    def corpus(self, totals):
        return np.minimum(totals[..., 0] / totals[..., 1], 1)

class Picky(Sized):
    def __init__(self, *, level: int = 1):
        raise RuntimeError("no such level")

class Unfinished(Scorer):
    name = signature = "unfinished"

sized = Sized()
number = 7
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "neighbour.py").write_text("AT = 0\n")
    path = tmp_path / "mine.py"
    path.write_text(FILE)
    return path


def make(config: SuiteConfig, *specs: str | Scorer) -> tuple[Scorer, ...]:
    return make_scorers(specs, config, [["a"], ["b"]])


def test_every_shipped_scorer_can_be_made_and_is_called_what_it_is_called(
    config: SuiteConfig,
) -> None:
    made = make(config, *WRITTEN.values())
    assert [scorer.name for scorer in made] == list(WRITTEN.values())
    assert all(s.signature.startswith(f"{n}|") for n, s in zip(WRITTEN, made, strict=True))
    assert all(scorer.signature.endswith("v1") for scorer in made)


def test_options_make_another_scorer_of_another_name(config: SuiteConfig) -> None:
    plain, loose = make(config, "numeric", "numeric(tolerance=0.5)")
    assert loose.name == "numeric(tolerance=0.5)"
    assert loose.signature == "numeric|tolerance:0.5|relative:0.0|decimal:.|last|refs:any|v1"
    assert plain.stats("1.4", ["1"])[0] == 0
    assert loose.stats("1.4", ["1"])[0] == 1


def test_scorers_themselves_are_taken_as_they_are(config: SuiteConfig) -> None:
    assert make(config, exact_match_strict) == (exact_match_strict,)


def test_unknown_names_get_the_nearest(config: SuiteConfig) -> None:
    with pytest.raises(ScorerError, match="scorer 'exact_mach'; did you mean 'exact_match'"):
        make(config, "exact_mach")
    with pytest.raises(
        ScorerError, match=r"unknown scorer 'zzz'; known are: accuracy, .*bleu, chrf"
    ):
        make(config, "zzz")


def test_one_name_twice_is_refused(config: SuiteConfig) -> None:
    with pytest.raises(ScorerError, match="suite 'demo': two scorers are called 'f1'"):
        make(config, "f1", "bleu", "f1")


def test_a_scorer_from_a_file(config: SuiteConfig, file: Path) -> None:
    (ours,) = make(config, f"{file}:shouted")
    assert ours.name == "shouted"
    assert ours.signature.startswith("shouted|from:mine.py@")
    stats = score_predictions(ours, ["A", "b"], [["a"], ["b"]])
    assert ours.corpus(stats.sum(axis=0)) == 0.5


def test_an_undecorated_function_and_its_options(config: SuiteConfig, file: Path) -> None:
    first, second = make(config, f"{file}:plain", f"{file}:plain(at=1)")
    assert (first.name, second.name) == ("plain", "plain(at=1)")
    assert (first.stats("ab", ["ac"])[0], second.stats("ab", ["ac"])[0]) == (1, 0)


@pytest.mark.parametrize("name", ["Sized", "sized"])
def test_a_corpus_scorer_from_a_file(config: SuiteConfig, file: Path, name: str) -> None:
    (ours,) = make(config, f"{file}:{name}")
    assert (ours.name, ours.kind, ours.better) == ("sized", "corpus", 1)
    assert ours.values(np.array([[1.0, 2.0], [np.nan, np.nan]]))[0] == 0.5


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("{}:shoutd", "has no 'shoutd'; did you mean 'shouted'"),
        ("{}:number", "found int without name, .* expected a function"),
        ("{}:plain(too=1)", "unknown option 'too'; did you mean 'at'|unknown option 'too'; known"),
        ("{}:plain(at='x')", "option 'at': found 'x'"),
        ("{}:sized(a=1)", "it takes no options"),
        ("{}:Picky(level=2)", "cannot be made: RuntimeError.'no such level'"),
        ("{}:Unfinished", "cannot be made: TypeError.*abstract methods? '?corpus"),
        ("missing.py:x", r"cannot read missing\.py: No such file.*relative to the current folder"),
    ],
)
def test_what_a_file_does_not_hold(
    config: SuiteConfig, file: Path, spec: str, message: str
) -> None:
    with pytest.raises(ScorerError, match=message):
        make(config, spec.format(file))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("x = 1\ndef broken(:\n", r"broken\.py:2: SyntaxError: invalid syntax: def broken\(:$"),
        ("x = 1\n\ny = x / 0\n", r"broken\.py:3: ZeroDivisionError"),
        ("import sys\nsys.exit(3)\n", r"broken\.py:2: SystemExit"),
        ("import no_such_module_at_all\n", r"broken\.py:1: ModuleNotFoundError"),
        ("def f():\n    raise KeyError('k')\nf()\n", r"broken\.py:2: KeyError"),
    ],
)
def test_a_file_that_fails_says_in_which_line(
    config: SuiteConfig, tmp_path: Path, source: str, message: str
) -> None:
    (tmp_path / "broken.py").write_text(source)
    with pytest.raises(ScorerError, match=message):
        make(config, f"{tmp_path / 'broken.py'}:x")


def test_an_edited_file_is_loaded_again(config: SuiteConfig, tmp_path: Path) -> None:
    path = tmp_path / "edited.py"
    signatures = set()
    for value in (0, 1):
        path.write_text(f"def fixed(prediction, references):\n    return {value}\n")
        (ours,) = make(config, f"{path}:fixed")
        assert ours.stats("", [""])[0] == value
        signatures.add(ours.signature)
    assert len(signatures) == 2


def test_entry_points(config: SuiteConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Real entry points, found by the same call; only the list of what is installed is ours."""
    installed = EntryPoints(
        [
            EntryPoint("theirs", "evalkit.scorers.match:contains", "evalkit.scorers"),
            EntryPoint("gone", "evalkit.no_such_module:x", "evalkit.scorers"),
        ]
    )
    monkeypatch.setattr(load, "entry_points", installed.select)
    assert {"theirs", "gone", "f1"} <= set(known_scorers())
    assert make(config, "theirs")[0].stats("so it is", ["it is"])[0] == 1
    with pytest.raises(ScorerError, match=r"'evalkit\.no_such_module:x' failed: ModuleNotFound"):
        make(config, "gone")
    with pytest.raises(ScorerError, match="did you mean 'theirs'"):
        make(config, "their")
