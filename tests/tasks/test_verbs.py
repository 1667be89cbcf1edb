"""What tasks claim to offer is what they have, no more and no less."""

import pytest

from unlearn_cli.config.protocols import lacking, members, spelt
from unlearn_cli.models.capabilities import WithHead
from unlearn_cli.tasks.classification import Classification
from unlearn_cli.tasks.clip import Clip
from unlearn_cli.tasks.generation import Generation
from unlearn_cli.tasks.text_to_image import TextToImage
from unlearn_cli.tasks.verbs import base, classification, clip, diffusion, vlm
from unlearn_cli.tasks.verbs.base import HasLoss, Task
from unlearn_cli.tasks.verbs.classification import ClassificationVerbs, HasHead
from unlearn_cli.tasks.verbs.clip import ClipVerbs
from unlearn_cli.tasks.verbs.diffusion import GenerationVerbs, TextToImageVerbs
from unlearn_cli.tasks.verbs.vlm import Answers, VlmVerbs
from unlearn_cli.tasks.vlm import Vlm

CLAIMS = {
    Classification: ClassificationVerbs,
    Clip: ClipVerbs,
    Generation: GenerationVerbs,
    TextToImage: TextToImageVerbs,
    Vlm: VlmVerbs,
}
CAPABILITIES = {
    kind
    for module in (base, classification, clip, diffusion, vlm)
    for kind in vars(module).values()
    if isinstance(kind, type) and members(kind)
}


@pytest.mark.parametrize("task", CLAIMS)
def test_a_task_claims_every_capability_that_it_has(task):
    """mypy verifies that it has what it claims; this, that nothing it has is left out of the claim."""
    has = {*dir(task), *task.model_fields}
    for capability in CAPABILITIES:
        names = {name for part in members(capability).values() for name in part}
        if names <= has:
            assert names <= {name for part in members(CLAIMS[task]).values() for name in part}, capability


def test_members_stand_under_their_protocol_methods_first():
    assert members(HasLoss) == {"HasLoss": ["loss"]}
    assert list(members(Task)) == ["Task", "HasLoss", "HasLosses", "Glances"]
    assert members(Answers)["Answers"][-1] == "batch_size"
    assert members(object) == members(Classification) == {}


def test_what_is_lacking_stands_under_its_protocol():
    assert lacking(Classification, ClassificationVerbs) == {}
    assert lacking(Clip, HasHead) == {"HasHead": ["widen_head", "narrow_head"]}


def test_members_are_spelt_as_they_are_written():
    assert spelt(WithHead, "head") == "head: Linear"
    assert spelt(WithHead, "widen_head") == "widen_head(extra: int) -> None"
    assert spelt(Answers, "batch_size") == "batch_size: int"
