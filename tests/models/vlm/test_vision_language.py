"""LLaVA and Llama-3.2-Vision behind the same verbs, which give what transformers' own forward does."""

from contextlib import contextmanager
from copy import deepcopy

import pytest
import torch
from accelerate import dispatch_model
from safetensors.torch import load_file
from tiny_vlm_folders import PAIRS, built, llava_folder, mllama_folder, nll
from torch.nn.functional import cross_entropy
from transformers import AutoModelForImageTextToText

from unlearn_cli.errors import InputError
from unlearn_cli.models.delta import DELTA, load_delta, save_delta

QUESTIONS, ANSWERS = [q for q, _ in PAIRS], [a for _, a in PAIRS]
SIZE = (12, 30)
"""Not the processors' own: LLaVA's scales and crops, Mllama's makes two tiles."""


@pytest.fixture(scope="module", params=["llava", "mllama"])
def folder(request, tmp_path_factory):
    make = {"llava": llava_folder, "mllama": mllama_folder}[request.param]
    return make(tmp_path_factory.mktemp("models") / request.param)


@pytest.fixture(scope="module")
def llava(tmp_path_factory):
    return built(llava_folder(tmp_path_factory.mktemp("models") / "llava"), SIZE)


@pytest.fixture
def model(folder):
    return built(folder, SIZE)


@pytest.fixture
def x():
    return torch.rand(4, 3, *SIZE, generator=torch.manual_seed(0))


@contextmanager
def edited(model, layer: str):
    """Noise on the layer's output."""
    noise = torch.Generator().manual_seed(3)

    def change(module, arguments, output):
        return output + torch.randn(output.shape, generator=noise)

    with model.net.get_submodule(layer).register_forward_hook(change, prepend=True):
        yield


def test_an_answers_likelihood_is_transformers_own_loss(model, x):
    """The whole text, tokenised at once, with labels on the answer alone."""
    found, count = nll(model, x, QUESTIONS, ANSWERS)
    processor = model.shared.processor
    for row, answer in enumerate(ANSWERS):
        prompt = model.shared.prompt(QUESTIONS[row])
        whole = processor(
            images=[[255 * x[row]]],
            text=[f"{prompt} {answer} {processor.tokenizer.eos_token}"],
            add_special_tokens="<start>" not in prompt,
            return_tensors="pt",
        )
        tokens = len(answer.split()) + 1
        labels = whole["input_ids"].clone()
        assert (labels == processor.tokenizer.bos_token_id).sum() == 1  # a template's start is not doubled
        labels[:, :-tokens] = -100
        assert count[row] == tokens
        assert found[row].item() == pytest.approx(
            tokens * model.net(**whole, labels=labels).loss.item(), abs=1e-4
        )


def test_neighbours_in_a_batch_change_nothing(model, x):
    """Questions and answers of other lengths are filled up, which must not be seen."""
    alone = [nll(model, x[[row]], [QUESTIONS[row]], [ANSWERS[row]])[0] for row in range(4)]
    torch.testing.assert_close(nll(model, x, QUESTIONS, ANSWERS)[0], torch.cat(alone), atol=1e-4, rtol=0)
    said = [model.answer(x[[row]], [QUESTIONS[row]], 4)[0] for row in range(4)]
    assert model.answer(x, QUESTIONS, 4) == said


def test_an_answer_is_the_likeliest_word_after_the_other(model, x):
    """By hand: each next token from the logits of all before it."""
    tokenizer = model.shared.processor.tokenizer
    text = ""
    for _ in range(3):
        logits, *_ = model.answer_logits(x[:1], QUESTIONS[:1], [f"{text} red"])
        text = f"{text} {tokenizer.decode(logits[0, len(text.split())].argmax())}".strip()
    assert model.answer(x[:1], QUESTIONS[:1], 3) == [text]


def test_images_and_what_precedes_a_question_count(model, x):
    before = nll(model, x, QUESTIONS, ANSWERS)[0]
    assert (nll(model, x.flip(0), QUESTIONS, ANSWERS)[0] - before).abs().max() > 1e-4
    model.preamble = "please"
    assert "please what colour" in model.shared.prompt("please what colour is it ?")
    assert (nll(model, x, QUESTIONS, ANSWERS)[0] - before).abs().max() > 1e-3


def test_without_an_image(model, x):
    """The text alone, as its language model would go on with it."""
    found, _ = nll(model, None, QUESTIONS, ANSWERS)
    assert "image" not in model.shared.prompt(QUESTIONS[0], False)
    assert (found - nll(model, x, QUESTIONS, ANSWERS)[0]).abs().max() > 1e-4
    tokenizer = model.shared.processor.tokenizer
    whole = tokenizer(f"user {QUESTIONS[3]} : {ANSWERS[3]} {tokenizer.eos_token}", return_tensors="pt")
    labels = whole["input_ids"].clone()
    labels[:, :-4] = -100
    assert found[3].item() == pytest.approx(4 * model.net(**whole, labels=labels).loss.item(), abs=1e-4)


def test_there_is_a_gradient_to_weights_and_to_pixels(model, x):
    """Through the processors' scaling, cropping and tiling, too: compared with a difference quotient."""
    x.requires_grad_()
    loss = nll(model, x, QUESTIONS, ANSWERS)[0].sum()
    loss.backward()
    assert x.grad.flatten(1).norm(dim=1).min() > 0
    assert model.net.get_parameter(
        f"{model.projector}.{'weight' if _is_mllama(model) else 'linear_1.weight'}"
    ).grad.any()
    with torch.no_grad():
        step = x.grad / x.grad.norm()
        ahead, behind = (nll(model, x + sign * step, QUESTIONS, ANSWERS)[0].sum() for sign in (0.05, -0.05))
    assert ((ahead - behind) / 0.1).item() == pytest.approx(x.grad.norm().item(), rel=0.1)


def test_what_the_projector_puts_out(model, x):
    """4 patches of one picture; of two tiles, 4 patches and the class token of each; no empty tile."""
    before = nll(model, x, QUESTIONS, ANSWERS)[0]
    seen = model.projected(x)
    assert seen.shape == ((4, 2 * 5, 16) if _is_mllama(model) else (4, 4, 16))
    whole: list[torch.Tensor] = []
    hook = model.net.get_submodule(model.projector).register_forward_hook(lambda m, i, o: whole.append(o))
    with hook:
        assert torch.equal(nll(model, x, QUESTIONS, ANSWERS)[0], before)  # to look has changed nothing
    torch.testing.assert_close(seen, whole[0].reshape(4, -1, 16)[:, : seen.shape[1]])


def test_an_edit_where_the_projector_reads_is_seen(model, x):
    before = nll(model, x, QUESTIONS, ANSWERS)[0]  # a forward first: transformers' own hooks are there by now
    for layer in (model.vision_layer, model.projector):
        with edited(model, layer):
            assert (nll(model, x, QUESTIONS, ANSWERS)[0] - before).abs().max() > 1e-3
    assert torch.equal(nll(model, x, QUESTIONS, ANSWERS)[0], before)


def test_llava_does_not_read_its_last_vision_layer(llava, x):
    assert llava.vision_layer == "model.vision_tower.encoder.layers.1"
    assert llava.leading(llava.vision_layer) == 1
    assert llava.leading(llava.projector) == 0
    assert llava.activations(llava.vision_layer, x).shape == (4, 4, 16)
    before = nll(llava, x, QUESTIONS, ANSWERS)[0]
    with edited(llava, "model.vision_tower.encoder.layers.2"):
        assert torch.equal(nll(llava, x, QUESTIONS, ANSWERS)[0], before)


def test_mllama_reads_several_of_its_vision_layers(tmp_path, x):
    """What it joins: the output of the global layers and the layers of `intermediate_layers_indices`."""
    mllama = built(mllama_folder(tmp_path), SIZE)
    assert mllama.vision_layer == mllama.projector == "model.multi_modal_projector"
    before = nll(mllama, x, QUESTIONS, ANSWERS)[0]
    for layer in ("transformer.layers.0", "transformer.layers.2", "global_transformer.layers.0"):
        with edited(mllama, f"model.vision_model.{layer}"):
            assert not torch.equal(nll(mllama, x, QUESTIONS, ANSWERS)[0], before)


def test_an_edit_of_the_class_token_alone_is_not_read(llava, x):
    """What `leading` says is at the front of the layer is cut off before the projector."""
    before = nll(llava, x, QUESTIONS, ANSWERS)[0]

    def change(module, arguments, output):
        return torch.cat([output[:, :1] + 9, output[:, 1:]], dim=1)

    with llava.net.get_submodule(llava.vision_layer).register_forward_hook(change, prepend=True):
        assert torch.equal(nll(llava, x, QUESTIONS, ANSWERS)[0], before)


def test_a_layer_that_is_not_run_is_told_of(llava, x):
    with pytest.raises(InputError, match=r"'model\.vision_tower\.encoder\.layers' is not run by the model"):
        llava.activations("model.vision_tower.encoder.layers", x)


def test_a_copy_shares_the_processor_alone(model, x):
    copy = deepcopy(model)
    assert copy.shared is model.shared
    before = nll(model, x, QUESTIONS, ANSWERS)[0]
    with torch.no_grad():
        copy.net.lm_head.weight.mul_(2)
    assert torch.equal(nll(model, x, QUESTIONS, ANSWERS)[0], before)
    assert (nll(copy, x, QUESTIONS, ANSWERS)[0] - before).abs().max() > 1e-3


def test_weights_that_accelerate_has_placed_stay_and_are_copied(model, x):
    before = nll(model, x, QUESTIONS, ANSWERS)[0]
    places = {name: "cpu" for name, _ in model.net.model.named_children()}
    places = {f"model.{name}": place for name, place in places.items()} | {"lm_head": "cpu"}
    model.net = dispatch_model(model.net, places, main_device="cpu", force_hooks=True)
    copy = deepcopy(model)
    assert copy.to(torch.float64) is copy
    assert copy.net.dtype == torch.float32
    torch.testing.assert_close(nll(copy, x, QUESTIONS, ANSWERS)[0], before)
    with torch.no_grad():
        copy.net.lm_head.weight.mul_(2)
    torch.testing.assert_close(nll(model, x, QUESTIONS, ANSWERS)[0], before)


def test_the_longest_text(model):
    """start, user, image, question (4), colon, answer (7), end; LLaVA's image is 4 tokens."""
    assert model.longest(SIZE) == (1 + 1 + 1 + 4 + 1 + 7 + 1) + (0 if _is_mllama(model) else 3)
    inputs = model.inputs(torch.rand(1, 3, *SIZE), QUESTIONS[2:3])
    assert model.longest(SIZE) == inputs["input_ids"].shape[1] + 8


def test_a_delta_goes_into_a_model_of_transformers(model, folder, tmp_path, x):
    """In one line, under transformers' own names."""
    changed = deepcopy(model)
    names = ["lm_head.weight", next(n for n, _ in model.net.named_parameters() if "projector" in n)]
    with torch.no_grad():
        for name in names:
            changed.net.get_parameter(name).add_(0.1)
    save_delta(tmp_path / DELTA, changed, model, {"method": "any"})
    assert set(load_file(tmp_path / DELTA)) == set(names)
    plain = AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32)
    load_delta(plain, tmp_path / DELTA)
    assert torch.equal(plain.lm_head.weight, changed.net.lm_head.weight)
    again = built(folder, SIZE, delta=tmp_path / DELTA)
    expected = nll(changed, x, QUESTIONS, ANSWERS)[0]
    torch.testing.assert_close(nll(again, x, QUESTIONS, ANSWERS)[0], expected)
    with torch.no_grad():
        again.net.model.language_model.norm.weight.add_(0.1)
    save_delta(tmp_path / "second.safetensors", again, built(folder, SIZE, delta=tmp_path / DELTA), {})
    assert set(load_file(tmp_path / "second.safetensors")) == {*names, "model.language_model.norm.weight"}


def test_an_exported_folder_does_not_say_what_was_asked_before(model, tmp_path, x):
    """Else the bits of an original that was resumed would depend on its last batch."""
    model.export(tmp_path / "before")
    answers = [f"{answer} {answer}" if row else answer for row, (_, answer) in enumerate(PAIRS[:2])]
    model.answer_logits(x[:2], [question for question, _ in PAIRS[:2]], answers)
    model.export(tmp_path / "after")
    files = [tmp_path / name / "model" / "tokenizer.json" for name in ("before", "after")]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_an_exported_folder_is_read_again(model, tmp_path, x):
    with torch.no_grad():
        model.net.lm_head.weight.add_(0.1)
    model.export(tmp_path)
    again = built(tmp_path / "model", SIZE)
    torch.testing.assert_close(nll(again, x, QUESTIONS, ANSWERS)[0], nll(model, x, QUESTIONS, ANSWERS)[0])


def test_a_likelihood_counts_the_masked_tokens_alone(llava, x):
    logits, tokens, mask = llava.answer_logits(x, QUESTIONS, ANSWERS)
    assert mask.sum(1).tolist() == [2, 2, 8, 4]
    total, count = nll(llava, x, QUESTIONS, ANSWERS)
    assert count.tolist() == [2, 2, 8, 4]
    assert total[3].item() == pytest.approx(cross_entropy(logits[3, :4], tokens[3, :4]).item() * 4, rel=1e-5)


def _is_mllama(model) -> bool:
    return model.net.config.model_type == "mllama"
