"""Did unlearning destroy the model, or was there nothing to forget? The forget set alone would not tell."""

from collections.abc import Mapping

KEPT = ("RA", "IRA", "cross_domain", "in_domain")
"""What is to be kept, of a classifier, a text-to-image model and a vision-language model."""
LARGEST_DROP = 20.0  # percentage points of RA; SalUn's worst baseline in Table 1 loses under 13


def destroyed(values: Mapping[str, float], original_values: Mapping[str, float], classes: int) -> list[str]:
    """One sentence for each sign of a ruined model; none when RA (percent) is near the original's.

    Signs: RA lies more than 20 points under the original's, or the predictions have collapsed, that is RA is
    within half of what guessing would give (100 / classes) while the original's is far above it.
    """
    key = _kept(values)
    if key is None:
        return []
    ra, before, chance = values[key], original_values[key], 100 / classes
    remedy = "try a lower method.lr, fewer method.epochs or, in one-shot methods, a smaller method.alpha"
    if ra <= 1.5 * chance < before / 2:
        return [
            f"The model is destroyed: {key} is {ra:.1f} %, what guessing among {classes} classes gives "
            f"(original {before:.1f} %); {remedy}."
        ]
    if before - ra > LARGEST_DROP:
        return [f"The model is badly damaged: {key} fell from {before:.1f} % to {ra:.1f} %; {remedy}."]
    return []


def at_chance(original_values: Mapping[str, float], classes: int) -> list[str]:
    """One sentence if the original model knows little more than guessing would give (100 / classes)."""
    key, chance = _kept(original_values), 100 / classes
    if key is None or original_values[key] > min(1.5 * chance, chance + 5):
        return []
    return [
        f"The original model guesses: {key} is {original_values[key]:.1f} % among {classes} classes, so "
        "nothing can be forgotten; look at the labels and train.*, of a classifier at data.mean, data.std, "
        "of a generator at judge_TA, of weights of your own at the order of the classes, model.input or the "
        "noise they were trained with."
    ]


def _kept(values: Mapping[str, float]) -> str | None:
    return next((key for key in KEPT if key in values), None)
