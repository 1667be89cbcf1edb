import dataclasses

import numpy as np
import pytest
from games import linear_gaussian_game, null_game

from unlearn_cli.errors import InputError, RunError
from unlearn_cli.evaluation.membership.game import Game
from unlearn_cli.evaluation.membership.iam import IAM
from unlearn_cli.evaluation.membership.rates import area, rates
from unlearn_cli.evaluation.membership.rmia import RMIA
from unlearn_cli.evaluation.membership.ulira import ULiRA

ONLINE = ULiRA(mode="online", variance="estimated")
ATTACKS = {
    "ulira online estimated": ONLINE,
    "ulira online fixed": ULiRA(mode="online", variance="fixed"),
    "ulira offline estimated": ULiRA(mode="offline", variance="estimated"),
    "ulira offline fixed": ULiRA(mode="offline", variance="fixed"),
    "rmia online": RMIA(mode="online", gamma=1, a=0.3),
    "rmia offline": RMIA(mode="offline", gamma=1, a=0.3),
    "iam fixed": IAM(steps=100, variance="fixed"),
    "iam estimated": IAM(steps=100, variance="estimated"),
}
every_attack = pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)


def auc(scores: np.ndarray, member: np.ndarray) -> float:
    return area(scores[member], scores[~member]).value


def test_the_attack_approaches_the_best_there_is():
    model, game = linear_gaussian_game(rows=3000, shadows=256)
    best = auc(model.best(game.target), game.member)
    assert 70 < best < 85
    assert best - 0.7 < auc(ONLINE.scores(game), game.member) < best + 0.7
    few = dataclasses.replace(game, shadows=game.shadows[:24], inside=game.inside[:24])
    assert auc(ONLINE.scores(few), game.member) < best - 1  # what shadow models are for


def test_one_variance_for_all_rows_is_the_better_one_of_few_shadows():
    shadows = slice(0, 16)
    _, game = linear_gaussian_game(rows=3000, shadows=64, seed=1)
    few = dataclasses.replace(game, shadows=game.shadows[shadows], inside=game.inside[shadows])
    fixed, estimated = ATTACKS["ulira online fixed"], ONLINE
    assert auc(fixed.scores(few), game.member) > auc(estimated.scores(few), game.member) + 1


@every_attack
def test_rows_of_their_own_difficulty_hide_from_a_threshold_for_all_and_not_from_the_attack(attack):
    _, game = linear_gaussian_game(rows=2000, shadows=64)
    threshold_for_all = auc(game.target, game.member)
    assert auc(attack.scores(game), game.member) > threshold_for_all + 4


@every_attack
def test_where_nothing_was_learned_the_interval_holds_one_half(attack):
    rng = np.random.default_rng(0)
    holds = []
    for _ in range(300):
        game = null_game(rng, rows=60, shadows=12)
        estimate = rates(attack.scores(game), game.member)["AUC"]
        holds.append(estimate.low <= 50 <= estimate.high)
    assert 0.91 < np.mean(holds) < 0.99  # 95 %, four standard errors of 300 draws on either side


@every_attack
def test_one_remembered_row_among_many_is_found_in_the_first_percent(attack):
    rng = np.random.default_rng(3)
    game = null_game(rng, rows=1000, shadows=32, noise=0.3)
    place = int(np.argmin(np.median(game.shadows, axis=0)))  # a hard one
    shadows, target = game.shadows.copy(), game.target.copy()
    shadows[game.inside[:, place], place] += 12
    target[place] += 12
    scores = attack.scores(dataclasses.replace(game, shadows=shadows, target=target))
    assert (scores >= scores[place]).sum() <= 10


def test_an_attack_never_reads_the_truth():
    _, game = linear_gaussian_game(rows=50, shadows=8)
    for attack in ATTACKS.values():
        turned = attack.scores(dataclasses.replace(game, member=~game.member))
        np.testing.assert_array_equal(attack.scores(game), turned)


@every_attack
def test_certain_models_are_borne(attack):
    """A probability of 1 or 0: its margin is infinite, and all shadows may agree."""
    _, game = linear_gaussian_game(rows=8, shadows=8)
    shadows, target = game.shadows.copy(), game.target.copy()
    shadows[:, 0], target[0] = np.inf, np.inf
    shadows[:, 1], target[1] = np.inf, 3.0
    shadows[:, 2], target[2] = -np.inf, 3.0
    with np.errstate(divide="raise", over="raise", invalid="raise"):
        scores = attack.scores(dataclasses.replace(game, shadows=shadows, target=target))
    assert np.isfinite(scores).all()


def test_a_model_that_has_diverged_is_refused():
    _, game = linear_gaussian_game(rows=8, shadows=8)
    with pytest.raises(RunError, match="1 of 8 margins are not numbers"):
        dataclasses.replace(game, target=np.array([np.nan, *game.target[1:]]))


def test_one_shadow_model_without_the_rows_is_enough():
    _, game = linear_gaussian_game(rows=2000, shadows=2)
    outside = ~game.inside
    one = Game(
        game.target,
        game.shadows[outside.argmax(axis=0), np.arange(2000)][None],
        np.zeros((1, 2000), bool),
        game.member,
        game.population_target,
        game.population[:1],
        np.zeros((1, 2000), bool),
    )
    for name in ("ulira offline fixed", "rmia offline", "iam fixed"):
        attack = ATTACKS[name]
        attack.check(2, 0.5)
        assert auc(attack.scores(one), one.member) > auc(one.target, one.member) + 2, name


def test_shadows_that_do_not_suffice_are_refused():
    with pytest.raises(InputError, match=r"of 2 shadows 1 learn a row and 1 do not, .* ulira needs 2 and 2"):
        ONLINE.check(2, 0.5)
    with pytest.raises(InputError, match=r"shadows\.count"):
        ATTACKS["rmia online"].check(4, 0.1)
    ATTACKS["rmia offline"].check(4, 0.1)
    _, game = linear_gaussian_game(rows=8, shadows=2)
    with pytest.raises(RunError, match="8 of 8 rows have fewer than 2 shadow models"):
        ONLINE.scores(dataclasses.replace(game, inside=np.zeros((2, 8), bool)))


def test_rmia_counts_the_population_pair_by_pair():
    """Zarifzadeh et al. 2024, equations 2 to 4, written out."""
    _, game = linear_gaussian_game(rows=12, shadows=6)

    def ratio(target: float, shadows: np.ndarray, inside: np.ndarray) -> float:
        probability = [1 / (1 + np.exp(-margin)) for margin in shadows]
        learned = [p for p, has in zip(probability, inside, strict=True) if has]
        unseen = [p for p, has in zip(probability, inside, strict=True) if not has]
        return 1 / (1 + np.exp(-target)) / ((sum(learned) / len(learned) + sum(unseen) / len(unseen)) / 2)

    rows, population = (
        [ratio(*row) for row in zip(target, shadows.T, inside.T, strict=True)]
        for target, shadows, inside in (
            (game.target, game.shadows, game.inside),
            (game.population_target, game.population, game.population_inside),
        )
    )
    for gamma in (0.8, 1, 2):
        wins = [sum(x / z > gamma for z in population) / len(population) for x in rows]
        scores = RMIA(mode="online", gamma=gamma, a=0.3).scores(game)
        np.testing.assert_allclose(scores, wins, atol=1e-12)


def test_rmia_offline_with_a_of_one_knows_the_unseen_alone():
    """Pr(x) = Pr_out(x) where a is 1; one half more of a certain model's where it is 0."""
    game = Game(
        *(np.array([0.0]), np.array([[np.log(3)]]), np.zeros((1, 1), bool), np.array([True])),
        *(np.zeros(2), np.array([[0.0, np.log(9)]]), np.zeros((1, 2), bool)),
    )
    # Pr(x|θ) = 1/2, Pr_out(x) = 3/4: 2/3. The population's: 1/2 to 1/2 and 9/10: 1 and 5/9.
    assert RMIA(mode="offline", gamma=1, a=1).scores(game) == [0.5]
    # a = 0: 1/2 to 7/8, 3/4, 19/20: 4/7, 2/3, 10/19
    assert RMIA(mode="offline", gamma=1, a=0).scores(game) == [0.5]
    assert RMIA(mode="offline", gamma=0.8, a=0).scores(game) == [1]  # 4/7 > 0.8 · 2/3


def test_iam_is_the_mean_place_between_unseen_and_fitted():
    """0 far below the signals without the row, 1 far above the fitted, and it rises between them."""
    rows = 101
    target = np.linspace(-12, 12, rows)
    rng = np.random.default_rng(0)
    shadows = np.tile(rng.normal(-2, 0.3, (4, 1)), rows)
    population = np.full((4, 5), 4.0)
    game = Game(
        *(target, shadows, np.zeros((4, rows), bool), np.ones(rows, bool)),
        *(np.zeros(5), population, np.ones((4, 5), bool)),
    )
    scores = IAM(steps=100, variance="fixed").scores(game)
    assert scores[0] < 1e-6
    assert scores[-1] > 1 - 1e-6
    assert (np.diff(scores) > -1e-12).all()
    middle = scores[np.searchsorted(target, [-2, 1, 4])]
    assert (np.diff(middle) > 0.1).all()


def one_row(target: float, learned: list[float], unseen: list[float]) -> Game:
    margins = np.array([*learned, *unseen])[:, None]
    inside = np.arange(len(margins))[:, None] < len(learned)
    nobody = np.zeros((len(margins), 1))
    return Game(np.array([target]), margins, inside, np.ones(1, bool), np.zeros(1), nobody, nobody > 0)


def test_ulira_by_hand():
    """Median and deviation of each side: N(4; 3, √(14/3)) to N(4; 1, √(14/3))."""
    score = ONLINE.scores(one_row(4, [2, 3, 7], [0, 1, 5])).item()
    assert score == pytest.approx(((4 - 1) ** 2 - (4 - 3) ** 2) / 2 / (14 / 3))
    wider = ONLINE.scores(one_row(4, [2, 3, 7], [-3, 1, 5])).item()
    assert wider == pytest.approx(9 / 2 / (32 / 3) - 1 / 2 / (14 / 3) + np.log(32 / 14) / 2)


def test_one_variance_is_that_within_rows_and_each_sides_own():
    """Two rows 50 apart: their distance is no variance of a row's."""
    margins = np.array([[2.0, 52], [4, 54], [0, 46], [2, 54]])
    inside = np.array([[True, True], [True, True], [False, False], [False, False]])
    nobody = np.zeros((4, 1))
    game = Game(np.array([4.0, 54]), margins, inside, np.ones(2, bool), np.zeros(1), nobody, nobody > 0)
    unseen, learned = (1 + 16) / 2, 1
    np.testing.assert_allclose(
        ATTACKS["ulira offline fixed"].scores(game), [3 / np.sqrt(unseen), 4 / np.sqrt(unseen)]
    )
    np.testing.assert_allclose(
        ATTACKS["ulira online fixed"].scores(game),
        [away**2 / 2 / unseen - 1 / 2 / learned + np.log(unseen / learned) / 2 for away in (3, 4)],
    )


def test_offline_only_more_than_the_unseen_models_have_counts():
    low, middle, high = (
        ATTACKS["ulira offline estimated"].scores(one_row(target, [], [0, 1, 2])).item()
        for target in (-50, 1, 4)
    )
    assert low < middle < high


def test_iam_without_learned_population_rows_takes_a_certain_model_for_fitted():
    """As the released code does where it is given no fitted signal; scaling the signal changes nothing."""
    _, game = linear_gaussian_game(rows=40, shadows=4)
    attack = ATTACKS["iam fixed"]
    nobody = np.zeros_like(game.population_inside)
    certain = dataclasses.replace(
        game, population=np.full_like(game.population, np.inf), population_inside=~nobody
    )
    without = dataclasses.replace(game, population_inside=nobody)
    np.testing.assert_allclose(attack.scores(without), attack.scores(certain))
