"""CCUP: W' = W Pᵀ (Mishra et al., arXiv:2512.14137), both projectors from their definitions."""

import pytest
import torch

from parity.clip.towers import texts
from unlearn_cli.methods.clip.null_space import NullSpace

BETA, LAMBDA, MU = 0.63, 2.7, 0.19


@pytest.mark.parametrize("variant", ["projection", "retain_aware"])
@pytest.mark.parametrize(("centre", "rank"), [(False, None), (True, None), (False, 2)])
def test_the_projection_is_multiplied(tiny, variant, centre, rank):
    settings = {"beta": BETA, "forget_weight": LAMBDA, "ridge": MU, "rank": rank, "centre": centre}
    method = NullSpace(variant=variant, **settings, domain_text="a {domain} of a {label}")
    start = tiny.model()
    found = method.unlearn(tiny.task, tiny.model(), tiny.sets, tiny.trainer)
    with torch.no_grad():
        gone, kept = (
            texts(
                start.clip, start.tokenizer([f"a {domain} of a {name}" for name in tiny.data.classes])
            ).double()
            for domain in ("photo", "sketch")
        )
        if centre:
            gone = gone - (gone + kept) / 2
        if rank:  # the leading directions alone
            leading = torch.linalg.eigh(gone.T @ gone).eigenvectors[:, -rank:]
            gone = gone @ leading @ leading.T
        one = torch.eye(8).double()
        if variant == "projection":  # onto what lies across: I − β T (TᵀT)⁻¹ Tᵀ
            projector = one - BETA * gone.T @ torch.linalg.pinv(gone @ gone.T, rtol=1e-9) @ gone
        else:  # the minimum of ‖P T_r − T_r‖² + λ‖P T_f‖² + μ‖P‖², where its gradient is 0
            projector = kept.T @ kept @ torch.inverse(kept.T @ kept + LAMBDA * gone.T @ gone + MU * one)
        expected = start.clip.visual.proj.double() @ projector.T
    torch.testing.assert_close(found.clip.visual.proj.detach().double(), expected, rtol=1e-5, atol=1e-5)
    assert not torch.allclose(found.clip.visual.proj, start.clip.visual.proj, atol=1e-3)
