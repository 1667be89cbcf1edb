"""Wrong input to a vision-language model, through the real command: one line, code 2, nothing written."""

import re

import pytest

SMALL = (
    "data.subset=null",
    "data.images=10",
    "data.size=16",
    "data.colours=[red,blue]",
    "data.textures=[plain]",
    "data.shapes=[circle,square]",
    "model.patch_size=8",
    "model.width=16",
    "model.heads=2",
    "model.layers=3",
    "model.text_layers=1",
    "train.max_steps=2",
)
LAST, READ = "model.vision_tower.encoder.layers.2", "model.vision_tower.encoder.layers.1"
CASES = [
    # the concept
    ("forget.concept=redd", "forget.concept: no answer with 'redd'; did you mean 'red'?"),
    ("forget.concept=[red,sqare]", "forget.concept: no answer with 'sqare'; did you mean 'square'?"),
    ("forget.concept='a red'", "no validation question has 'a red' for its whole answer, or all have"),
    ("forget.concept='a red' method=ga", "forget.concept: it is the whole answer to no question"),
    ("forget.concept=[red,blue]", "eval.images: no test image without the concept is left"),
    ("forget.concept=plain", "data.val_fraction: no validation question has 'plain' for its whole answer"),
    ("forget.concept=[]", "forget.concept: list should have at least 1 item"),
    ("forget=class forget.classes=[0]", "forget: no concept is named, so nothing can be asked about it; use"),
    ("forget=random method=ga", "forget: no concept is named, so nothing can be asked about it; use forget"),
    # where and how it is edited
    (f"method.layers=[{READ}x]", f"method.layers: the model has no '{READ}x'; did you mean '{READ}'?"),
    (f"method.layers=[null,{LAST}]", f"method.layers: nothing reads what '{LAST}' puts out; leave it null "),
    (
        "method=leace method.layers=[nowhere]",
        f"method.layers: the model has no 'nowhere'; leave it null for '{READ}'",
    ),
    ("method.layers=[]", "method.layers: tuple should have at least 1 item"),
    ("data.val_fraction=0", "data.val_fraction: no validation question has 'red' for its whole answer"),
    ("data.val_fraction=0 method=leace", "data.val_fraction: no validation question has 'red' for its whole"),
    ("method.train_tokens=0", "method.train_tokens: input should be greater than 0"),
    ("method.k=[1,65] method.dictionary.expansion=4", "method.k: 65 of 64 features; give fewer"),
    ("method.k=[0]", "method.k.0: input should be greater than 0"),
    ("method.k=[]", "method.k: tuple should have at least 1 item"),
    ("method.dictionary.k=129", "dictionary.k: 129 of 64 latents; give fewer, or a larger dictionary.expa"),
    ("method.pretrained=nowhere", "nowhere: no sparse autoencoder there; one of "),
    ("method=saeuron", "method: 'saeuron' does not fit task=vlm (it needs activations); those that do: "),
    # the edits of another run
    ("method=transfer", "method.path: missing; set method.path=…"),
    ("method=transfer method.path=nowhere", "method.path: no edits in 'nowhere'; give the folder of a run"),
    ("method=prompt_suppression method.text=", "method.text: string should have at least 1 character"),
    # adapters
    ("lora=lora", "lora: the method trains nothing, so there is nothing to adapt; set lora=none"),
    ("lora=lora method=prompt_suppression", "lora: the method trains nothing, so there is nothing to adapt"),
    ("lora=lora method=ga lora.targets=[q_prj]", "lora.targets: "),
    # the questions
    ("task.questions.colour.answer='{color}'", "task.questions.colour.answer: no column 'color'; did you me"),
    ("task.questions.colour.ask='what {kind}?'", "task.questions.colour.ask: no column 'kind'; there is "),
    ("task.questions.colour.answer='{colour:>3}'", "give no more than a column's name in braces"),
    ("task.questions.colour.answer=''", "task.questions.colour.answer: string should have at least 1 char"),
    ("task.questions.colour.ask='a → b?'", "' has ' → ' beside that between the two"),
    ("task.refusals=[]", "task.refusals: tuple should have at least 1 item"),
    # the evaluation
    ("eval.images=1", "eval.images: no test image without the concept is left to be asked about it; give"),
    ("eval.images=1 forget.concept=blue method=ga", "eval.images: no test image with the concept is left"),
    ("eval.images=0", "eval.images: input should be greater than 0"),
    ("eval.pixels.epsilon=2", "eval.pixels.epsilon: input should be less than or equal to 1"),
    # the model
    ("model.patch_size=5", "model.patch_size: 5 does not divide images of 16 x 16; give a divisor of a"),
    ("model.tokens=10", "model.tokens: 10, but image, question and answer take 18; give as many"),
    ("model.heads=3", "model.heads: 3 does not divide model.width=16; give a divisor"),
    ("model.layers=1", "model.layers: input should be greater than 1"),
]


@pytest.mark.parametrize(("wrong", "said"), CASES, ids=[wrong for wrong, _ in CASES])
def test_it_is_refused(refused, wrong, said):
    words = re.split(r" (?=[\w.]+=)", wrong)
    assert said in refused("task=vlm", *SMALL, *words)


def test_a_folder_that_is_no_autoencoder(refused, tmp_path):
    (tmp_path / "sae.safetensors").write_bytes(b"nothing")
    assert "sae.safetensors" in refused("task=vlm", *SMALL, f"method.pretrained={tmp_path}")


def test_a_run_that_has_left_no_edits(refused, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "config.yaml").write_text("method: {_target_: unlearn_cli.methods.original.Original}")
    said = refused("task=vlm", *SMALL, "method=transfer", f"method.path={folder}")
    assert said.startswith(f"method.path: no edits in '{folder}'")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            "task=classification data=digits forget=answer method=ga",
            "forget: digits asks no questions; forget=answer is for task=vlm",
        ),
        ("task=clip forget=answer", "forget: shapes asks no questions; forget=answer is for task=vlm"),
        ("task=vlm data=digits", "task.questions: none; give at least one, as in {label: {ask: …"),
        (
            "task=classification model=tiny_vlm",
            "model: 'tiny_vlm' does not fit task=classification; those that do: ",
        ),
        (
            "task=classification method=sauce",
            "method: 'sauce' does not fit task=classification (it needs answers, refusal_loss)",
        ),
        (
            "task=classification lora=lora lora.targets=[fc] method=ga mask=none",
            "lora: task=classification has no model for it; it is for task=vlm, set lora=none",
        ),
        ("task=vlm model=resnet18", "model: 'resnet18' does not fit task=vlm; those that do: "),
    ],
)
def test_what_does_not_go_together(refused, arguments, said):
    assert said in refused(*arguments.split())
