"""The keys of a run's configuration that a dashboard groups and filters by."""

import pytest

from unlearn_cli.tracking.columns import columns, setting

FORGET = {"_target_": "unlearn_cli.forget.random.Random", "fraction": 0.1, "count": None, "seed": 3}
CHOICES = {"data": "digits", "model": "resnet20", "forget": "random", "method": "salun"}


@pytest.mark.parametrize(
    ("forget", "told"),
    [
        (FORGET, "random fraction:0.1"),
        ({"classes": ["air plane", 3], "fraction": None, "seed": 0}, "random classes:air-plane+3"),
        ({"column": "Male", "values": [True]}, "random column:Male values:True"),
        ({"file": "it's a=b <c>.txt"}, "random file:it-s-a-b-c-.txt"),  # a filter could not hold these signs
    ],
)
def test_setting_names_the_forget_set_without_its_seed(forget, told):
    assert setting({"forget": forget}, CHOICES) == f"digits/resnet20/{told}"


def test_variant_and_choices():
    first, again = ({"forget": FORGET | {"seed": seed}, "method": {"lr": 1}, "seed": seed} for seed in (0, 1))
    other = first | {"method": {"lr": 2}}
    rows = [
        columns(config, config, CHOICES | {"hydra/launcher": "basic"}, "salun")
        for config in (first, again, other)
    ]
    assert rows[0] == rows[1]
    assert rows[0]["setting"] == rows[2]["setting"]
    assert rows[0]["variant"] != rows[2]["variant"]
    assert rows[0]["variant"].startswith("salun-")
    assert rows[0]["chosen"] == CHOICES
    assert columns(first, first, CHOICES, "oracle")["chosen"]["method"] == "oracle"
