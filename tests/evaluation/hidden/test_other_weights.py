"""Rounded and pruned weights, of weights known by hand."""

import pytest
import torch
from torch import nn

from unlearn_cli.config.settings import checked
from unlearn_cli.errors import InputError
from unlearn_cli.evaluation.hidden.prune import Prune, pruned_copy
from unlearn_cli.evaluation.hidden.quantise import Quantise, quantised_copy, rounded


def test_each_output_channel_has_its_scale():
    """In 3 bits there are seven places, −3 to 3."""
    weight = torch.tensor([[3.0, 1.4, -0.6, 0.4], [30.0, -16.0, 4.0, -30.0], [0.0, 0.0, 0.0, 0.0]])
    assert rounded(weight, 3).tolist() == [[3, 1, -1, 0], [30, -20, 0, -30], [0, 0, 0, 0]]


def test_of_a_convolution_a_channel_is_a_filter():
    weight = torch.stack([torch.full((2, 3, 3), 1.0), torch.full((2, 3, 3), 100.0)])
    weight[:, 0, 0, 0] *= 0.49 / 7
    expected = weight.clone()
    expected[:, 0, 0, 0] = 0
    assert torch.allclose(rounded(weight, 4), expected)


def test_only_weights_are_rounded_and_of_a_copy():
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(16, 3))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    found = quantised_copy(model, 4).state_dict()
    changed = {name for name in before if not torch.equal(found[name], before[name])}
    assert changed == {"0.weight", "3.weight"}
    assert len(found["3.weight"][0].unique()) <= 15
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    step = before["3.weight"].abs().amax(1, keepdim=True) / 127
    eighth = quantised_copy(model, 8).state_dict()["3.weight"]
    assert ((eighth - before["3.weight"]).abs() <= step / 2 + 1e-7).all()


def test_the_smallest_weights_of_all_layers_go():
    model = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 2))
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[0.1, -5.0, 0.2], [6.0, -0.3, 7.0]]))
        model[1].weight.copy_(torch.tensor([[-8.0, 0.4], [9.0, -0.5]]))
        model[0].bias.fill_(0.01)
    found = pruned_copy(model, 40)
    assert found[0].weight.tolist() == [[0, -5, 0], [6, pytest.approx(0), 7]]
    assert found[1].weight.tolist() == [[-8, 0], [9, -0.5]]
    assert found[0].bias.tolist() == model[0].bias.tolist()
    assert model[0].weight[0, 0] != 0


def test_equal_weights_go_one_by_one():
    model = nn.Linear(10, 10)
    nn.init.ones_(model.weight)
    assert int((pruned_copy(model, 37).weight == 0).sum()) == 37


def test_other_bits_and_shares_have_meanings_of_their_own():
    assert Quantise(bits=(3,)).meanings["UA_int3"].name == "UA int3"
    assert Prune(percent=(95,)).meanings["TA_pruned_95"].unit == "%"
    with pytest.raises(
        InputError, match=r"eval\.quantise\.bits\.0: input should be greater than or equal to 2"
    ):
        checked(Quantise, {"bits": [1]}, "eval.quantise")
