"""Rewordings as examples: what is asked, what they remember, and the rows' own paraphrases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evalkit.data import load_suite, perturb
from evalkit.errors import DataError, UsageError
from evalkit.schema import Example, Suite
from tests.command_line import write_jsonl

ROW = {
    "id": "7",
    "prompt": "Which silver metal is liquid when it is warm?",
    "completion": "mercury",
}


def suite_of(tmp_path: Path, *rows: dict[str, Any], yaml: str = "") -> Suite:
    write_jsonl(tmp_path / "test.jsonl", rows)
    (tmp_path / "suite.yaml").write_text(f"name: s\ntask: qa\ntest: test.jsonl\n{yaml}")
    return load_suite(tmp_path)


def reworded(suite: Suite, seed: int = 1) -> tuple[Example, ...]:
    return perturb(suite.config, suite.splits["test"], seed)


def test_a_rewording_remembers_its_original(tmp_path: Path) -> None:
    found = reworded(suite_of(tmp_path, ROW | {"topic": "metals"}))
    assert [example.id for example in found] == ["7~case", "7~spacing", "7~typos"]
    for example in found:
        assert example.fields["original"] == "7"
        assert example.fields["cluster_id"] == "7"
        assert example.references == ("mercury",)
        assert example.messages[-1].content == example.prompt != ROW["prompt"]
    assert [example.fields["rewording"] for example in found] == ["case", "spacing", "typos"]


def test_equal_seeds_give_equal_rewordings(tmp_path: Path) -> None:
    suite = suite_of(tmp_path, ROW)
    assert reworded(suite) == reworded(suite)
    assert reworded(suite) != reworded(suite, seed=2)


def test_only_the_prompt_is_reworded_never_what_surrounds_it(tmp_path: Path) -> None:
    row = {
        "messages": [
            {"role": "user", "content": "The first turn stays"},
            {"role": "assistant", "content": "and its answer"},
            {"role": "user", "content": ROW["prompt"]},
            {"role": "assistant", "content": "mercury"},
        ]
    }
    yaml = 'system: "The system prompt stays"\ntemplate: "A question stays: {prompt}"\n'
    for example in reworded(suite_of(tmp_path, row, yaml=yaml)):
        *before, asked = [message.content for message in example.messages]
        assert before == ["The system prompt stays", "The first turn stays", "and its answer"]
        assert asked == f"A question stays: {example.prompt}"


def test_a_template_without_the_prompt_leaves_nothing_to_reword(tmp_path: Path) -> None:
    suite = suite_of(tmp_path, ROW | {"question": "What?"}, yaml='template: "{question}"\n')
    assert reworded(suite) == ()


def test_labels_are_never_touched(tmp_path: Path) -> None:
    prompt = "Which metal is liquid: say solid mercury"
    write_jsonl(tmp_path / "test.jsonl", [{"prompt": prompt, "completion": "metal"}])
    (tmp_path / "suite.yaml").write_text(
        "task: classification\ntest: test.jsonl\nlabels: [liquid, mercury, metal]\n"
    )
    for example in reworded(load_suite(tmp_path)):
        assert {"liquid", "mercury", "metal"} <= set(example.prompt.replace(":", "").split())


def test_clusters_stay_together(tmp_path: Path) -> None:
    found = reworded(suite_of(tmp_path, ROW | {"cluster_id": "page 3"}))
    assert {example.fields["cluster_id"] for example in found} == {"page 3"}


def test_paraphrases_of_the_row(tmp_path: Path) -> None:
    own = ["What metal is liquid in summer?", ROW["prompt"], "Name the liquid metal."]
    found = reworded(suite_of(tmp_path, ROW | {"paraphrases": own}))
    asked = {example.id: example.prompt for example in found if "paraphrase" in example.id}
    # The second is the prompt itself, so nothing would be learnt by asking it.
    assert asked == {"7~paraphrase-1": own[0], "7~paraphrase-3": own[2]}
    kinds = [example.fields["rewording"] for example in found]
    assert kinds == ["case", "spacing", "typos", "paraphrase", "paraphrase"]


@pytest.mark.parametrize(
    ("cell", "count"), [('"[""one way"", ""another way""]"', 2), ("one way", 1), ("", 0)]
)
def test_paraphrases_in_a_table(tmp_path: Path, cell: str, count: int) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(f"id,prompt,completion,paraphrases\n7,Who is it?,me,{cell}\n")
    (example,) = load_suite(path).splits["test"]
    assert len(example.fields["paraphrases"]) == count


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (7, "field 'paraphrases': found the number 7, expected a list of texts"),
        (["x", " "], r"field 'paraphrases\[1\]': found the text ' ', expected text that asks"),
        ([None], r"field 'paraphrases\[0\]': found null"),
        ("[broken", "expected a list of texts"),
    ],
)
def test_broken_paraphrases_are_named(tmp_path: Path, value: object, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        suite_of(tmp_path, ROW, ROW | {"id": "8", "paraphrases": value})
    assert "test.jsonl:2" in str(caught.value)


def test_a_training_file_of_that_name_is_refused(tmp_path: Path) -> None:
    suite_of(tmp_path, ROW)
    write_jsonl(tmp_path / "perturbed.jsonl", [ROW])
    with pytest.raises(UsageError, match="rename the file"):
        load_suite(tmp_path, extra_train=["perturbed.jsonl"])
