from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rouge_score.rouge_scorer import lcs_ind

from evalkit.scorers.lcs import lcs_lengths, lcs_positions

WORDS = st.text(alphabet="abc", max_size=12)


@given(WORDS, WORDS)
def test_positions_are_those_that_rouge_score_reads_out_of_its_table(
    reference: str, candidate: str
) -> None:
    expected = lcs_ind(reference, candidate)
    assert lcs_positions(reference, candidate) == expected
    assert lcs_lengths([reference, ""], [candidate, "a"]).tolist() == [len(expected), 0]
