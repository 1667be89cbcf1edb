"""The mask (Fan et al., ICLR 2024, Eq. 4) as `generate_mask` of the released code ranks it."""

import numpy as np
import pytest
import torch
from diffusers import DDPMScheduler
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from safetensors.torch import load_file

from parity.classification.small import Small
from unlearn_cli.config.catalogue import conf_folder
from unlearn_cli.config.settings import build
from unlearn_cli.methods.saliency import SaliencyMask
from unlearn_cli.storage.store import Store
from unlearn_cli.tasks.generation import Generation

SETTINGS = {
    "fraction": 0.367,
    "mode": "hard",
    "batch_size": 2,
    "clip_norm": None,
    "guidance": None,
    "parameters": None,
}


@pytest.mark.parametrize("clip", [None, 0.21])
@pytest.mark.parametrize("pattern", [None, "^head|2"])
def test_the_largest_summed_gradients_of_one_ranking(small, tmp_path, clip, pattern):
    """Signed gradients of eval-mode batches are summed, then |·|; the top ⌊r·P⌋ of all tensors are free."""
    settings = SaliencyMask(**SETTINGS | {"clip_norm": clip, "parameters": pattern})
    model, store = small.model(), Store(tmp_path / "store")
    found = settings.build(small.task, model, small.sets, small.trainer, store, {"model": "small"})
    names = [name for name, _ in model.named_parameters() if not pattern or "head" in name or "2" in name]
    assert {*found.tensors} == {*names}
    names = [*found.tensors]
    sums = [0.0 for _ in names]
    for rows in (np.array([0, 1]), np.array([2, 3])):
        parts = torch.autograd.grad(small.losses(model, rows).mean(), list(model.parameters()))
        norm = torch.cat([part.flatten() for part in parts]).norm()
        scale = min(1.0, clip / float(norm)) if clip else 1.0
        chosen = dict(zip([name for name, _ in model.named_parameters()], parts, strict=True))
        sums = [total + scale * chosen[name] for total, name in zip(sums, names, strict=True)]
    scores = torch.cat([total.abs().flatten() for total in sums])
    ranks = torch.argsort(torch.argsort(-scores, stable=True))
    expected = ranks < round(0.367 * len(scores))
    assert torch.equal(torch.cat([part.flatten() for part in found.tensors.values()]), expected)


class Guided(torch.nn.Module):
    """Predicts a multiple of x_t, by class and without one."""

    null, unconditional = 3, True

    def __init__(self, process):
        super().__init__()
        self.process, self.scales = process, torch.nn.Parameter(torch.tensor([0.4, 0.9, -0.3, 0.2]))

    def encode(self, batch):
        return 2 * batch.x - 1

    def guided(self, x, t, condition, guidance):
        mixed = (1 + guidance) * self.scales[condition] - guidance * self.scales[3]
        return mixed.view(-1, 1, 1, 1) * x


def test_the_guided_prediction_of_a_diffusion_model(small, tmp_path):
    """(1 + w)·ε(x, c) − w·ε(x, ∅), its error summed over an image's elements."""
    network, task = Guided(DDPMScheduler(num_train_timesteps=20)), Generation(other="next", compat="paper")
    settings = SaliencyMask(**SETTINGS | {"guidance": 1.7, "clip_norm": 0.3, "batch_size": 4})
    store = Store(tmp_path / "store")
    settings.build(task, network, small.sets, small.trainer, store, {"model": "guided"})
    (file,) = (tmp_path / "store" / "saliency").glob("*/scores.safetensors")
    (batch,) = small.trainer.batches(small.forget)
    small.trainer.seeded("saliency", 0)
    x, _, noise = task.noised(network, batch)
    scales = network.scales.detach().clone().requires_grad_()
    output = (2.7 * scales[batch.y] - 1.7 * scales[3]).view(-1, 1, 1, 1) * x
    (output - noise).square().flatten(1).sum(1).mean().backward()
    expected = (scales.grad * 0.3 / scales.grad.norm()).abs()
    torch.testing.assert_close(load_file(file)["scales"], expected, rtol=1e-5, atol=1e-6)


def test_clipping_matters(tmp_path):
    """Or the test above would not see it."""
    small = Small(tmp_path)
    norms = [
        torch.cat(
            [
                part.flatten()
                for part in torch.autograd.grad(small.losses(m, rows).mean(), list(m.parameters()))
            ]
        ).norm()
        for m in [small.model()]
        for rows in (np.array([0, 1]), np.array([2, 3]))
    ]
    assert min(norms) > 0.21


def test_a_text_to_image_model_is_ranked_by_its_unet():
    """As in the release's mask for Stable Diffusion; tensors of the text encoder are free of it."""
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        node = compose("config", ["task=text_to_image", "method=salun"]).mask
    mask = build(OmegaConf.to_container(node), "mask")
    scores = {"unet.conv_in.weight": torch.ones(2), "text_encoder.embeddings.weight": torch.ones(2)}
    assert [*mask.ranked(scores, torch.nn.Identity())] == ["unet.conv_in.weight"]
