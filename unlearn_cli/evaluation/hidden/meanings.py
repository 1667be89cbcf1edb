"""What the metrics of hidden knowledge mean: name, unit, direction and sentence, by key (see meaning.py)."""

from typing import Literal

Parts = tuple[str, str, Literal["oracle"], str]
WAYS = {
    "retain": "retained ones alone",
    "forget": "a few forgotten ones alone",
    "others": "retained ones of other classes alone",
}
"""What a model is trained on again, beside the forget samples that are looked at."""
FORGOTTEN_CLASSES = "test samples of forgotten classes (or domains)"


def compressed(form: str, name: str, how: str) -> dict[str, Parts]:
    """Of a model in another form: `int4`, by the metric's name and what it is."""
    return {
        f"UA_{form}": (f"UA {name}", "%", "oracle", f"wrong on forget samples, {how}"),
        f"RA_{form}": (f"RA {name}", "%", "oracle", f"right on retain samples, {how}"),
        f"TA_{form}": (f"TA {name}", "%", "oracle", f"right on test samples, {how}"),
        f"TA_forget_{form}": (
            f"TA forget {name}",
            "%",
            "oracle",
            f"right on {FORGOTTEN_CLASSES}, {how}",
        ),
    }


def quantised(bits: int) -> dict[str, Parts]:
    return compressed(f"int{bits}", f"int{bits}", f"weights rounded to {bits} bits")


def pruned(percent: int) -> dict[str, Parts]:
    return compressed(
        f"pruned_{percent}", f"pruned {percent}", f"the smallest {percent} % of the weights set to 0"
    )


def relearned(way: str) -> dict[str, Parts]:
    after = f"after training on {WAYS[way]}"
    return {
        f"relearned_{way}": (f"relearnt {way}", "%", "oracle", f"right on forget samples {after}"),
        f"relearned_{way}_test": (
            f"relearnt {way} test",
            "%",
            "oracle",
            f"right on {FORGOTTEN_CLASSES} {after}",
        ),
        f"relearned_{way}_steps": (
            f"return {way}",
            "steps",
            "oracle",
            f"of training on {WAYS[way]}, until forget samples are 90 % as right as with the original; "
            "the limit if they never are",
        ),
    }


def _told(by: str, name: str) -> dict[str, Parts]:
    """Of a simple classifier on what the last layer reads."""
    return {
        f"{name}_rows": (
            f"{name} rows",
            "%",
            "oracle",
            f"forget samples named rightly by {by}, learnt from what the last layer reads of retained ones",
        ),
        f"{name}_class": (
            f"{name} class",
            "%",
            "oracle",
            f"{FORGOTTEN_CLASSES} told from the rest by {by}, balanced",
        ),
    }


HIDDEN: dict[str, Parts] = {
    **{key: parts for way in WAYS for key, parts in relearned(way).items()},
    **quantised(8),
    **quantised(4),
    **pruned(30),
    **pruned(60),
    **_told("a linear probe", "probe"),
    **_told("the nearest neighbours", "knn"),
    "CKA_original": ("CKA original", "", "oracle", "likeness of what the last layer reads, to the original"),
    "CKA_oracle": ("CKA oracle", "", "oracle", "likeness of what the last layer reads, to the oracle"),
    "L2_original": ("L2 original", "", "oracle", "distance of the weights to the original's, relative"),
    "barrier": (
        "barrier",
        "points",
        "oracle",
        "TA lost at most on the straight way from the original's weights to these",
    ),
}
