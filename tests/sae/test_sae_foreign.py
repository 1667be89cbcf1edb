"""Autoencoders of other libraries: x̂ as by the formula of each format, on random weights."""

import json

import pytest
import torch
from safetensors.torch import save_file

from unlearn_cli.errors import InputError
from unlearn_cli.sae.foreign import load_foreign

D, M, K = 6, 24, 4


def random(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


def unit(decoder):
    return decoder / decoder.norm(dim=0)


X = random(50, D)
W_E, B_E, W_D, B = random(M, D), random(M) / 3, 2 * random(D, M), random(D)
THRESHOLDS = random(M).abs()


def topk(values):
    least = values.topk(K, dim=-1).values[:, -1:]
    return values * (values >= least)


def dictionary_learning(kind, tensors, **trainer):
    def write(folder):
        (folder / "config.json").write_text(json.dumps({"trainer": {"dict_class": kind, "k": K} | trainer}))
        torch.save(tensors, folder / "ae.pt")

    return write


def with_config(file, tensors, **config):
    def write(folder):
        (folder / "cfg.json").write_text(json.dumps(config))
        save_file({name: value.contiguous() for name, value in tensors.items()}, folder / file)

    return write


def sae_lens(architecture, tensors, **changes):
    common = {"W_enc": W_E.T, "b_enc": B_E, "W_dec": W_D.T, "b_dec": B}
    config = {"normalize_activations": "none", "apply_b_dec_to_input": True}
    config |= {"architecture": architecture} if architecture else {}
    return with_config("sae_weights.safetensors", common | tensors, **config | changes)


LINEAR = {"encoder.weight": W_E, "encoder.bias": B_E, "decoder.weight": W_D}
MATRICES = {"W_enc": W_E.T, "b_enc": B_E, "W_dec": W_D.T, "b_dec": B}
SPARSIFY = {"encoder.weight": W_E, "encoder.bias": B_E, "W_dec": W_D.T, "b_dec": B}
GROUPS = {"group_sizes": torch.tensor([4, 20])}
KEPT = {"k": torch.tensor(K, dtype=torch.int), "threshold": torch.tensor(0.7)}
CENTRED = torch.relu((X - B) @ W_E.T + B_E)
PLAIN = torch.relu(X @ W_E.T + B_E)
NORMS = W_D.norm(dim=0)
FORMATS = {
    "AutoEncoder": (dictionary_learning("AutoEncoder", LINEAR | {"bias": B}), CENTRED),
    "AutoEncoderNew": (dictionary_learning("AutoEncoderNew", LINEAR | {"decoder.bias": B}), PLAIN),
    "AutoEncoderTopK": (dictionary_learning("AutoEncoderTopK", LINEAR | {"b_dec": B} | KEPT), topk(CENTRED)),
    "old AutoEncoderTopK": (dictionary_learning("AutoEncoderTopK", LINEAR | {"b_dec": B}), topk(CENTRED)),
    "BatchTopKSAE": (
        dictionary_learning("BatchTopKSAE", LINEAR | {"b_dec": B} | KEPT, k=None),
        CENTRED * (CENTRED > 0.7),
    ),
    "BatchTopKSAE without a threshold yet": (
        dictionary_learning("BatchTopKSAE", LINEAR | {"b_dec": B} | KEPT | {"threshold": torch.tensor(-1.0)}),
        CENTRED,
    ),
    "MatryoshkaBatchTopKSAE": (
        dictionary_learning("MatryoshkaBatchTopKSAE", MATRICES | KEPT | GROUPS),
        CENTRED * (CENTRED > 0.7),
    ),
    "JumpReluAutoEncoder": (
        dictionary_learning("JumpReluAutoEncoder", MATRICES | {"threshold": THRESHOLDS}),
        PLAIN * (PLAIN > THRESHOLDS),
    ),
    "sparsify": (with_config("sae.safetensors", SPARSIFY, k=K, expansion_factor=4, d_in=D), topk(CENTRED)),
    "sae-lens standard": (sae_lens("standard", {}, apply_b_dec_to_input=False), PLAIN),
    "sae-lens topk": (sae_lens("topk", {}, k=K), topk(CENTRED)),
    "sae-lens standard by name": (
        sae_lens("standard", {}, activation_fn_str="relu", finetuning_scaling_factor=False),
        CENTRED,
    ),
    "sae-lens before its architecture": (sae_lens(None, {}, activation_fn="relu"), CENTRED),
    "sae-lens standard that is topk": (
        sae_lens("standard", {}, activation_fn_str="topk", activation_fn_kwargs={"k": K}),
        topk(CENTRED),
    ),
    "sae-lens topk by arguments": (
        sae_lens("topk", {}, activation_fn_str="topk", activation_fn_kwargs={"k": K}),
        topk(CENTRED),
    ),
    "sae-lens topk by length": (
        sae_lens("topk", {}, k=K, rescale_acts_by_decoder_norm=True),
        topk(CENTRED * NORMS) / NORMS,
    ),
    "sae-lens jumprelu": (sae_lens("jumprelu", {"threshold": THRESHOLDS}), CENTRED * (CENTRED > THRESHOLDS)),
}


@pytest.mark.parametrize(("write", "z"), FORMATS.values(), ids=FORMATS.keys())
def test_the_reconstruction_is_the_formats(tmp_path, write, z):
    write(tmp_path)
    sae = load_foreign(tmp_path)
    assert torch.allclose(sae.decode(sae.encode(X)), z @ W_D.T + B, atol=1e-4)
    assert 0 < (z > 0).float().mean() < 0.9
    assert torch.equal(sae.encode(X) > 0, z > 0)
    if sae.dictionary.activation in ("relu", "jumprelu"):
        assert torch.allclose(sae.decoder.weight, unit(W_D), atol=1e-6)
        assert torch.allclose(sae.encode(X), z * NORMS, atol=1e-4)
        part = sae.part(torch.tensor([1, 5]))
        assert torch.allclose(part.encode(X), z[:, [1, 5]] * NORMS[[1, 5]], atol=1e-4)


def test_factors_from_fine_tuning_are_of_what_is_decoded(tmp_path):
    factor = random(M).abs() + 0.3
    tensors = {"finetuning_scaling_factor": factor}
    sae_lens("standard", tensors, activation_fn_str="relu", finetuning_scaling_factor=True)(tmp_path)
    sae = load_foreign(tmp_path)
    assert torch.allclose(sae.decode(sae.encode(X)), (CENTRED * factor) @ W_D.T + B, atol=1e-4)


def test_half_precision_and_a_files_name_are_taken(tmp_path):
    dictionary_learning("AutoEncoder", {n: v.half() for n, v in (LINEAR | {"bias": B}).items()})(tmp_path)
    (tmp_path / "ae.pt").rename(tmp_path / "ae_100.pt")
    sae = load_foreign(tmp_path / "ae_100.pt")
    assert sae.encode(X).dtype == torch.float32
    assert torch.allclose(sae.decode(sae.encode(X)), CENTRED @ W_D.T + B, atol=0.1)


@pytest.mark.parametrize("given", [".", "checkpoints", "checkpoints/ae_1000.pt"])
def test_dictionary_learnings_own_folders(tmp_path, given):
    """Checkpoints with their step, the configuration one folder up: the last one is taken."""
    dictionary_learning("AutoEncoder", LINEAR | {"bias": B})(tmp_path)
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "ae.pt").rename(tmp_path / "checkpoints" / "ae_1000.pt")
    torch.save({"no": "autoencoder"}, tmp_path / "checkpoints" / "ae_200.pt")
    sae = load_foreign(tmp_path / given)
    assert torch.allclose(sae.decode(sae.encode(X)), CENTRED @ W_D.T + B, atol=1e-4)


WRONG = {
    "dict_class 'AutoEncoderTopk'; did you mean 'AutoEncoderTopK'": dictionary_learning(
        "AutoEncoderTopk", LINEAR
    ),
    "lacks 'b_dec'": dictionary_learning("BatchTopKSAE", LINEAR),
    "not understood: b_dec": dictionary_learning("AutoEncoder", LINEAR | {"bias": B, "b_dec": B}),
    "size mismatch": dictionary_learning("AutoEncoder", LINEAR | {"bias": B[:-1]}),
    "25 of 24 latents": with_config("sae.safetensors", SPARSIFY, k=25),
    "only autoencoders with activation topk": with_config(
        "sae.safetensors", SPARSIFY, k=K, activation="groupmax"
    ),
    "not understood: W_skip": with_config("sae.safetensors", SPARSIFY | {"W_skip": W_D}, k=K),
    "lacks 'k'": with_config("sae.safetensors", SPARSIFY),
    "skip_connection is True": with_config("sae.safetensors", SPARSIFY, k=K, skip_connection=True),
    "transcode is True": with_config("sae.safetensors", SPARSIFY, k=K, transcode=True),
    "signed is True": with_config("sae.safetensors", SPARSIFY, k=K, signed=True),
    "normalize_activations is 'layer_norm'": sae_lens("standard", {}, normalize_activations="layer_norm"),
    "architecture 'gated'": sae_lens("gated", {}),
    "activation_fn_str 'tanh-relu' of arch": sae_lens("standard", {}, activation_fn_str="tanh-relu"),
    "activation_fn_str 'relu' of architecture 'topk'": sae_lens("topk", {}, k=K, activation_fn_str="relu"),
    "activation_fn_kwargs 'postact_fn'": sae_lens(
        "topk", {}, activation_fn_kwargs={"k": K, "postact_fn": "Identity"}
    ),
    "as of sae_lens, it lacks 'k'": sae_lens("standard", {}, activation_fn_str="topk"),
    "not understood: finetuning_scaling_factor": sae_lens("standard", {"finetuning_scaling_factor": NORMS}),
}


@pytest.mark.parametrize(("said", "write"), WRONG.items(), ids=WRONG.keys())
def test_what_is_not_understood_is_refused_in_a_line(tmp_path, said, write):
    write(tmp_path)
    with pytest.raises(InputError, match=said) as caught:
        load_foreign(tmp_path)
    assert "\n" not in str(caught.value)


def test_files_that_are_absent_damaged_or_would_run_code_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"no sparse autoencoder there; one of ae\.pt, sae\.safetensors"):
        load_foreign(tmp_path)
    FORMATS["AutoEncoder"][0](tmp_path)
    (tmp_path / "config.json").unlink()
    with pytest.raises(InputError, match="not understood as of dictionary_learning"):
        load_foreign(tmp_path)
    torch.save({"encoder": torch.nn.Linear(2, 2)}, tmp_path / "ae.pt")
    with pytest.raises(InputError, match="would run code"):
        load_foreign(tmp_path)
    (tmp_path / "ae.pt").write_bytes(b"x")
    with pytest.raises(InputError, match=r"ae\.pt"):
        load_foreign(tmp_path)
