"""The upper level by hand: steps, scores, ends, and what the release's settings cannot do."""

import numpy as np
import pytest
import torch
from selection_problem import FINE_TUNE, Silent, origins_of, worst_case

from unlearn_cli.forget import bilevel
from unlearn_cli.forget.bilevel import (
    initial_selection,
    is_finished,
    overlap,
    scaled_slope,
    solve,
    upper_step,
)
from unlearn_cli.forget.selection import Selection
from unlearn_cli.forget.units import Units

LOSSES = np.array([0.2, 0.4, 0.1, 0.3])
QUARTERS = np.full(4, 0.25)
PLAIN = {"count": 1, "gamma": 0.0, "eta": 1.0, "step": "plain"}


def step(weights, losses=LOSSES, number=1, **changes):
    return upper_step(worst_case(**PLAIN | changes), np.array(weights, dtype=float), losses, losses, number)


class TestUpperStep:
    def test_plain(self):
        """w − ℓ = (.05, −.15, .15, −.05) has the sum 0: μ = −1/4 gives the mass 1."""
        objective, after = step(QUARTERS)
        assert objective == pytest.approx(0.25)
        np.testing.assert_allclose(after, [0.3, 0.1, 0.4, 0.2])

    def test_rank(self):
        """Ranks over their number: (.5, 1, .25, .75); their mean is .625."""
        _, after = step(QUARTERS, step="rank", eta=0.2)
        np.testing.assert_allclose(after, 0.25 - 0.2 * (np.array([0.5, 1, 0.25, 0.75]) - 0.625))

    def test_std(self):
        _, after = step(QUARTERS, step="std", eta=0.1)
        np.testing.assert_allclose(after, 0.25 - 0.1 * (LOSSES - 0.25) / LOSSES.std())

    def test_weights_are_capped_at_nought_and_one(self):
        _, after = step(QUARTERS, eta=100.0)
        np.testing.assert_allclose(after, [0, 0, 1, 0])

    def test_the_easiest_are_those_of_the_largest_loss(self):
        objective, after = step(QUARTERS, mode="easiest")
        assert objective == pytest.approx(-0.25)
        np.testing.assert_allclose(after, [0.2, 0.4, 0.1, 0.3])

    def test_gamma(self):
        """F gains γ·‖w‖², the slope 2·γ·w: of equal losses the weights draw together."""
        weights, losses = np.array([0.7, 0.3]), np.array([0.5, 0.5])
        objective, after = step(weights, losses, gamma=0.25)
        assert objective == pytest.approx(0.5 + 0.25 * (0.49 + 0.09))
        np.testing.assert_allclose(after, [0.6, 0.4])  # (.7 − .35, .3 − .15) and the mass again

    def test_gamma_when_the_sign_is_turned(self):
        objective, after = step([0.7, 0.3], np.array([0.5, 0.5]), gamma=0.25, mode="easiest")
        assert objective == pytest.approx(-0.5 + 0.25 * 0.58)
        np.testing.assert_allclose(after, [0.6, 0.4])

    @pytest.mark.parametrize(("number", "binary"), [(1, False), (2, True), (3, False), (4, True)])
    def test_every_other_step_ends_in_an_indicator(self, number, binary):
        _, after = step(np.full(4, 0.5), number=number, count=2, eta=0.1, binarise_every=2)
        assert after.tolist() == [1, 0, 1, 0] if binary else set(after) != {0.0, 1.0}
        assert after.sum() == pytest.approx(2)

    def test_the_mass_survives_many_steps(self):
        weights = np.full(1000, 0.1)
        generator = np.random.default_rng(0)
        for number in range(50):
            _, weights = step(weights, generator.exponential(size=1000), number + 1, step="rank", eta=0.1)
        assert weights.sum() == pytest.approx(100, abs=1e-9)


def test_slopes_on_a_scale_of_their_own():
    slope = np.array([3.0, 1.0, 3.0, -2.0])
    np.testing.assert_allclose(scaled_slope(slope, "rank"), [3.5 / 4, 2 / 4, 3.5 / 4, 1 / 4])
    np.testing.assert_allclose(scaled_slope(slope, "std"), slope / slope.std())
    np.testing.assert_allclose(scaled_slope(1e-6 * slope, "std"), scaled_slope(slope, "std"))
    assert scaled_slope(slope, "plain") is slope
    np.testing.assert_allclose(
        scaled_slope(np.full(3, 2.0), "std"), 2.0
    )  # no deviation: all move alike, none at all


@pytest.mark.parametrize(
    ("kept", "changes", "ends"),
    [
        ([], {}, False),
        ([1, 1], {"patience": 3}, False),
        ([1, 1, 1], {"patience": 3}, True),
        ([0, 1, 1, 1], {"patience": 3}, True),
        ([1, 1, 0.5, 1], {"patience": 3}, False),
        ([0.98, 0.98], {"patience": 2, "tolerance": 0.02}, True),
        ([0.98, 0.97], {"patience": 2, "tolerance": 0.02}, False),
        ([1] * 9, {"patience": None}, False),
        ([0] * 10, {"patience": None}, True),
        ([0] * 10, {"patience": 3}, True),
    ],
)
def test_when_it_ends(kept, changes, ends):
    assert is_finished(worst_case(iterations=10, **changes), [{"kept": share} for share in kept]) is ends


def test_overlap():
    assert overlap(np.array([1, 2, 3, 4]), np.array([4, 9, 2])) == 0.5
    assert overlap(np.array([1, 2]), np.array([2, 1])) == 1
    assert overlap(np.array([1, 2]), np.array([3, 4])) == 0


def test_both_starts():
    uniform = initial_selection(worst_case(start="uniform"), 8, np.array([5, 1]))
    np.testing.assert_allclose(uniform.weights, 0.25)
    random = initial_selection(worst_case(start="random"), 8, np.array([5, 1]))
    assert random.weights.tolist() == [0, 1, 0, 0, 0, 1, 0, 0]
    for start in (uniform, random):
        assert start.scores.tolist() == start.weights.tolist()
        assert not start.total_losses.any()
        assert start.trajectory == []


class TestSelection:
    SCORES = np.array([0.5, 0.9, 0.5, 0.1, 0.5])
    LOSSES = np.array([3.0, 1.0, 2.0, 0.0, 4.0])

    def test_ties_go_to_the_smaller_loss(self):
        found = Selection(np.zeros(5), self.SCORES, self.LOSSES)
        assert found.top(5).tolist() == [1, 2, 0, 4, 3]
        assert found.top(2).tolist() == [1, 2]

    def test_and_in_the_easiest_set_to_the_larger(self):
        assert Selection(np.zeros(5), self.SCORES, self.LOSSES).top(3, "easiest").tolist() == [1, 4, 0]

    def test_the_mean_loss_is_over_the_iterations(self):
        assert Selection(np.zeros(5), self.SCORES, self.LOSSES).mean_losses.tolist() == self.LOSSES.tolist()
        twice = Selection(np.zeros(5), self.SCORES, self.LOSSES, [{}, {}])
        assert twice.mean_losses.tolist() == [1.5, 0.5, 1, 0, 2]

    def test_it_is_read_as_it_was_written(self, tmp_path):
        row = {"objective": 0.1, "loss_selected": 0.2, "loss_others": 0.3, "kept": 1.0, "random": 0.5}
        written = Selection(QUARTERS, self.SCORES, self.LOSSES, [row], {"seconds": 1.5, "steps": 3})
        written.save(tmp_path / "selection.pt")
        read = Selection.load(tmp_path / "selection.pt")
        for name in ("weights", "scores", "total_losses"):
            assert getattr(read, name).dtype == np.float64
            assert getattr(read, name).tolist() == getattr(written, name).tolist()
        assert (read.trajectory, read.cost) == (written.trajectory, written.cost)
        assert [file.name for file in tmp_path.iterdir()] == ["selection.pt"]


@pytest.fixture
def solved(tmp_path, monkeypatch):
    """solved(**changes): a selection whose lower level gives the losses of a list, one after another."""

    def run(losses, there, count, **changes):
        asked = iter(losses)
        monkeypatch.setattr(bilevel, "after_unlearning", lambda *_: np.asarray(next(asked), dtype=float))
        problem, origins = worst_case(count=count, **changes), origins_of(0, there, tmp_path, epochs=1)
        units = Units.of("sample", origins.data, np.arange(there))
        return solve(problem, origins, units, np.arange(count), tmp_path, Silent())

    return run


PLAIN_STEPS = {"step": "plain", "gamma": 0.0, "eta": 1.0, "iterations": 2, "patience": None}


class TestScores:
    FIRST, SECOND = [0.1, 0.2, 0.3, 0.4], [0.4, 0.3, 0.2, 0.1]

    @pytest.mark.parametrize(
        ("iterate", "there"), [("average", [0.325, 0.275, 0.225, 0.175]), ("last", 0.25)]
    )
    def test_they_are_the_mean_of_the_iterates_or_the_last(self, solved, iterate, there):
        """The iterates are (.4, .3, .2, .1), then 1/4 each; the start counts for nothing."""
        found = solved([self.FIRST, self.SECOND], 4, 1, iterate=iterate, **PLAIN_STEPS)
        np.testing.assert_allclose(found.weights, 0.25)
        np.testing.assert_allclose(found.scores, there)
        np.testing.assert_allclose(found.total_losses, 0.5)

    def test_an_iteration_is_told(self, solved):
        found = solved([self.FIRST] * 2, 4, 1, iterate="last", **PLAIN_STEPS)
        first, second = found.trajectory
        assert first == pytest.approx(
            {"objective": 0.25, "loss_selected": 0.1, "loss_others": 0.3, "kept": 1.0, "random": 1.0}
        )
        assert second["objective"] == pytest.approx(0.4 * 0.1 + 0.3 * 0.2 + 0.2 * 0.3 + 0.1 * 0.4)

    def test_the_leader_goes_where_the_losses_were_smallest_and_the_best_set_stays(self, solved):
        """w is uniform, {0}, {1}, {1}: F(w) is .9 for {0}, .7 and then .3 for {1}."""
        measured = [[0.1, 0.2, 0.3], [0.9, 0.3, 0.8], [0.6, 0.7, 0.9], [0.9, 0.3, 0.1]]
        now = solved(measured[:2], 3, 1, iterations=2, patience=None, gamma=0.0)
        assert (now.best.tolist(), now.best_iteration, now.row["objective"]) == ([0], 2, 0.9)
        assert now.weights.tolist() == [0, 1, 0]
        found = solved(measured[2:], 3, 1, iterations=4, patience=None, gamma=0.0)  # goes on
        assert [row["objective"] for row in found.trajectory] == pytest.approx([0.2, 0.9, 0.7, 0.3])
        assert (found.best.tolist(), found.best_iteration) == ([1], 4)
        assert found.top(3).tolist() == [1, 0, 2]

    def test_the_leader_of_the_easiest_set_has_the_largest_losses(self, solved):
        measured = [[0.1, 0.2, 0.3], [0.1, 0.2, 0.8]]
        found = solved(measured, 3, 1, iterations=2, patience=None, gamma=0.0, mode="easiest")
        assert (found.best.tolist(), found.row["objective"]) == ([2], -0.8)

    def test_it_ends_when_the_top_stays(self, solved):
        found = solved([[1, 2, 3, 4]] * 9, 4, 1, iterations=9, patience=3)
        assert len(found.trajectory) == 3


PAPER = {"step": "plain", "eta": 1e-3, "iterations": 20, "patience": None, "iterate": "last"}


class TestTheReleasesStart:
    """Steps of η·ℓ are too short to take a weight from 1 below one of 0: the random set is what comes out."""

    GENERATOR = np.random.default_rng(0)
    LOSSES = 0.05 * GENERATOR.random(200)
    RANDOM = np.arange(20)

    def run(self, solved, **changes):
        return solved([self.LOSSES] * 20, 200, 20, **PAPER | changes)

    def test_it_gives_back_the_random_set(self, solved):
        found = self.run(solved, start="random")
        assert len(found.trajectory) == 20
        assert overlap(found.top(20), self.RANDOM) == 1
        assert [row["kept"] for row in found.trajectory] == [1] * 20
        assert found.trajectory[-1]["random"] == 1

    def test_turning_it_into_an_indicator_helps_nothing(self, solved):
        found = self.run(solved, start="random", binarise_every=20)
        assert sorted(found.top(20)) == self.RANDOM.tolist()

    def test_from_equal_weights_the_same_steps_find_the_lowest_losses(self, solved):
        found = self.run(solved, start="uniform")
        assert found.top(20).tolist() == np.argsort(self.LOSSES)[:20].tolist()

    def test_steps_by_rank_leave_the_random_set_too(self, solved):
        found = self.run(solved, start="random", step="rank", eta=1.0)
        assert sorted(found.top(20)) == sorted(np.argsort(self.LOSSES)[:20])


def test_a_selection_goes_on_after_the_last_whole_iteration(tmp_path):
    """Nothing of what came before is done again, and its cost is counted once."""
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    origins = origins_of(0, 12, whole)
    units = Units.of("sample", origins.data, np.arange(12))
    parts.mkdir()

    def run(folder, iterations):
        tracker = Silent()
        problem = worst_case(iterations=iterations, patience=None)
        return solve(problem, origins, units, np.arange(2), folder, tracker), tracker

    expected, _ = run(whole, 4)
    run(parts, 2)
    found, tracker = run(parts, 4)
    assert [step for _, step, _ in tracker.rows] == [3, 4]
    assert found.trajectory == expected.trajectory
    assert found.scores.tolist() == expected.scores.tolist()
    assert found.cost["steps"] == expected.cost["steps"] == 4 * FINE_TUNE["epochs"]
    assert not list(parts.glob("*.resume.pt"))
    assert (parts / "selection.pt").exists()


def test_the_lower_level_leaves_the_original_as_it_is(tmp_path):
    origins = origins_of(0, 12, tmp_path)
    before = {name: value.clone() for name, value in origins.get(None).model.state_dict().items()}
    units = Units.of("sample", origins.data, np.arange(12))
    solve(worst_case(iterations=2), origins, units, np.arange(2), tmp_path, Silent())
    after = origins.get(None).model.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
