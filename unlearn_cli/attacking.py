"""Attacks on single rows: what a model tells of its training, by a pool of models whose training is known."""

import logging
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from unlearn_cli.config.settings import described
from unlearn_cli.evaluation.base import Outputs
from unlearn_cli.evaluation.membership.attacked_rows import AttackedRows
from unlearn_cli.evaluation.membership.game import Game
from unlearn_cli.evaluation.membership.margin import margins
from unlearn_cli.figures.roc import roc_curves
from unlearn_cli.methods.references import Origin, References
from unlearn_cli.origins import Origins
from unlearn_cli.shadows import Shadows
from unlearn_cli.storage.files import write_json

log = logging.getLogger("unlearn")

ROWS, RECORD = "attacks.csv", "attacks.json"


def attacked(origins: Origins, outputs: Outputs, folder: Path) -> dict[str, float]:
    """The metrics of attacks on the method's model by shadows that it unlearned; `folder`/attacks.csv.

    outputs: the model's, with logits (N, C).
    """
    attacks = origins.experiment.eval.membership
    if not attacks:
        return {}
    rows = _rows(Shadows(origins), outputs["logits"], unlearned=True)
    if origins.compute.is_main:
        rows.write(folder / ROWS)
    return rows.metrics(attacks)


def attacked_once(origins: Origins, origin: Origin) -> dict[str, float]:
    """Those of the attacks on a reference by shadows as they were trained, kept in the store."""
    attacks = origins.experiment.eval.membership
    return _kept(origins, origin).metrics(attacks) if attacks else {}


def entry(origins: Origins, key: str) -> tuple[str, dict[str, Any]] | None:
    """Kind and facts of the store's entry with the attacks on the reference of that key; None: no attacks."""
    attacks = _attacks(origins)
    facts = origins.output_facts(key) | {"forget": origins.sets.fingerprint} | attacks
    return ("attacks", facts) if attacks["attacks"] else None


def _attacks(origins: Origins) -> dict[str, Any]:
    """The attacks and the pool, as facts."""
    experiment = origins.experiment
    made = {name: described(attack) for name, attack in experiment.eval.membership.items()}
    return {"shadows": experiment.shadows.model_dump(), "attacks": made}


def account(origins: Origins, references: References, folder: Path) -> list[Path]:
    """Write attacks.json, with intervals, for the method and the references; the ROC figures, by game.

    Its `null` is the attack on the method, by shadows that it unlearned, made on the oracle, which never saw
    the rows: it finds nothing but by chance.
    """
    experiment, pool = origins.experiment, Shadows(origins)
    if not experiment.eval.membership:
        return []
    name, own = experiment.choices["method"], references.of(experiment.method)
    oracle, null = references.oracle, None
    found = {"original": _kept(origins, references.original)}
    if own is None:
        found[name] = AttackedRows.read(folder / ROWS)
    if oracle:
        found["oracle"] = _kept(origins, oracle)
    if oracle and own is None:
        null = _rows(pool, origins.outputs(oracle)["logits"], unlearned=True)
    lost = 0 if own else pool.count - len(pool.converged(unlearned=True)[1])
    if not origins.compute.is_main:
        return []
    if lost:
        log.warning("attacks: %d of %d shadows diverged with %s, and are left out", lost, pool.count, name)
    if own:
        _kept(origins, own).write(folder / ROWS)
    games = pool.queried.games.items()
    record = {
        "models": {model: _estimates(rows) for model, rows in found.items()},
        "null": null and _estimates(null),
        "rows": {game: {"members": len(members), "others": len(others)} for game, (members, others) in games},
        "population": len(pool.queried.population),
        **({"diverged": lost} if lost else {}),
        **_attacks(origins),
    }
    write_json(folder / RECORD, record)
    return _figures(found, folder / "figures", experiment.eval.about(origins))


def _rows(pool: Shadows, logits: Tensor, unlearned: bool) -> AttackedRows:
    """What the attacks make of the rows of both games."""
    target = margins(logits[pool.rows], pool.origins.data.labels[pool.rows])
    attacks, parts = pool.origins.experiment.eval.membership, []
    whole, shadows = pool.converged(unlearned)
    learned = pool.learned[whole]
    for name, (members, others) in pool.queried.games.items():
        asked = np.concatenate([members, others])
        game = _game(pool, target, shadows, learned, asked, np.arange(len(asked)) < len(members))
        scores = {attack: one.scores(game) for attack, one in attacks.items()}
        parts.append(AttackedRows(np.full(len(asked), name), asked, game.member, scores))
    return AttackedRows.joined(parts)


def _game(
    pool: Shadows,
    target: np.ndarray,
    shadows: np.ndarray,
    learned: np.ndarray,
    asked: np.ndarray,
    member: np.ndarray,
) -> Game:
    """target (n,) and shadows (S, n): φ at the pool's rows; learned (S, n) bool."""
    of_asked, of_population = (np.searchsorted(pool.rows, rows) for rows in (asked, pool.queried.population))
    return Game(
        target=target[of_asked],
        shadows=shadows[:, of_asked],
        inside=learned[:, of_asked],
        member=member,
        population_target=target[of_population],
        population=shadows[:, of_population],
        population_inside=learned[:, of_population],
    )


def _kept(origins: Origins, origin: Origin) -> AttackedRows:
    """The rows of the attacks on a reference, from the store or attacked now."""

    def make(folder: Path) -> None:
        rows = _rows(Shadows(origins), origins.outputs(origin)["logits"], unlearned=False)
        if origins.compute.is_main:
            rows.write(folder / ROWS)

    kind, facts = entry(origins, origin.key) or ("", {})
    return AttackedRows.read(origins.store.get(kind, facts, make) / ROWS)


def _estimates(rows: AttackedRows) -> dict[str, Any]:
    """By attack, game and rate, fit for JSON."""
    return {
        attack: {game: {rate: asdict(one) for rate, one in found.items()} for game, found in games.items()}
        for attack, games in rows.rates().items()
    }


def _figures(found: Mapping[str, AttackedRows], folder: Path, about: str) -> list[Path]:
    """A figure for each game, a panel for each attack."""
    curves = {model: rows.curves() for model, rows in found.items()}
    files = []
    for game, members in (("forget", "Forgotten rows"), ("retain", "Retained rows")):
        attacks = [attack for attack, of in next(iter(curves.values())) if of == game]
        panels = {attack: {model: one[attack, game] for model, one in curves.items()} for attack in attacks}
        files.append(folder / f"roc_{game}.png")
        roc_curves(panels, files[-1], about, members)
    return files
