"""What the metrics of attacks on single rows mean; meaning.py takes them in.

Each by its key: name, unit, the direction that is better, text.
"""

from typing import Literal

Parts = tuple[str, str, Literal["oracle", "lower"], str]

ATTACKS = {"ULiRA": "U-LiRA", "RMIA": "RMIA", "IAM": "IAM"}
RATES = {
    "AUC": ("AUC", "pairs of {rows} and rows never seen put right by {attack} (50: chance)"),
    "balanced": (
        "balanced",
        "{rows} and rows never seen called right by {attack}, mean of both (50: chance)",
    ),
    "TPR_1": ("TPR@1%", "{rows} found by {attack} at 1 % false positives (1: chance)"),
    "TPR_01": ("TPR@0.1%", "{rows} found by {attack} at 0.1 % false positives (0.1: chance)"),
}
GAMES = {"": "forgotten rows", "_retain": "retained rows"}
PARTS = {"forget": "forget rows", "retain": "retain rows", "val": "validation rows"}


def _rate(attack: str, rate: str, game: str) -> Parts:
    name, text = RATES[rate]
    return (
        f"{ATTACKS[attack]} {name}{game.replace('_', ' ')}",
        "%",
        "oracle",
        text.format(rows=GAMES[game], attack=ATTACKS[attack]),
    )


BY_EXAMPLE: dict[str, Parts] = {
    **{
        f"{attack}_{rate}{game}": _rate(attack, rate, game)
        for attack in ATTACKS
        for game in GAMES
        for rate in RATES
    },
    **{
        f"KLOM{key}_{part}": (
            f"KLOM{name} {part}",
            "nats",
            "lower",
            f"KL(unlearned‖oracle) of a row's margins over seeds, {which} of the {rows}",
        )
        for part, rows in PARTS.items()
        for key, name, which in (("", "", "mean"), ("_95", " p95", "95th percentile"))
    },
}
