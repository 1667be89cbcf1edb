"""The UNet's size, its dropped labels and its guidance."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf
from pydantic import ValidationError
from recipes import TINY_UNET
from torch import nn

from unlearn_cli.config.catalogue import conf_folder
from unlearn_cli.data.image_spec import ImageSpec
from unlearn_cli.errors import InputError
from unlearn_cli.models.diffusion.unet import ClassConditional, UNetSettings

SMALL: dict[str, Any] = TINY_UNET


def build(size: tuple[int, int] = (4, 4), **changes: Any) -> ClassConditional:
    torch.manual_seed(0)
    return UNetSettings(**SMALL | changes).build(ImageSpec(list("abc"), 1, size, (0.0,), (1.0,)))


def of_yaml(*files: str) -> UNetSettings:
    """The settings of conf/model's files, later ones over earlier ones."""
    nodes = [OmegaConf.load(Path(conf_folder(), "model", file)) for file in files]
    values: Any = OmegaConf.to_container(OmegaConf.merge(*nodes))
    return UNetSettings(
        **{key: value for key, value in values.items() if key not in ("defaults", "_target_")}
    )


def count(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def test_parameters_for_cifar() -> None:
    """Ho et al. (2020) have 35.7 million, as google/ddpm-cifar10-32; the table of classes comes on top."""
    settings = of_yaml("unet.yaml")
    model = settings.build(ImageSpec(list("0123456789"), 3, (32, 32), [0.5] * 3, [0.25] * 3))
    assert count(model) == 35_746_307 + 11 * 512
    assert model.unet.class_embedding.weight.shape == (11, 512)
    assert len(model.process.betas) == 1000
    # linear noise from 1e-4 to 0.02
    assert (model.process.betas[0], model.process.betas[-1]) == (pytest.approx(1e-4), pytest.approx(0.02))


def test_parameters_for_digits() -> None:
    assert (
        count(
            of_yaml("unet.yaml", "unet/digits.yaml").build(
                ImageSpec(list("0123456789"), 1, (8, 8), [0.5], [0.25])
            )
        )
        == 702_753
    )


@pytest.mark.parametrize("size", [(4, 4), (8, 6)])
def test_output_is_as_large_as_the_image(size: tuple[int, int]) -> None:
    x = torch.randn(2, 1, *size)
    assert build(size)(x, torch.tensor([0, 49]), torch.tensor([0, 3])).shape == x.shape


class Noting(nn.Module):
    """In the UNet's place: notes the labels that reach it."""

    def forward(self, x: torch.Tensor, t: torch.Tensor, class_labels: torch.Tensor) -> Any:
        self.labels = class_labels
        return SimpleNamespace(sample=x)


def labels_reaching(model: ClassConditional, given: torch.Tensor, *more: Any) -> torch.Tensor:
    model.unet = Noting()
    model(torch.zeros(len(given), 1, 1, 1), torch.zeros(len(given), dtype=torch.long), given, *more)
    return model.unet.labels


def test_labels_are_dropped_in_training_at_their_rate() -> None:
    """Five standard deviations of a binomial; a label that is not dropped stays what it was."""
    n, given = 20_000, torch.arange(20_000) % 3
    seen = labels_reaching(build().train(), given)
    dropped = seen == 3
    assert torch.equal(seen[~dropped], given[~dropped])
    assert abs(int(dropped.sum()) - 0.25 * n) < 5 * (n * 0.25 * 0.75) ** 0.5


def test_no_label_is_dropped_in_eval_mode_nor_when_told() -> None:
    given = torch.arange(1000) % 3
    assert torch.equal(labels_reaching(build().eval(), given), given)
    assert torch.equal(labels_reaching(build().train(), given, False), given)
    assert torch.equal(labels_reaching(build(label_drop=0.0).train(), given), given)


def test_guidance_is_two_passes_in_one_batch() -> None:
    model = build().eval()
    passes: list[int] = []
    model.unet.register_forward_pre_hook(lambda module, inputs: passes.append(len(inputs[0])))
    x, t, labels = torch.randn(3, 1, 4, 4), torch.tensor([0, 20, 49]), torch.tensor([2, 0, 1])
    with torch.no_grad():
        conditional, free = model(x, t, labels), model(x, t, torch.full_like(labels, 3))
        assert not torch.allclose(conditional, free, atol=1e-4)
        passes.clear()
        guided = model.guided(x, t, labels, 2.0)
        assert passes == [6]
        torch.testing.assert_close(guided, 3 * conditional - 2 * free, atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(model.guided(x, t, labels, -1.0), free, atol=1e-5, rtol=1e-4)
        passes.clear()
        assert torch.equal(model.guided(x, t, labels, 0.0), conditional)
        assert passes == [3]


@pytest.mark.parametrize(
    ("size", "changes", "message"),
    [
        ((6, 5), {}, r"^data\.size: 6 x 5 pixels cannot be halved 1 times; give a multiple of 2, or fewer"),
        ((8, 10), {"channels": [8, 8, 8]}, r"^data\.size: 8 x 10 .* halved 2 times; give a multiple of 4"),
        ((4, 4), {"attention": [True]}, r"^model\.attention: 1 values, but 2 levels; give one each$"),
        (
            (4, 4),
            {"head_dim": 3},
            r"^model\.head_dim: 3 does not divide 8 of model\.channels; give a divisor$",
        ),
        ((4, 4), {"head_dim": 16}, r"^model\.head_dim: 16 does not divide 8 of model\.channels"),
        ((4, 4), {"channels": [8, 10]}, r"^model\.groups: 4 does not divide 10 of model\.channels"),
    ],
)
def test_what_does_not_fit(size: tuple[int, int], changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        build(size, **changes)


@pytest.mark.parametrize(
    "wrong",
    [{"prediction": "noise"}, {"beta_schedule": "quadratic"}, {"label_drop": 1.0}, {"channels": []}],
)
def test_values_that_there_are_not(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        UNetSettings(**SMALL | wrong)
