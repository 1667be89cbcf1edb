"""What layers read, and that looking changes nothing."""

import torch
from planted import original
from torch import nn

from unlearn_cli.evaluation.hidden.features import EMBEDDING, last_read, layers_read


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.norm, self.head = nn.Conv2d(1, 2, 2), nn.BatchNorm2d(2), nn.Linear(2, 3)

    def widen_head(self, extra):
        raise NotImplementedError

    narrow_head = widen_head

    def forward(self, x):
        return self.head(self.norm(self.first(x)).relu().flatten(1))


class Embeds(nn.Module):
    """As a CLIP: a tower of texts, too, which an image does not go through."""

    def __init__(self):
        super().__init__()
        self.visual, self.text = nn.Linear(4, 4), nn.Linear(4, 4)

    def image_features(self, x):
        return self.visual(self.visual(x.flatten(1)))

    def text_features(self, texts):
        return self.text(torch.ones(len(texts), 4))

    def prompt(self, name, template=None):
        return name


def test_the_head_reads_what_all_before_it_gives():
    model, x = original(), torch.rand(5, 1, 2, 2)
    assert torch.equal(last_read(model, x), x.flatten(1))
    assert not layers_read(model, x, len)  # its only layer reads the image


def test_a_layer_reads_what_is_normalised_and_rectified():
    model, x = Small(), torch.rand(5, 1, 2, 2)
    found = layers_read(model, x, lambda read: read)
    assert list(found) == ["head"]
    assert torch.equal(found["head"], last_read(model, x))
    assert (found["head"] >= 0).all()


def test_looking_at_a_model_in_train_mode_changes_nothing():
    """Batch norms count in train mode; a model from the store is in it."""
    model, x = Small().train(), torch.rand(5, 1, 2, 2)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    for look in (last_read(model, x), layers_read(model.train(), x, lambda read: read)["head"]):
        assert torch.equal(look, last_read(model, x))
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_of_a_clip_the_vision_tower_and_its_embedding():
    model, x = Embeds(), torch.rand(5, 1, 2, 2)
    assert list(layers_read(model, x, len)) == [EMBEDDING]
    assert torch.equal(last_read(model, x), model.image_features(x))
