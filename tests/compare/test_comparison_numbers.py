import pytest

from unlearn_cli.compare.numbers import number


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (None, "%", "–"),
        (float("nan"), "%", "nan"),
        (450_000, "", "450,000"),
        (1.5, "%", "1.50"),
        (0.001, "%", "0.00"),
        (0.0123, "nats", "0.0123"),
        (63.21, "s", "63.2"),
        (0.04, "s", "0.04"),
        (1234.5, "MB", "1,234"),
        (0.3712, "MB", "0.4"),
        (0.0, "MB", "0"),
        (110_445.43, "", "110,445"),
        (1_234.5, "", "1,234.50"),
        (0.002, "", "0.002"),
        (-0.002, "", "-0.002"),
    ],
)
def test_as_many_decimals_as_say_something(value, unit, text):
    assert number(value, unit) == text


def test_a_deviation_has_the_decimals_of_its_mean():
    assert number(3.456, "", beside=110_445.43) == "3"
    assert number(0.12, "MB", beside=0.3712) == "0.1"
