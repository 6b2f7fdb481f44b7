"""The statistical terms of the report in plain words."""

from __future__ import annotations

from evalkit.report.sections.registry import Context, section
from evalkit.schema import RunRecord

TERMS = (
    ("95 % interval", "The range of true values that fit the data: over many such runs, 95 in 100 "
     "of these ranges hold the true value. A score of 0 or 1 has a range too, because another "
     "sample of prompts could have shown the first exception."),
    ("Change (delta)", "Score of the tuned model minus score of its base on the same prompts. "
     "Pairing removes what makes prompts easy or hard for both."),
    ("Wins, ties, losses", "On how many prompts the tuned model scores higher than, the same as, "
     "or lower than its base."),
    ("p", "How often a difference this large would turn up if the two models were equally good. "
     "Small means hard to explain by chance; it does not say how large the difference is."),
    ("Adjusted p", "Testing many things finds something by chance. Holm's adjustment keeps the "
     "chance of even one false alarm among the declared comparisons at 5 %. Benjamini and "
     "Hochberg's, used for slices, keeps the share of false alarms among the findings at 5 %."),
    ("Declared and exploratory", "The primary scorer of each suite is declared before the run and "
     "carries the verdict. Other scorers are for reading; slices suggest where to look next."),
    ("p of a regression", "One-sided: how often a drop this large would turn up if the tuned "
     "model were no worse. The gate looks at this one."),
    ("Base-adjusted gap", "How much more the tuned model gained on its training prompts than on "
     "unseen ones. Subtracting the base takes out that one set may simply be easier. Near 0: it "
     "learned the task. Well above 0: it learned the rows."),
    ("Tolerance", "A gap below 0.10 is small enough to live with. Evidence is strong only when "
     "the whole 90 % interval lies above it."),
    ("Copying", "How often an answer to an unseen prompt repeats eight words in a row from a "
     "training completion, more than the base and more than the true answers do."),
    ("Leakage", "Test prompts that also occur in training. They measure memory, and they hide "
     "overfitting, so the overfitting check leaves them out."),
    ("Skill and form", "An answer that contains the reference shows the skill; one that equals it "
     "has the form as well. A model can gain in exact match by form alone."),
    ("Missing", "The provider gave no answer, even after trying again. A missing answer is left "
     "out of both models and counted; it is never scored as wrong. An empty answer is an answer."),
    ("Inconclusive", "The data fit both a harmless and a harmful explanation. More examples "
     "narrow the interval."),
)  # fmt: skip


@section(120, "Terms")
def glossary(record: RunRecord) -> Context:  # noqa: ARG001 - the same for every run
    """One line a term."""
    return {"terms": TERMS}
