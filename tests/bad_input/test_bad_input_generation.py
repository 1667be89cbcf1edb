"""Wrong input to generation, through the real command: one line, exit code 2, nothing written."""

import json
import shutil
from pathlib import Path

import pytest
from run_results import entries

NO_LABEL_DROP = "model.label_drop=0"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("forget.classes=[12]", "forget.classes: no class '12'; there is 0, 1, 2"),
        (
            "forget=random",
            "forget: generation is judged by whole classes, and none is wholly forgotten here;",
        ),
        ("forget.fraction=0.5", "forget: generation is judged by whole classes"),
        # guidance without label drop
        (
            f"method=ga {NO_LABEL_DROP}",
            "eval.sampler.guidance: needs a model that was trained with label drop",
        ),
        (
            f"method=salun {NO_LABEL_DROP}",
            "mask.guidance: guidance needs a model trained with label drop; set",
        ),
        (f"method=esd {NO_LABEL_DROP} eval.sampler.guidance=0", "method: ESD needs a model that was trained"),
        (
            f"method=sa {NO_LABEL_DROP} eval.sampler.guidance=0",
            "method.sampler.guidance: needs a model that was trained with label drop",
        ),
        # the model
        ("model.prediction=foo", "model.prediction: input should be 'epsilon', 'v_prediction' or 'sample'"),
        ("model.beta_schedule=foo", "model.beta_schedule: input should be 'linear', 'scaled_linear' or"),
        (
            "model.channels=[8,8,8,8,8] model.attention=[false,false,false,false,false]",
            "data.size: 8 x 8 pixels cannot be halved 4 times; give a multiple of 16, or fewer model.chan",
        ),
        ("model.attention=[true]", "model.attention: 1 values, but 2 levels; give one each"),
        ("model.groups=3", "model.groups: 3 does not divide 32 of model.channels; give a divisor"),
        ("model.head_dim=128", "model.head_dim: 128 does not divide 64 of model.channels"),
        ("model.head_dim=5", "model.head_dim: 5 does not divide 64 of model.channels"),
        ("model.label_drop=1", "model.label_drop: input should be less than 1"),
        # what is drawn, and who judges it
        ("eval.sampler.eta=2", "eval.sampler.eta: input should be less than or equal to 1"),
        (
            "eval.sampler.steps=1001",
            "eval.sampler.steps: 1001 does not divide model.timesteps=1000; 1000 does",
        ),
        (
            "method=esd method.sampler.steps=1001",
            "method.sampler.steps: 1001 does not divide model.timesteps=1000; 1000 does",
        ),
        ("eval.samples_per_class=1", "eval.samples_per_class: input should be greater than 1"),
        (
            "eval.samples_per_class=3 forget.classes=[0,1,2,3,4,5,6,7,8]",
            "eval.samples_per_class: 3 images of the retained classes are too few for precision and recall;",
        ),
        ("eval.judge.path=judge.pt", "eval.judge: checkpoint judge.pt: no such file"),
        ("eval.judge.model.nme=x", "eval.judge.model.nme: no such key"),
        (
            "eval.judge.model.name=small_cn",
            "eval.judge.model.name: timm has no model 'small_cn'; did you mean 'small_cnn'?",
        ),
        (
            "eval.judge.model.name=resnet34 eval.judge.model.pretrained=true",
            "eval.judge.model.pretrained: the weights of resnet34 are neither in",
        ),
        ("eval.judge.model.name=vgg16_bn", "eval.judge: data.size: vgg16_bn cannot take images of 8x8"),
        (
            "eval.inception=inception.pth",
            "eval.inception: Inception-v3's weights: cannot load inception.pth (",
        ),
    ],
    ids=lambda value: value if "=" in value else "",
)
def test_generation_names_what_is_wrong(refused, wrong, said):
    assert said in refused("task=generation", *wrong.split())


@pytest.fixture
def diffusion(run):
    """A finished run of generation, elsewhere."""
    return run("task=generation", "method=ft", "method.epochs=1", "method.max_steps=3")


@pytest.fixture
def judge_folder(diffusion, outputs, tmp_path):
    """A copy of that run's judge; the store has those of other data, too."""
    own = json.loads((Path(diffusion["folder"]) / "model.json").read_text())
    facts = {
        entry: json.loads((entry / "model.json").read_text()) for entry in entries(outputs / "store", "model")
    }
    (entry,) = [
        entry
        for entry, of in facts.items()
        if of["task"]["name"] == "classification"
        and of["model"]["class"].endswith("TimmSettings")
        and all(of[name] == own[name] for name in ("data", "split"))
    ]
    return Path(shutil.copytree(entry, tmp_path / "judge"))


class TestFilesForGeneration:
    def test_a_judge_of_other_classes(self, refused, judge_folder):
        facts = json.loads((judge_folder / "model.json").read_text())
        facts["class_names"] = ["cat", *facts["class_names"][1:]]
        (judge_folder / "model.json").write_text(json.dumps(facts))
        said = refused("task=generation", f"eval.judge.path={judge_folder}")
        assert said.startswith(
            f"eval.judge: checkpoint {judge_folder}: made from other facts: class_names is"
        )
        assert '"cat"' in said

    def test_a_judge_of_another_architecture(self, refused, judge_folder, diffusion):
        for path, *more in (
            (diffusion["folder"],),
            (judge_folder, "+eval.judge.model.options.width=8"),
        ):
            said = refused("task=generation", f"eval.judge.path={path}", *more)
            assert said.startswith(f"eval.judge: checkpoint {path}: another architecture, tensors differ:")

    def test_a_fitting_judge_is_taken(self, run, judge_folder, diffusion):
        command = ("task=generation", "method=ft", "method.epochs=1", "method.max_steps=3")
        assert run(*command, f"eval.judge.path={judge_folder}")["metrics"] == diffusion["metrics"]

    def test_a_checkpoint_of_another_unet(self, refused, diffusion):
        said = refused("task=generation", "method=checkpoint", f"method.path={diffusion['folder']}")
        assert said.startswith(
            f"method.path: checkpoint {diffusion['folder']}: another architecture, tensors differ:"
        )
        assert "give the model= that it was trained as" in said

    def test_a_checkpoint_of_another_task(self, refused, diffusion):
        said = refused("method=checkpoint", f"method.path={diffusion['folder']}")
        assert "another architecture" in said
