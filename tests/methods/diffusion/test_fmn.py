"""FMN: which probabilities are summed, that they are those of attention, and that nothing stays behind."""

import dataclasses

import numpy as np
import pytest
import torch
from tiny_diffusion import Recorder
from tiny_text import ADAM, TinyText, moved

from unlearn_cli.data.substitution import Substitution
from unlearn_cli.errors import InputError
from unlearn_cli.methods.diffusion.fmn import ForgetMeNot, attention, norms


@pytest.fixture
def tiny(tmp_path):
    return TinyText(tmp_path)


def fmn(**changes):
    return ForgetMeNot(**ADAM | {"positions": "words", "norm": "layer"} | changes)


def cross_attentions(model):
    return [(name, module) for name, module in model.named_modules() if name.endswith("attn2")]


def test_norms_by_hand():
    """Two samples, two heads, one pixel, three tokens; token 1 of the first sample, none of the second."""
    layer = torch.tensor([[[0.2, 0.3, 0.5]], [[0.1, 0.4, 0.5]], [[1.0, 0.0, 0.0]], [[0.0, 1.0, 0.0]]])
    where = torch.tensor([[False, True, False], [False, False, False]])
    torch.testing.assert_close(norms([layer, 2 * layer], where), torch.tensor([[0.5, 0.0], [1.0, 0.0]]))


def test_the_probabilities_are_those_of_attention(tiny):
    """softmax(q·k/√d) from the layers' own queries and keys; the prediction stays the same."""
    model = tiny.model()
    x, t, y = torch.randn(2, 12, 4, 4), torch.tensor([3, 9]), torch.tensor([0, 3])
    queries = []
    layers = [layer for _, layer in cross_attentions(model)]
    handles = [layer.to_q.register_forward_hook(lambda *a: queries.append(a[2])) for layer in layers]
    with torch.no_grad():
        usual = model(x, t, y)
        usual_processors = [layer.processor for layer in layers]
        queries.clear()
        with attention(model) as found:
            output = model(x, t, y)
        prompts = model.conditioning(y)
    for handle in handles:
        handle.remove()
    torch.testing.assert_close(output, usual)
    assert len(found) == len(layers) == len(queries)
    named = {id(layer.to_q): layer for layer in layers}
    assert len(named) == len(layers)
    for probabilities, query, layer in zip(found, queries, in_order(model, layers), strict=True):
        key = layer.to_k(prompts)
        heads = layer.heads
        q, k = (a.unflatten(2, (heads, -1)).transpose(1, 2).flatten(0, 1) for a in (query, key))
        expected = (q @ k.transpose(1, 2) / q.shape[2] ** 0.5).softmax(2)
        torch.testing.assert_close(probabilities, expected.detach())
    assert [layer.processor for layer in layers] == usual_processors
    assert not any("get_attention_scores" in vars(layer) for layer in layers)


def in_order(model, layers):
    """The layers in the order in which they are passed."""
    passed = []
    handles = [layer.register_forward_pre_hook(lambda module, _: passed.append(module)) for layer in layers]
    with torch.no_grad():
        model(torch.randn(1, 12, 4, 4), torch.tensor([3]), torch.tensor([0]))
    for handle in handles:
        handle.remove()
    return passed


def test_a_tokenizer_that_fills_up_with_a_sign(tiny):
    """As Stable Diffusion 2.x does, with "!": the words are found, and something is learnt."""
    models = [tiny.model(), tiny.model()]
    models[1].shared.tokenizer.pad_token = "!"
    tokens = models[1].shared.tokenizer("a", padding="max_length").input_ids
    assert tokens[-1] == models[1].shared.tokenizer.convert_tokens_to_ids("!")
    for model in models:
        fmn().check(tiny.task, model, tiny.data, tiny.sets)
        after = fmn().unlearn(tiny.task, model, tiny.sets, tiny.trainer)
        assert moved(tiny.model(), after)
        assert tiny.trainer.history[-1]["loss/forget"] > 0


def test_a_prompt_that_does_not_show_the_concept_is_refused(tiny):
    """It stands behind what the text encoder reads."""
    model = tiny.model()
    model.shared.mask[0, 2:] = False
    with pytest.raises(
        InputError, match=r"^forget\.concept: .* does not see 'dotted' in 'red dotted wall', of"
    ):
        fmn().check(tiny.task, model, tiny.data, tiny.sets)


def test_processors_come_back_after_a_failure(tiny):
    model = tiny.model()
    before = [layer.processor for _, layer in cross_attentions(model)]
    with pytest.raises(ValueError, match="stop"), attention(model):
        raise ValueError("stop")
    assert [layer.processor for _, layer in cross_attentions(model)] == before


@pytest.mark.parametrize(("positions", "last"), [("words", 3), ("onwards", 8)])
def test_each_row_counts_the_tokens_of_its_own_concepts(tiny, positions, last):
    """Row 0 names two concepts ("red", "dotted"), row 1 one ("dotted")."""
    both = (Substitution("dotted", "plain", "object"), Substitution("red", "blue", "object"))
    sets = dataclasses.replace(tiny.sets, concepts=both)
    recorder, model = Recorder(tiny.trainer), tiny.model()
    fmn(positions=positions).unlearn(tiny.task, model, sets, recorder)
    batch = tiny.batch(np.array([0, 1]))
    torch.manual_seed(0)
    terms = recorder.objective(model, batch)
    torch.manual_seed(0)
    x, t, _ = tiny.task.noised(model, batch)
    with torch.no_grad(), attention(model) as found:
        model(x, t, batch.y)
    where = torch.zeros(2, 8, dtype=torch.bool)
    where[0, 1:last] = True  # after the start: red dotted wall
    where[1, 2:last] = True  # blue dotted wall
    assert list(terms) == ["forget"]
    torch.testing.assert_close(terms["forget"].detach(), norms(found, where).sum(0).mean())


def test_attention_to_the_concept_falls(tiny):
    start, model = tiny.model(), tiny.model()
    method = fmn(lr=1e-2, epochs=20, parameters=r"attn2\.to_(q|k)")
    after = method.unlearn(tiny.task, model, tiny.sets, tiny.trainer)
    assert moved(start, after) == {
        name for name, _ in start.named_parameters() if "attn2.to_q" in name or "attn2.to_k" in name
    }
    losses = [row["loss/forget"] for row in tiny.trainer.history]
    assert losses[-1] < 0.7 * losses[0]


def test_a_concept_without_words_is_refused(tiny):
    bare = dataclasses.replace(tiny.sets, concepts=())
    with pytest.raises(InputError, match=r"^forget: .* use forget=concept"):
        fmn().check(tiny.task, tiny.model(), tiny.data, bare)
    fmn().check(tiny.task, tiny.model(), tiny.data, tiny.sets)
