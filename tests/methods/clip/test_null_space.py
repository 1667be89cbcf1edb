"""CCUP: the projector in closed form, and what the projection of a CLIP does with it."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from clip_checks import changed
from pydantic import ValidationError
from tiny_clip import TinyProblem

from unlearn_cli.errors import InputError
from unlearn_cli.methods.clip.null_space import PROJECTION, NullSpace, directions
from unlearn_cli.training.mask import Mask

SETTINGS = {
    "variant": "projection",
    "beta": 1.0,
    "forget_weight": 1.0,
    "ridge": 1e-6,
    "rank": None,
    "centre": False,
    "domain_text": "a {domain} of a {label}",
}


@pytest.fixture
def tiny(tmp_path):
    return TinyProblem(tmp_path)


@pytest.fixture
def of_class(tiny):
    """The first class is forgotten, no domain."""
    tiny.sets = replace(tiny.sets, groups=np.empty(0, dtype=np.int64), classes=(0,))
    return tiny


def null_space(**changes):
    return NullSpace(**SETTINGS | changes)


def columns(*rows):
    return torch.tensor(rows, dtype=torch.double).T


def embedded(tiny, model):
    """(12, E) image embeddings as the tower gives them, not normalised."""
    with torch.no_grad():
        return model.clip.encode_image(model.prepared(tiny.batch(np.arange(12)).x)).double()


def test_images_lose_the_forgotten_classes_text(of_class):
    start = of_class.model()
    after = null_space().unlearn(of_class.task, of_class.model(), of_class.sets, of_class.trainer)
    assert changed(start, after) == {PROJECTION}
    text = start.class_features()[0].double()
    old, new = embedded(of_class, start), embedded(of_class, after)
    torch.testing.assert_close(new @ text, torch.zeros(12).double(), rtol=0, atol=1e-6)
    assert (old @ text).abs().max() > 0.1
    # what is orthogonal to the text is as it was
    torch.testing.assert_close(new, old - torch.outer(old @ text, text), rtol=0, atol=1e-5)


@pytest.mark.parametrize("beta", [0.1, 0.25])
def test_beta_is_how_far(of_class, beta):
    start = of_class.model()
    after = null_space(beta=beta).unlearn(of_class.task, of_class.model(), of_class.sets, of_class.trainer)
    text = start.class_features()[0].double()
    old, new = embedded(of_class, start) @ text, embedded(of_class, after) @ text
    torch.testing.assert_close(new, (1 - beta) * old, rtol=0, atol=1e-6)


def test_rank_keeps_the_leading_directions():
    forget = columns([3.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 2.0, 0.0])
    diagonals = {1: [0.0, 1.0, 1.0], 2: [0.0, 0.0, 1.0], 5: [0.0, 0.0, 1.0], None: [0.0, 0.0, 1.0]}
    for rank, diagonal in diagonals.items():
        projector = null_space(rank=rank).projector(forget, forget)
        torch.testing.assert_close(projector, torch.tensor(diagonal, dtype=torch.double).diag())
    basis, lengths = directions(forget, None)
    assert basis.shape == (3, 2)
    assert lengths.tolist() == pytest.approx([3.0, 5**0.5])


def test_retain_aware_by_the_equation():
    """P = K (K + λF + μI)⁻¹."""
    torch.manual_seed(0)
    forget, retain = torch.randn(5, 2).double(), torch.randn(5, 4).double()
    found = null_space(variant="retain_aware", forget_weight=3.0, ridge=0.1).projector(forget, retain)
    kept, gone = retain @ retain.T, forget @ forget.T
    torch.testing.assert_close(found, kept @ (kept + 3 * gone + 0.1 * torch.eye(5).double()).inverse())


def test_retain_aware_is_the_projector_where_what_is_kept_spans_all_else():
    torch.manual_seed(0)
    basis, _ = torch.linalg.qr(torch.randn(5, 5).double())
    forget, retain = basis[:, :2] @ torch.randn(2, 3).double(), basis[:, 2:] @ torch.randn(3, 6).double()
    aware = null_space(variant="retain_aware", ridge=1e-10).projector(forget, retain)
    torch.testing.assert_close(aware, null_space().projector(forget, retain), rtol=0, atol=1e-6)


def test_a_domain_is_what_its_texts_have_beyond_their_classes(tiny):
    """With `centre`: t(domain, class) less the mean of t(·, class); those of two domains differ in sign."""
    start = tiny.model()
    after = null_space(centre=True).unlearn(tiny.task, tiny.model(), tiny.sets, tiny.trainer)
    texts = start.text_features([f"a {d} of a {c}" for d in ("photo", "sketch") for c in tiny.data.classes])
    photos, sketches = texts.double().view(2, 3, -1)
    new = embedded(tiny, after)
    torch.testing.assert_close(new @ (photos - sketches).T, torch.zeros(12, 3).double(), rtol=0, atol=1e-6)
    # the classes themselves are still there
    assert (new @ (photos + sketches).T).abs().max() > 0.1


def test_a_mask_is_kept_to(of_class):
    start = of_class.model()
    free = torch.zeros_like(start.visual.proj, dtype=torch.bool)
    free[0] = True
    trainer = of_class.trainer_in(of_class.folder / "masked", mask=Mask({PROJECTION: free}))
    after = null_space().unlearn(of_class.task, of_class.model(), of_class.sets, trainer)
    differ = (after.visual.proj != start.visual.proj).any(1)
    assert differ.tolist() == [True] + [False] * (len(differ) - 1)


def test_what_does_not_fit_is_told(tiny, of_class):
    model = tiny.model()
    with pytest.raises(InputError, match=r"^method\.centre: whole classes"):
        null_space(centre=True).check(tiny.task, model, tiny.data, of_class.sets)
    with pytest.raises(InputError, match=r"^forget: this method needs words"):
        null_space().check(tiny.task, model, tiny.data, replace(of_class.sets, classes=()))
    model.visual.proj = None
    with pytest.raises(InputError, match=r"^model: its vision tower has no projection"):
        null_space().check(tiny.task, model, tiny.data, of_class.sets)
    with pytest.raises(ValidationError, match=r"'a sketch' has not one \{domain\} and one \{label\}"):
        null_space(domain_text="a sketch")
