"""Paired t-tests over seeds and Holm's correction, on arrays; a pair that is missing is nan."""

import numpy as np
from scipy.special import stdtr

from unlearn_cli.evaluation.gaps import ROUNDING

Array = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

ALPHA = 0.05
PAIRS = 3
"""So many pairs a claim takes: two differences leave Student's t one degree of freedom, with which hardly any
difference can be told and the distribution cannot be seen."""


def p_different(differences: Array) -> Array:
    """p of the two-sided t-test that the mean of the last axis is not 0; nan of fewer than PAIRS.

    If all differences are equal there is nothing to test: 1 if they are zero, else 0.
    """
    return np.minimum(1, 2 * np.minimum(p_below(differences), p_below(-differences)))


def p_below(differences: Array) -> Array:
    """p of the one-sided t-test that the mean of the last axis is below 0; nan of fewer than PAIRS.

    If all differences are equal there is nothing to test: 0 if they are below zero, else 1.
    """
    there = np.isfinite(differences)
    n = there.sum(-1)
    values = np.where(there, differences, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = values.sum(-1) / n
        deviations = np.where(there, differences - mean[..., None], 0.0)
        std = np.sqrt((deviations**2).sum(-1) / (n - 1))
        p = stdtr(n - 1, mean / (std / np.sqrt(n)))
    p = np.where(np.abs(deviations).max(-1, initial=0) < ROUNDING, np.where(mean < -ROUNDING, 0.0, 1.0), p)
    return np.where(n < PAIRS, np.nan, p)


def holm(p: Array) -> Array:
    """p-values adjusted for all that are tested (Holm, 1979): at most ALPHA of all tables have a false claim.

    p: any shape; nan, where nothing was tested, stays nan and is not counted.
    """
    flat = p.ravel()
    order = np.argsort(flat)[: int(np.isfinite(flat).sum())]  # nan is sorted last
    adjusted = np.full(flat.shape, np.nan)
    factors = len(order) - np.arange(len(order))
    adjusted[order] = np.minimum(1, np.maximum.accumulate(factors * flat[order]))
    return adjusted.reshape(p.shape)
