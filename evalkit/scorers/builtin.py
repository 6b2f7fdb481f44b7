"""The scorers that ship, by name; `docs/scorers.md` tells what each computes."""

from __future__ import annotations

from collections.abc import Mapping

from evalkit.scorers import (
    bleu,
    chrf,
    classes,
    gleu,
    gsm8k,
    json_fields,
    likelihood,
    match,
    meteor,
    numbers,
    rouge,
    sentence_bleu,
    style,
    ter,
)
from evalkit.scorers.base import MeanScorer, SuiteScorer

BUILTIN: Mapping[str, MeanScorer | SuiteScorer] = {
    "exact_match": match.exact_match,
    "exact_match_strict": match.exact_match_strict,
    "f1": match.f1,
    "contains": match.contains,
    "regex": match.regex,
    "numeric": numbers.numeric,
    "gsm8k": gsm8k.gsm8k,
    "json_valid": json_fields.json_valid,
    "json_match": json_fields.json_match,
    "rouge1": rouge.rouge1,
    "rouge2": rouge.rouge2,
    "rouge_l": rouge.rouge_l,
    "rouge_lsum": rouge.rouge_lsum,
    "bleu": bleu.bleu,
    "chrf": chrf.chrf,
    "ter": ter.ter,
    "sentence_bleu": sentence_bleu.sentence_bleu,
    "gleu": gleu.gleu,
    "meteor": meteor.meteor,
    "accuracy": classes.accuracy,
    **classes.AVERAGES,
    "label_accuracy": likelihood.label_accuracy,
    "label_brier": likelihood.label_brier,
    "label_ece": likelihood.label_ece,
    "perplexity": likelihood.perplexity,
    "bits_per_byte": likelihood.bits_per_byte,
    "length": style.length,
    "repetition": style.repetition,
}
