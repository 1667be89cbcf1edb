import pytest

from unlearn_cli.compare.window import window


def ends(values, trusted=None, deviations=None, unit=""):
    return window(values, deviations or [0.0] * len(values), trusted or [True] * len(values), unit)


def inside(value, found):
    return found[0] < value < found[1]


def test_all_of_a_few_rows_are_inside():
    found = ends([1.0, 5.0, 100.0])
    assert all(inside(value, found) for value in (1.0, 5.0, 100.0))


def test_a_destroyed_model_squeezes_nobody():
    low, high = ends([97.0, 98.0, 99.0, 10.0], [True, True, True, False], unit="%")
    assert 90 < low < 97
    assert 99 < high <= 102


def test_destroyed_models_alone_are_shown():
    assert inside(10.0, ends([10.0, 12.0], [False, False]))
    assert inside(10.0, ends([10.0, 98.0], [False, True]))


def test_what_lies_far_from_all_others_is_left_outside():
    found = ends([0.9, 1.0, 1.1, 1.3, 50.0])
    assert not inside(50.0, found)
    assert inside(1.3, found)


def test_near_values_are_never_far():
    """Of percentages that agree to a hundredth a whole percent is no outlier."""
    assert inside(98.5, ends([100.0, 100.0, 100.0, 99.99, 98.5], unit="%"))


@pytest.mark.parametrize("values", [[3.0], [3.0, 3.0], [0.0], [float("inf"), float("nan")], []])
def test_there_is_always_room(values):
    low, high = ends(values)
    assert low < high


def test_deviations_find_room_up_to_half_of_the_axis():
    assert ends([0.0, 10.0], deviations=[1.0, 2.0])[1] == pytest.approx(12.8)
    assert ends([0.0, 10.0], deviations=[1.0, 200.0])[1] == pytest.approx(15.8)


def test_no_cost_is_negative():
    assert ends([1.0, 10.0], deviations=[9.0, 1.0])[0] > -1
