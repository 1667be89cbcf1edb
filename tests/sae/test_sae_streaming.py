"""Activations in buffers: which tokens are seen when, and that a killed training goes on as if it lived."""

import numpy as np
import pytest
import torch
from sae_parts import ACTIVATIONS, ADAM, autoencoder, planted

from unlearn_cli.errors import InputError
from unlearn_cli.sae.autoencoder import SparseAutoencoder
from unlearn_cli.sae.streaming import Streamed
from unlearn_cli.sae.training import train_autoencoder
from unlearn_cli.training.optim import Recipe
from unlearn_cli.training.trainer import Trainer

IMAGES, TOKENS = 60, 9
X = planted(IMAGES * TOKENS)[0].view(IMAGES, TOKENS, 16)
CPU = torch.device("cpu")


class Counted:
    """The reading of tokens, with a record of the rows that were asked for."""

    def __init__(self):
        self.rows = []

    def __call__(self, rows):
        self.rows.append(rows.tolist())
        return X[rows]

    @property
    def images(self):
        return [row for rows in self.rows for row in rows]


def streamed(buffer=64, **changes):
    values = {
        "images": np.arange(IMAGES),
        "read": Counted(),
        "reads": 5,
        "tokens": 4,
        "seed": 0,
        "device": CPU,
    }
    return Streamed(**values | {"buffer": buffer} | changes)


def served(stream, epoch, batch_size=10):
    plan = stream.feed(epoch, batch_size, 0)
    return plan, [batch.x for batch in stream.batches(plan, None, None)]


def images_of(tokens):
    """Which images tokens (n, 16) are of."""
    return [int((token == X).all(-1).any(-1).nonzero()) for token in tokens]


def test_an_epoch_sees_so_many_tokens_of_every_image_buffer_by_buffer():
    stream = streamed()
    plan, batches = served(stream, 0)
    assert stream.buffers == 4  # of 15 images, 60 tokens
    assert [step[1] for step in plan] == [number for number in range(4) for _ in range(6)]
    assert [len(batch) for batch in batches] == [10] * 24
    assert len(torch.cat(batches).unique(dim=0)) == IMAGES * 4  # none twice
    found = images_of(torch.cat(batches))
    assert sorted(found) == sorted(list(range(IMAGES)) * 4)
    assert sorted(set(found[:60])) == sorted(stream.read.images[:15])
    assert all(len(set(images_of(batch))) > 4 for batch in batches)  # shuffled
    assert max(map(len, stream.read.rows)) == 5
    assert sorted(stream.read.images) == list(range(IMAGES))  # each read once


def test_epochs_and_seeds_differ_and_the_same_are_the_same():
    one, again, other = streamed(), streamed(), streamed(seed=1)
    first = torch.cat(served(one, 0)[1])
    assert torch.equal(torch.cat(served(again, 0)[1]), first)
    assert not torch.equal(torch.cat(served(one, 1)[1]), first)
    assert not torch.equal(torch.cat(served(other, 0)[1]), first)


def test_what_fits_in_one_buffer_is_read_once_and_shuffled_each_epoch():
    stream = streamed(buffer=IMAGES * 4)
    epochs = [torch.cat(served(stream, epoch)[1]) for epoch in range(3)]
    assert len(stream.read.images) == IMAGES
    assert not torch.equal(epochs[0], epochs[1])
    assert torch.equal(epochs[0].unique(dim=0), epochs[2].unique(dim=0))


def test_a_later_step_reads_its_own_buffer_alone():
    whole, late = streamed(), streamed()
    plan, batches = served(whole, 2)
    found = [batch.x for batch in late.batches(plan[20:], None, None)]
    assert all(torch.equal(a, b) for a, b in zip(found, batches[20:], strict=True))
    assert len(late.read.images) == 15


def test_no_more_than_one_buffer_is_held():
    stream = streamed()
    served(stream, 0)
    assert stream.sample().shape == (60, 16)


def test_more_tokens_than_an_image_has_are_refused():
    with pytest.raises(InputError, match="10 tokens of each image are asked for, it has 9"):
        streamed(tokens=10).sample()


@pytest.mark.parametrize(
    ("activation", "buffer"), [*((kind, 64) for kind in ACTIVATIONS), ("topk", IMAGES * 4)]
)
def test_a_killed_training_goes_on_bit_for_bit(compute, tmp_path, buffer, activation):
    recipe = Recipe(**ADAM | {"epochs": 3, "batch_size": 16, "ema": 0.9})

    def trained(folder, read):
        trainer = Trainer(None, None, compute, 0, tmp_path / folder, checkpoint_minutes=0)
        sae = autoencoder(activation=activation, dead_after=20)
        train_autoencoder(sae, streamed(buffer, read=read), recipe, trainer)
        return sae.state_dict(), trainer.history

    class Killed(Exception):
        pass

    def read(rows):
        return X[rows]

    whole, history = trained("whole", read)
    loss, steps = SparseAutoencoder.loss, []

    def dying(self, x):
        steps.append(x)
        if len(steps) == 30:
            raise Killed
        return loss(self, x)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SparseAutoencoder, "loss", dying)
        with pytest.raises(Killed):
            trained("killed", read)
    counted = Counted()
    resumed, rows = trained("killed", counted)
    assert all(torch.equal(resumed[name], value) for name, value in whole.items())
    assert rows == history
    # 16 steps an epoch, 4 a buffer: the 30th is in the last buffer of the second epoch
    assert len(counted.images) == (15 + IMAGES if buffer == 64 else IMAGES)


def test_a_stream_trains_as_well_as_what_is_resident(compute, tmp_path):
    recipe = Recipe(**ADAM | {"epochs": 20, "batch_size": 32, "schedule": "cosine"})

    def fvu(data, name):
        trainer = Trainer(None, None, compute, 0, tmp_path / name)
        train_autoencoder(autoencoder(k=4), data, recipe, trainer)
        assert {"fvu", "l0", "dead", "loss/reconstruction"} <= trainer.history[-1].keys()
        return trainer.history[-1]["fvu"]

    resident, stream = fvu(X.flatten(0, 1), "resident"), fvu(streamed(tokens=9, buffer=135), "streamed")
    assert stream == pytest.approx(resident, rel=0.3)
    assert stream < 0.15
