"""Transfer: x + change(x) as an earlier run's files have it, in another seed's model, at another layer."""

import json

import pytest
import torch
import yaml
from safetensors.torch import save_file

from parity.vlm.edits import DICTIONARY, JUDGED, LAYER, PROJECTOR, SPARSE, assert_edited
from unlearn_cli.methods.vlm.dense_steering import DenseSteering
from unlearn_cli.methods.vlm.sauce import Sauce
from unlearn_cli.methods.vlm.transfer import Transfer

D, M, F = 16, 32, 3
SCALE, THRESHOLD, FACTOR, ABOVE, OFFSET = 0.83, 0.21, -1.7, 0.33, 0.19


def run(folder, kind, values, **files):
    """An earlier run's folder, of tensors by the concept."""
    target = f"{kind.__module__}.{kind.__qualname__}"
    (folder / "config.yaml").write_text(yaml.safe_dump({"method": {"_target_": target, **values}}))
    (folder / "edits").mkdir(parents=True)
    told = {"facts": json.dumps({"layer": LAYER}), "autoencoder": json.dumps({"dictionary": DICTIONARY})}
    for name, tensors in files.items():
        save_file(tensors, folder / "edits" / f"{name}.safetensors", told)


def assert_transferred(tiny, layer, change):
    found = Transfer(path=tiny.folder, layer=layer).unlearn(tiny.task, tiny.model(2), tiny.sets, tiny.trainer)
    assert_edited(tiny, found, change, layer or LAYER, seed=2)


@pytest.mark.parametrize("layer", [None, PROJECTOR])
def test_directions_of_two_concepts(tiny, layer):
    """−(x − m)·A·B of each, of the same x."""
    torch.manual_seed(3)
    m, a, b = torch.randn(2, D) / 3, torch.randn(2, D, 1) / 3, torch.randn(2, 1, D) / 3
    files = {name: {"centre": m[i], "left": a[i], "right": b[i]} for i, name in enumerate(("red", "blue"))}
    run(tiny.folder, DenseSteering, JUDGED | {"direction": "leace", "alpha": [1.7]}, **files)
    assert_transferred(tiny, layer, lambda x: -sum((x - m[i]) @ a[i] @ b[i] for i in range(2)))


@pytest.mark.parametrize("layer", [None, PROJECTOR])
def test_features_of_a_sparse_autoencoder(tiny, layer):
    """s·W_d ((f − 1)·z + o) of the features that are above their threshold."""
    torch.manual_seed(3)
    w, b_e, b, mean, out = (torch.randn(*shape) / 3 for shape in ((M, D), (M,), (D,), (D,), (D, M)))
    latents = torch.tensor([4, 9, 21])
    tensors = {"sae.encoder.weight": w, "sae.encoder.bias": b_e, "sae.bias": b, "sae.mean": mean}
    tensors |= {"sae.decoder.weight": out, "sae.scale": torch.tensor(SCALE)}
    tensors |= {"sae.threshold": torch.tensor(THRESHOLD), "sae.silent": torch.zeros(M, dtype=torch.long)}
    parts = {"factor": FACTOR, "threshold": ABOVE, "offset": OFFSET}
    tensors |= {f"edit.{name}": torch.full((1, F), value) for name, value in parts.items()}
    values = SPARSE | {"pretrained": None, "score": "diff", "k": [F], "gamma": [FACTOR], "mode": "scale"}
    run(tiny.folder, Sauce, values, red=tensors | {"edit.latents": latents})

    def change(x):
        z = ((((x - mean) / SCALE - b) @ w.T + b_e).clamp(min=0))[..., latents]
        z = torch.where(z >= THRESHOLD, z, 0.0)
        return SCALE * torch.where(z > ABOVE, (FACTOR - 1) * z + OFFSET, 0.0) @ out[:, latents].T

    assert_transferred(tiny, layer, change)
