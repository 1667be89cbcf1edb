"""attacks.csv: every row that attacks were asked about, and what each attack made of it."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from unlearn_cli.evaluation.membership.base import MembershipAttack
from unlearn_cli.evaluation.membership.rates import Curve, Estimate, curve, rates
from unlearn_cli.storage.files import read_text, replacing

GAMES = ("forget", "retain")


@dataclass(frozen=True)
class AttackedRows:
    """Of the games on forgotten and on retained rows."""

    part: np.ndarray
    """(n,) the game that a row is of."""
    row: np.ndarray
    """(n,) int64, its number in the data."""
    member: np.ndarray
    """(n,) bool, whether the original learned it."""
    scores: Mapping[str, np.ndarray]
    """(n,) by attack: the higher, the likelier a member."""

    @classmethod
    def joined(cls, parts: Sequence["AttackedRows"]) -> "AttackedRows":
        """One after another; the attacks are the same."""
        return cls(
            np.concatenate([part.part for part in parts]),
            np.concatenate([part.row for part in parts]),
            np.concatenate([part.member for part in parts]),
            {name: np.concatenate([part.scores[name] for part in parts]) for name in parts[0].scores},
        )

    def write(self, file: Path) -> None:
        """A column for each attack; scores are exact."""
        text = io.StringIO()
        lines = csv.writer(text, lineterminator="\n")
        lines.writerow(["row", "part", "member", *self.scores])
        columns = [map(repr, map(float, values)) for values in self.scores.values()]
        lines.writerows(zip(self.row, self.part, self.member.astype(int), *columns, strict=True))
        with replacing(file) as temporary:
            temporary.write_text(text.getvalue(), encoding="utf-8")

    @classmethod
    def read(cls, file: Path) -> "AttackedRows":
        names, *lines = csv.reader(io.StringIO(read_text(file)))
        row, part, member, *scores = (np.array(column) for column in zip(*lines, strict=True))
        named = {name: values.astype(float) for name, values in zip(names[3:], scores, strict=True)}
        return cls(part, row.astype(np.int64), member == "1", named)

    def rates(self) -> dict[str, dict[str, dict[str, Estimate]]]:
        """By attack and game, each rate in percent with its interval."""
        return {
            attack: {game: rates(scores[self.part == game], self.member[self.part == game]) for game in GAMES}
            for attack, scores in self.scores.items()
        }

    def metrics(self, attacks: Mapping[str, MembershipAttack]) -> dict[str, float]:
        """`ULiRA_AUC`, `ULiRA_AUC_retain`, …: those rates for which there are rows enough."""
        return {
            f"{type(attacks[attack]).__name__}_{rate}{'' if game == 'forget' else f'_{game}'}": estimate.value
            for attack, games in self.rates().items()
            for game, found in games.items()
            for rate, estimate in found.items()
            if estimate.value is not None
        }

    def curves(self) -> dict[tuple[str, str], Curve]:
        """ROC curves by attack and game."""
        return {
            (attack, game): curve(scores[self.part == game], self.member[self.part == game])
            for attack, scores in self.scores.items()
            for game in GAMES
        }
