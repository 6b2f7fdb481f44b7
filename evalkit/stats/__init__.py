"""Estimators and tests: numpy in, numpy out. Nothing here knows what the numbers describe.

The vocabulary is values, clusters and pairs. A *unit* is what was sampled independently: one value,
or one cluster of values. Everything random takes a generator from `samples.rng`, so results repeat.

samples     units, clusters, means with standard errors, seeded generators
quantiles   the normal and the t distribution
intervals   Wilson on the effective sample size; t intervals; repeated measurements
binary      paired 0/1 values: Tango's interval, McNemar's test
paired      paired fractional differences: t interval, sign-flip test
resampling  scores of summed statistics: bootstrap, approximate randomization, jackknife
families    many tests at once: Holm, Benjamini-Hochberg
planning    how small a difference n units can show, and how many units one needs
decisions   worse, not worse by more than a margin, or undecided
sequential  looking early without paying for it: O'Brien-Fleming bounds, e-process
gaps        difference of differences between two independent samples, on two scales
ranks       area under the ROC curve with DeLong's variance
trends      does the tail of a curve rise
"""
