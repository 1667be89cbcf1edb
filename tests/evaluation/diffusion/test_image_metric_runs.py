"""A whole run on a small pipeline with the metrics that need no trained judge, and a judge from a folder."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from run_results import entries
from tiny_commands import PIPELINE
from tiny_pipeline import saved
from tiny_run import unlearn as results
from tiny_vision import saved_classifier, saved_clip
from transformers import AutoImageProcessor, AutoModelForImageClassification

from unlearn_cli.evaluation.diffusion import image_metrics, inception, lpips
from unlearn_cli.evaluation.meaning import MEANINGS

NAMES = ["parachute", "airplane", "cat", "dog"]
LABELS = ["parachute, chute", "airliner, airplane", "cat", "dog"]
COMMON = (
    *("task=text_to_image", "model=pipeline", "data=generated"),
    *("forget.concept=parachute", "forget.anchor=airplane"),
    *("+data.columns.thing=[parachute,airplane,dog]", "+data.columns.animal=[dog]"),
    *("eval.save_samples=true", "eval.images=3"),
)


class Brightness(torch.nn.Module):
    """Stands in for AlexNet's distance."""

    def update(self, one, other):
        self.found = (one - other).abs().mean()

    def compute(self):
        return self.found


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def run(outputs):
    """run(*arguments): the result of a run that erases the parachute from the pipeline."""
    folder, judge = saved(outputs / "pipe"), saved_classifier(outputs / "judge", LABELS)

    def result(*arguments, figures=False):
        (found,) = results(
            *COMMON,
            f"model.path={folder}",
            f"paths.outputs={outputs}",
            f"+eval.judges.thing={judge}",
            *arguments,
            figures=figures,
        )
        return found

    return result


def test_a_judge_from_a_folder_sees_what_its_classifier_sees(run, outputs):
    result = run("method=uce", figures=True)
    processor = AutoImageProcessor.from_pretrained(outputs / "judge")
    model = AutoModelForImageClassification.from_pretrained(outputs / "judge").eval()
    right = {}
    for file in sorted((Path(result["folder"]) / "samples").rglob("*.png")):
        with torch.no_grad():
            logits = model(**processor(Image.open(file), return_tensors="pt")).logits
        asked = next(i for i, name in enumerate(NAMES) if name in file.parent.name)
        right.setdefault(asked == 0, []).append(int(logits.argmax()) == asked)
    assert (len(right[True]), len(right[False])) == (2 * 3, 3 * 3)
    metrics = result["metrics"]
    assert metrics["UA"] == pytest.approx(100 - 100 * np.mean(right[True]))
    assert metrics["IRA"] == pytest.approx(100 * np.mean(right[False]))
    assert "CRA" not in metrics
    assert (Path(result["folder"]) / "figures" / "confusion_thing.png").exists()


def test_all_at_once_and_no_image_is_drawn_anew(run, outputs, monkeypatch):
    compared = []

    def distances(real, drawn, *_):
        compared.append((real.shape, drawn.shape))
        return {"FID": 1.0, "KID": 2.0}

    monkeypatch.setattr(lpips, "network", Brightness)
    monkeypatch.setattr(image_metrics, "network", Brightness)
    monkeypatch.setattr(inception, "inception", lambda weights: None)
    monkeypatch.setattr(inception, "inception_distances", distances)
    run("method=original")
    before = entries(outputs / "store", "outputs")
    clip = saved_clip(outputs / "clip")
    asked = (
        f"eval.clip={{model:'local-dir:{clip}',pretrained:null}}",
        "eval.lpips=true",
        "eval.inception=true",
    )
    result = run("method=uce", *asked)
    assert entries(outputs / "store", "outputs") == before
    metrics, original = result["metrics"], result["original"]
    names = {
        "CLIP_forget",
        "CLIP_retain",
        "CLIP_accuracy",
        "CLIP_error",
        "LPIPS_forget",
        "LPIPS_retain",
        "FID",
    }
    assert names <= metrics.keys() <= MEANINGS.keys()
    assert original["LPIPS_forget"] == original["LPIPS_retain"] == 0
    assert metrics["LPIPS_forget"] > 0
    # two images of each kept prompt were drawn as data, of which one is held out; three are drawn to judge
    assert set(compared) == {((3, 3, 16, 16), (3 * 3, 3, 16, 16))}
    record = json.loads((Path(result["folder"]) / "metrics.json").read_text())
    assert record["metrics"] == metrics


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (["eval.clip={model:ViT-B-33,pretrained:openai}"], "eval.clip: cannot load 'ViT-B-33'"),
        (["eval.clip={model:ViT-B-32}"], "eval.clip.pretrained: missing"),
        (["eval.nudenet={threshold:0.6}"], "eval.nudenet: the package is not installed"),
        (["eval.nudenet={threshold:2}"], "eval.nudenet.threshold: input should be less than or equal to 1"),
        (["+eval.judges.thing=nowhere/at_all"], "eval.judges: 'nowhere/at_all' cannot be opened"),
        (["+eval.judges.thin=nowhere"], "eval.columns, eval.judges: generated has no column 'thin'"),
        (
            ["eval/text_to_image@eval=shapes", "eval.columns=[animal]", "eval.attacked=[]"],
            "eval.columns: some prompts of generated ask for no 'animal'",
        ),
        (["eval.attacked=[relearn]"], "eval.attacked: an attack succeeds if a judge sees the concept"),
    ],
)
def test_what_will_not_do_is_told_in_one_line(run, outputs, unlearn, wrong, said):
    places = (f"model.path={outputs / 'pipe'}", f"paths.outputs={outputs}")
    end = unlearn(*PIPELINE, *COMMON, *places, "method=original", *wrong)
    assert end.code == 2
    assert end.error.startswith(said)
