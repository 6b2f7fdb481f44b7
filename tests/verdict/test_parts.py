from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evalkit.schema import Example, Message
from evalkit.verdict.parts import clusters_of, count_units, slice_warnings, slices_of, whole

Rows = Sequence[Mapping[str, Any]]


def examples(rows: Rows) -> list[Example]:
    return [
        Example(str(i), "p", (Message("user", f"question {i}"),), ("r",), row)
        for i, row in enumerate(rows)
    ]


def found(rows: Rows, *fields: str) -> dict[str, list[int]]:
    return {part.label: part.members.tolist() for part in slices_of(examples(rows), fields)}


def test_each_value_is_a_slice_in_a_fixed_order() -> None:
    rows = [{"lang": "fr"}, {"lang": "de"}, {"lang": "fr"}]
    assert found(rows, "lang") == {"lang=de": [1], "lang=fr": [0, 2]}
    assert list(found(rows, "lang")) == ["lang=de", "lang=fr"]


def test_a_list_of_values_belongs_to_each_of_them_once() -> None:
    rows: Rows = [{"tag": ["a", "b", "a"]}, {"tag": "b"}]
    assert found(rows, "tag") == {"tag=a": [0], "tag=b": [0, 1]}


def test_values_are_spelt_as_in_the_data() -> None:
    rows: Rows = [{"v": True}, {"v": 1}, {"v": "001"}, {"v": 1.5}, {"v": None}, {}]
    assert found(rows, "v") == {"v=001": [2], "v=1": [1], "v=1.5": [3], "v=true": [0]}


def test_free_text_makes_no_slices_and_a_warning() -> None:
    rows = [{"id": str(i)} for i in range(21)]
    assert found(rows, "id") == {}
    assert slice_warnings("qa", examples(rows), ["id", "absent"]) == [
        "qa: no slices by 'id': found 21 values, expected at most 20.",
        "qa: no slices by 'absent': no test row has this field.",
    ]
    assert slice_warnings("qa", examples(rows[:20]), ["id"]) == []


def test_the_whole_is_a_part_without_label() -> None:
    part = whole(examples([{}, {}]))
    assert (part.label, part.members.tolist()) == ("", [0, 1])


def test_rows_without_a_cluster_are_clusters_of_their_own() -> None:
    rows = [{"cluster_id": "a"}, {}, {"cluster_id": "a"}, {}]
    clusters = clusters_of(examples(rows))
    assert clusters is not None
    assert clusters[0] == clusters[2]
    assert len(set(clusters.tolist())) == 3
    assert clusters_of(examples([{}, {}])) is None


def test_rows_that_ask_the_same_are_one_unit_unless_some_row_has_a_cluster() -> None:
    repeated = [*examples([{}, {}]), *examples([{}])]
    clusters = clusters_of(repeated)
    assert clusters is not None
    assert clusters.tolist() == [0, 1, 0]
    assert count_units(repeated) == 2
    assert count_units(examples([{}, {}, {}])) == 3
    named = [*examples([{}, {}]), *examples([{"cluster_id": "a"}])]
    assert count_units(named) == 3
    assert count_units([]) == 0
