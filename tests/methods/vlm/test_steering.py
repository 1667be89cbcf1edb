"""Dense steering: what lies along a direction is taken out."""

import torch
from concept_erasure import LeaceFitter
from intervention_problem import patches, seen_images, steering, trials


def test_difference_takes_out_what_lies_along_the_means(tiny):
    model = tiny.model()
    (_, module), (_, turned) = trials(steering(alpha=[1.0, 2.0]), tiny, model)
    on, off = (patches(tiny, model, images).flatten(0, 1) for images in seen_images(tiny))
    u = torch.nn.functional.normalize(on.mean(0) - off.mean(0), dim=0)
    x = patches(tiny, model, range(12, 16))
    before = (x - off.mean(0)) @ u
    assert before.abs().mean() > 1e-2
    assert torch.allclose((x + module(x) - off.mean(0)) @ u, torch.zeros(4, 4), atol=1e-5)
    assert torch.allclose((x + turned(x) - off.mean(0)) @ u, -before, atol=1e-5)
    along = module(x) - (module(x) @ u)[..., None] * u
    assert torch.allclose(along, torch.zeros_like(x), atol=1e-5)


def test_leace_makes_the_means_of_both_coincide(tiny):
    model = tiny.model()
    ((_, module),) = trials(steering("leace"), tiny, model)
    on, off = (patches(tiny, model, images).flatten(0, 1) for images in seen_images(tiny))
    assert (on.mean(0) - off.mean(0)).norm() > 1e-2
    after = [x + module(x[None])[0] for x in (on, off)]
    assert torch.allclose(after[0].mean(0), after[1].mean(0), atol=1e-5)
    labels = torch.cat([torch.ones(len(on)), torch.zeros(len(off))])[:, None].double()
    eraser = LeaceFitter.fit(torch.cat([on, off]).double(), labels).eraser
    assert torch.allclose(torch.cat(after).double(), eraser(torch.cat([on, off]).double()), atol=1e-5)
