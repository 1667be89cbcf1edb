"""Wrong input to CLIP, through the real command: one line, exit code 2, nothing written."""

import pytest

SMALL = (
    "data.subset=null",
    "data.images=10",
    "data.size=16",
    "data.colours=[red]",
    "data.textures=[plain]",
    "data.shapes=[circle,square]",
    "train.max_steps=2",
    "model.layers=2",
    "model.text_layers=1",
)
FITTING = ("forget.shots=1", "method.depth=2", "method.instance_layer=2")
CASES = [
    # the domains
    ("forget.domains=[scetch]", "forget.domains: no domain 'scetch'; did you mean 'sketch'?"),
    (
        "forget.domains=[photo,painting,cartoon,sketch]",
        "forget.domains: all 4 domains; leave one of cartoon, ",
    ),
    ("forget.domains=[]", "forget.domains: list should have at least 1 item"),
    ("forget.domains=all_subsets", "forget.domains: "),
    ("forget.domains=[all_subsets]", "forget.domains: all_subsets is for a sweep; add -m, or name domains"),
    (
        "forget.shots=99",
        " training images of circle in cartoon; give that many at most, or null for all",
    ),
    ("forget.shots=0", "forget.shots: input should be greater than 0"),
    ("forget.held_out=[circel]", "forget.held_out: no class 'circel'; did you mean 'circle'?"),
    ("forget.held_out=[0,1]", "forget.held_out: all classes; leave one at least to learn from"),
    ("forget.column=domian", "forget.column: no column 'domian' in shapes; there is "),
    ("forget.drop=2", "forget.drop: input should be less than or equal to 1"),
    # captions and templates
    ("eval.caption='a {mood} {label}'", "eval.caption: no column 'mood'; there is"),
    ("task.captions=['a {domian}']", "task.captions: no column 'domian'; did you mean 'domain'?"),
    (
        "eval.templates=['a picture']",
        "eval.templates: 'a picture' has not one {} for the class; as in 'a {}'",
    ),
    ("model.template=photo", "model.template: 'photo' has not one {} for the class"),
    # what does not fit
    (
        "forget=random",
        "forget: nothing of the test set is wholly forgotten, so there is no For; use forget=dom",
    ),
    ("method=uce", "method: 'uce' does not fit task=clip"),
    ("method.depth=3", "method.depth: 3, but the model's visual tower has 2 blocks; give 1 to 2"),
    (
        "method.instance_layer=3",
        "method.instance_layer: 3, but the model's visual tower has 2 blocks; give 1 to 2",
    ),
    (
        "method.text_prompts=4 method.text_depth=2",
        "method.text_depth: 2, but the model's text tower has 1 blocks",
    ),
    ("model.patch_size=5", "model.patch_size: 5 does not divide images of 16 x 16; give a divisor"),
    # a ready model
    (
        "model=clip_vit_b16",
        "model.name: the hub cannot be reached for 'ViT-B-16-quickgelu' and it is not in the",
    ),
    (
        "model=clip model.name=ViT-B-16",
        "model.name: the weights 'openai' were trained with QuickGELU, and ViT-B-16",
    ),
    (
        "model=clip model.name=RN50",
        "model.name: the vision tower of 'RN50' is a ResNet; only open_clip's own",
    ),
    (
        "model=clip model.name=./nowhere",
        "model.name: no such folder './nowhere'; give a name of open_clip with",
    ),
    (
        "model=clip_vit_b16 method=retrain",
        "method: model=clip_vit_b16 is ready-made, and cannot be retrained",
    ),
    (
        "model=clip_vit_b16 oracle.count=2",
        "oracle.count: 2 oracles, and the run is compared with none; set oracle.count=1",
    ),
    ("model=clip_vit_b16 oracle=true", "oracle: model=clip_vit_b16 is ready-made"),
]


@pytest.mark.parametrize(("wrong", "said"), CASES, ids=[wrong for wrong, _ in CASES])
def test_it_is_refused(refused, monkeypatch, tmp_path, wrong, said):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))  # an empty one
    words = [wrong] if "'" in wrong else wrong.split()
    groups = {word.partition("=")[0] for word in words if "." not in word.partition("=")[0]}
    given = [key for key in (*SMALL, *FITTING) if key.partition(".")[0] not in groups]
    assert said in refused("task=clip", *given, *words)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            "task=classification method=adu",
            "method: 'adu' does not fit task=classification (it needs embedded)",
        ),
        (
            "task=classification forget=domain method=ga",
            "forget.column: no column 'domain' in digits; there is",
        ),
        (
            "task=classification model=tiny_clip method=ga",
            "model: 'tiny_clip' does not fit task=classification",
        ),
        ("task=clip data=office_home", "data.path: not set; give"),
        ("task=clip data=office_home data.path=./nowhere", "data.path: no such folder './nowhere'; give"),
        ("task=clip data=pacs data.domains=[photo]", "data.domains: tuple should have at least 2 items"),
    ],
)
def test_what_does_not_go_together(refused, arguments, said):
    assert said in refused(*arguments.split())
