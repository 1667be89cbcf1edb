"""The tiny LLaVA that is trained from nothing: its sizes, its words, and what does not fit."""

import pytest
import torch
from tiny_vlm import TINY
from tiny_vlm_folders import nll

from unlearn_cli.data.image_spec import ImageSpec
from unlearn_cli.errors import InputError
from unlearn_cli.models.vlm.tiny_vlm import TinyVlm, word_tokenizer

WORDS = ("i do not know",)
CLASSES = ["what colour is it ? → red", "describe it → a red circle"]
MEAN, STD = (0.1, 0.2, 0.3), (0.4, 0.5, 0.8)


def built(size: tuple[int, int] = (8, 8), channels: int = 3, **changes):
    torch.manual_seed(0)
    settings = TinyVlm(**TINY | {"words": WORDS} | changes)
    return settings.build(ImageSpec(CLASSES, channels, size, MEAN[:channels], STD[:channels])).eval()


def test_an_image_is_its_patches_and_is_normalised_with_the_datas_values():
    model = built()
    x = torch.rand(2, 3, 8, 8, generator=torch.manual_seed(1))
    inputs = model.inputs(x, ["what colour is it ?", "describe it"])
    expected = (x - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)
    torch.testing.assert_close(inputs["pixel_values"], expected)
    assert (inputs["input_ids"] == model.net.config.image_token_id).sum(1).tolist() == [4, 4]
    assert inputs["attention_mask"].sum(1).tolist() == [4 + 5 + 1, 4 + 2 + 1]  # patches, words, colon
    assert model.projected(x).shape == (2, 4, 16)
    assert model.vision_layer == "model.vision_tower.encoder.layers.1"
    assert model.reads(model.vision_layer)
    assert not model.reads("model.vision_tower.encoder.layers.2")


def test_the_same_seed_gives_the_same_weights():
    first, again = built(), built()
    assert all(map(torch.equal, first.state_dict().values(), again.state_dict().values()))


def test_every_word_is_a_token_and_others_are_unknown():
    tokenizer = word_tokenizer(["a red circle", "red ?"])
    numbers = tokenizer("a red circle ? : green").input_ids
    assert len(set(numbers)) == 6
    assert tokenizer.decode(numbers[:3]) == "a red circle"
    assert numbers[-1] == tokenizer.unk_token_id
    model = built()
    known = model.shared.processor.tokenizer
    assert known.unk_token_id not in known("i do not know what colour a red circle is").input_ids


def test_an_answer_ends_by_itself():
    model = built()
    tokens, mask = model.shared.tokens(["red", "a red circle"])
    end = model.shared.processor.tokenizer.eos_token_id
    assert mask.sum(1).tolist() == [2, 4]
    assert tokens[0, 1] == end
    assert tokens[1, 3] == end
    likeliest = iter(model.shared.processor.tokenizer("red circle").input_ids[:1] + [end] + [0] * 9)

    def said_next(module, arguments, logits):
        return torch.nn.functional.one_hot(
            torch.full(logits.shape[:-1], next(likeliest)), logits.shape[-1]
        ).float()

    with model.net.lm_head.register_forward_hook(said_next):
        assert model.answer(torch.rand(2, 3, 8, 8), ["describe it"] * 2, 5) == ["red", "red"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"channels": 1}, r"^data: images of 1 channel\(s\), but a LLaVA takes 3"),
        ({"patch_size": 3}, r"^model\.patch_size: 3 does not divide images of 8 x 8"),
        ({"size": (8, 12)}, r"^model\.patch_size: 4 does not divide images of 8 x 12"),
        ({"heads": 3}, r"^model\.heads: 3 does not divide model\.width=16"),
        ({"tokens": 12}, r"^model\.tokens: 12, but image, question and answer take 13; give as many"),
    ],
)
def test_what_does_not_fit(changes, told):
    with pytest.raises(InputError, match=told):
        built(**changes)


def test_as_many_tokens_as_it_takes_are_enough():
    """7 words and the arrow's place for 'what colour is it ? : red', 4 patches, and the end."""
    model = built(tokens=13)
    assert model.longest((8, 8)) <= 13
    found, _ = nll(model, torch.rand(1, 3, 8, 8), ["what colour is it ?"], ["red"])
    assert found.isfinite().all()
