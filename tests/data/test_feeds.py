import numpy as np
import pytest

from unlearn_cli.data.feeds import balanced, mixed, paired, sequential, shuffled


def flat(plan):
    return np.concatenate(plan)


@pytest.mark.parametrize(("rows", "batch_size", "steps"), [(10, 3, 4), (9, 3, 3), (257, 256, 2), (5, 99, 1)])
def test_a_pass_holds_each_row_once_in_batches_of_even_size(rows, batch_size, steps):
    plan = shuffled(np.arange(100, 100 + rows))(0, batch_size, 7)
    assert len(plan) == steps
    assert sorted(flat(plan)) == list(range(100, 100 + rows))
    sizes = [len(batch) for batch in plan]
    assert max(sizes) <= batch_size
    assert max(sizes) - min(sizes) <= 1


def test_the_order_is_a_function_of_seed_and_epoch():
    feed = shuffled(np.arange(50))
    assert np.array_equal(flat(feed(3, 8, 1)), flat(feed(3, 8, 1)))
    assert not np.array_equal(flat(feed(3, 8, 1)), flat(feed(4, 8, 1)))
    assert not np.array_equal(flat(feed(3, 8, 1)), flat(feed(3, 8, 2)))


def test_sequential_ends_one_pass_before_the_next():
    forget, retain = np.arange(10), np.arange(10, 40)
    plan = sequential(shuffled(forget), shuffled(retain))(0, 5, 0)
    assert len(plan) == 2 + 6
    assert sorted(flat(plan[:2])) == list(forget)
    assert sorted(flat(plan[2:])) == list(retain)


def test_mixed_is_one_pass_over_the_union():
    plan = mixed(np.arange(10), np.arange(20, 25))(0, 4, 0)
    assert sorted(flat(plan)) == [*range(10), *range(20, 25)]


@pytest.mark.parametrize(
    ("forget", "retain", "batch_size"), [(450, 4050, 256), (5, 95, 50), (3, 1, 2), (0, 9, 4)]
)
def test_paired_steps_hold_proportional_shares(forget, retain, batch_size):
    plan = paired(np.arange(forget), np.arange(1000, 1000 + retain))(0, batch_size, 0)
    total = forget + retain
    assert len(plan) == -(-total // batch_size)
    assert sorted(flat(plan)) == [*range(forget), *range(1000, 1000 + retain)]
    for batch in plan:
        assert len(batch) <= batch_size
        assert abs((batch < 1000).sum() - len(batch) * forget / total) < 1


@pytest.mark.parametrize(
    ("forget", "retain", "batch_size", "steps"),
    [(10, 90, 8, 23), (90, 10, 8, 3), (7, 7, 99, 1), (1, 5, 1, 5), (3, 10, 5, 5)],
)
def test_balanced_steps_hold_as_many_of_each(forget, retain, batch_size, steps):
    """A pass over the retain rows; forget rows come again, none oftener than another by more than one."""
    plan = balanced(np.arange(forget), np.arange(1000, 1000 + retain))(0, batch_size, 0)
    assert len(plan) == steps
    drawn = flat(plan)
    assert sorted(drawn[drawn >= 1000]) == list(range(1000, 1000 + retain))
    times = np.bincount(drawn[drawn < 1000], minlength=forget)
    assert len(times) == forget
    assert times.max() - times.min() <= 1
    for batch in plan:
        half = len(batch) // 2
        assert len(batch) == 2 * half
        assert len(batch) <= max(2, batch_size)
        assert (batch[:half] < 1000).all()
        assert (batch[half:] >= 1000).all()


def test_balanced_forget_rows_come_in_another_order_each_time():
    """Within an epoch, and from epoch to epoch; the same arguments give the same plan."""
    feed = balanced(np.arange(12), np.arange(100, 124))
    drawn = flat(feed(0, 24, 0))
    first, second = drawn[drawn < 100].reshape(2, 12)
    assert sorted(first) == sorted(second) == list(range(12))
    assert not np.array_equal(first, second)
    assert np.array_equal(drawn, flat(feed(0, 24, 0)))
    assert not np.array_equal(drawn, flat(feed(1, 24, 0)))
    assert not np.array_equal(drawn, flat(feed(0, 24, 1)))


def test_no_rows_no_steps():
    nothing = np.arange(0)
    assert shuffled(nothing)(0, 4, 0) == []
    assert paired(nothing, nothing)(0, 4, 0) == []
