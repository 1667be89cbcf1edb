"""What is forgotten, in texts: names of domains found in the columns, and those of classes."""

from dataclasses import replace

import numpy as np
import pytest
from tiny_clip import TinyProblem

from unlearn_cli.errors import InputError
from unlearn_cli.methods.clip.forgotten_texts import domain_names, forgotten_texts

TEXT = "a {domain} of a {label}"


@pytest.fixture
def tiny(tmp_path):
    return TinyProblem(tmp_path)


def test_a_domain_is_named_with_every_class(tiny):
    found = forgotten_texts(tiny.model(), tiny.data, tiny.sets, TEXT)
    assert found.forget == ["a photo of a circle", "a photo of a cross", "a photo of a star"]
    assert found.retain == ["a sketch of a circle", "a sketch of a cross", "a sketch of a star"]
    assert found.labels.tolist() == [0, 1, 2]
    assert found.classes == 3


def test_classes_that_methods_never_see_are_not_named(tiny):
    seen = [part[tiny.data.labels[part] != 1] for part in (tiny.sets.forget, tiny.sets.retain)]
    found = forgotten_texts(tiny.model(), tiny.data, replace(tiny.sets, forget=seen[0], retain=seen[1]), TEXT)
    assert found.forget == ["a photo of a circle", "a photo of a star"]
    assert found.labels.tolist() == [0, 2]


def test_whole_classes_have_the_models_own_texts(tiny):
    sets = replace(tiny.sets, groups=np.empty(0, dtype=np.int64), classes=(2,))
    found = forgotten_texts(tiny.model(), tiny.data, sets, TEXT)
    assert (found.forget, found.retain, found.labels.tolist()) == (["a star"], ["a circle", "a cross"], [2])
    with pytest.raises(InputError, match=r"^forget: this method needs words"):
        forgotten_texts(tiny.model(), tiny.data, replace(sets, classes=()), TEXT)


def test_most_rows_decide_where_some_domains_were_guessed(tiny):
    """Two rows are told wrongly; underscores are spaces."""
    told = tiny.sets.groups.copy()
    told[[5, 6]] = told[[6, 5]]
    tiny.data.columns["domain"] = np.array(["real_photo", "sketch"], dtype=object)[tiny.sets.groups]
    sets = replace(tiny.sets, groups=told, forget=np.flatnonzero(told == 0), retain=np.flatnonzero(told == 1))
    assert domain_names(tiny.data, sets) == (["real_photo"], ["sketch"])
    assert forgotten_texts(tiny.model(), tiny.data, sets, TEXT).forget[0] == "a real photo of a circle"


def test_domains_without_a_name(tiny):
    tiny.data.columns["domain"] = np.array(["a", "b"] * 6, dtype=object)
    with pytest.raises(InputError, match=r"^forget: no column names the 2 domains.*there is label, domain$"):
        domain_names(tiny.data, tiny.sets)
