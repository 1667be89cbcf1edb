"""Every YAML in conf/ composes, passes all checks, and opens with a command that works."""

import re
import shlex
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from commands import first_run
from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from hydra.utils import get_class
from omegaconf import OmegaConf, open_dict
from tiny_commands import methods

from unlearn_cli.config.catalogue import conf_folder, fits, groups, options
from unlearn_cli.config.dormant import AS_EVER_IN, SEARCH
from unlearn_cli.config.protocols import lacking
from unlearn_cli.errors import InputError
from unlearn_cli.experiment import Experiment, read

CONF = conf_folder()
FILES = sorted(CONF.rglob("*.yaml"))
VALUES = [
    file
    for file in FILES
    if any((CONF / above).with_suffix(".yaml").exists() for above in file.relative_to(CONF).parents[:-1])
]
"""An option's values for one task or data set, in a folder beside it: no options of their own."""
GIVEN = (
    {
        "forget=group": ["forget.column=Male", "forget.values=[true]"],
        "forget=indices": ["forget.file=rows.txt"],
        "forget=where": ["forget.query=smiling"],
        "forget=request": ["forget.file=request.json"],
        "method=checkpoint": ["method.path=model.pt"],
        "method=transfer": ["method.path=RUN_FOLDER", "task=vlm"],
        "model=unet": ["task=generation"],
        "model=patched_unet": ["task=generation"],
        "model=diffusers": ["task=generation"],
        "model=tiny_sd": ["task=text_to_image"],
        "model=pipeline": ["task=text_to_image", "data=generated", "model.path=FOLDER"],
        **{f"model={name}": ["task=text_to_image", "data=generated"] for name in ("sd14", "sd15", "sd21")},
        "data=generated": ["task=text_to_image", "model=sd15"],
        "data=unlearn_canvas": ["task=text_to_image", "data.path=FOLDER"],
        "eval=generation": ["task=generation"],
        "eval=clip": ["task=clip"],
        **{f"model={name}": ["task=clip"] for name in ("tiny_clip", "clip", "clip_vit_b16")},
        "eval=vlm": ["task=vlm"],
        "model=vlm": ["task=vlm", "model.path=FOLDER"],
        **{f"model={name}": ["task=vlm"] for name in ("tiny_vlm", "llava15_7b", "llama32_11b_vision")},
    }
    | {
        f"method={name}": [f"task={task}"]
        for task in ("vlm", "clip", "text_to_image", "generation")
        for name in methods(task)
        if name not in methods("classification")
    }
    | {"forget=concept": ["task=text_to_image"], "eval=text_to_image": ["task=text_to_image"]}
    | {"method=transfer": ["task=vlm", "method.path=RUN_FOLDER"]}
)
WITHOUT_NUMBERS = (
    {
        f"worst_case/{name}"
        for name in ("celeba", "cifar10_release", "coreset", "ddpm_cifar10", "imagenet_class")
    }
    | {f"doco/{name}" for name in ("object", "style", "person", "nsfw", "memorised")}
    | {f"salun/{name}" for name in ("cifar10_fast", "cifar10_fast50", "cifar10_fast_class", "table1_fast")}
    | {"salun/imagenette", "salun/pacs", "salun/ddpm_cifar10_fast", "adu/domainnet", "adu/pacs"}
    | {f"sauce/{name}" for name in ("objects", "sports", "emotions", "colours", "materials")}
)
"""Experiments of which the papers give no numbers that we know."""
TASKS = [option.name for option in options("task")]
METHODS = [(task, name) for task in TASKS for name in methods(task)]
SWEPT = [
    (option.name, among)
    for option in options("experiment")
    for params in [OmegaConf.select(OmegaConf.load(option.path), "hydra.sweeper.params") or {}]
    for among in params.get("experiment@_global_", "").split(",")
    if among
]
READY = ("original", "retrain", "checkpoint", "transfer")
METHOD = {option.name: get_class(OmegaConf.load(option.path)["_target_"]) for option in options("method")}
MASKED = [(task, name) for task, name in METHODS if METHOD[name].maskable]


@cache
def experiment(*overrides: str) -> Experiment:
    """The settings of a command line, mandatory values filled in."""
    filled = [value for choice in overrides for value in GIVEN.get(choice, [])]
    missing = [value for value in filled if value.split("=")[0] not in {o.split("=")[0] for o in overrides}]
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose("config", [*overrides, *missing], return_hydra_config=True)
    HydraConfig.instance().set_config(config)
    choices = {group: choice for group, choice in config.hydra.runtime.choices.items() if choice is not None}
    with open_dict(config):
        del config["hydra"]
    return read(config, choices)


def opening(file: Path) -> list[str]:
    """A file's comment lines before anything else, without their marks."""
    lines = [line for line in file.read_text().splitlines() if not line.startswith("# @package")]
    count = next(i for i, line in enumerate(lines) if not line.startswith("#"))
    return [line.removeprefix("#").strip() for line in lines[:count]]


@pytest.mark.parametrize("choice", [f"{group}={o.name}" for group in groups() for o in options(group)])
def test_every_option_composes(choice):
    group, name = choice.split("=")
    made = experiment(choice)
    assert made.choices[group] == name
    if group == "experiment":
        assert (made.expected is None) == (name in WITHOUT_NUMBERS)
        assert made.choices["data"] != "digits"


@pytest.mark.parametrize(("task", "method"), MASKED)
def test_every_method_composes_with_the_mask(task, method):
    made = experiment(f"task={task}", f"method={method}", "mask=saliency", "mask.fraction=0.3")
    assert made.mask.fraction == 0.3
    assert (made.mask.guidance is not None) == (task in ("generation", "text_to_image"))


def test_salun_composes_without_its_mask():
    assert experiment("method=salun").choices["mask"] == "saliency"
    assert experiment("method=salun", "mask=none").choices["mask"] == "none"


@pytest.mark.parametrize(("task", "method"), METHODS)
def test_every_method_composes_where_it_has_no_recipe(task, method):
    made = experiment(f"task={task}", f"method={method}", "data=svhn", "forget=class")
    assert made.folder.parts[-5:-1] == (task, "svhn", made.choices["model"], "class")
    assert task in made.model.tasks
    assert task in made.eval.tasks


@pytest.mark.parametrize("optimiser", [option.name for option in options("optim")])
@pytest.mark.parametrize("place", ["train", "method"])
def test_every_optimiser_fits_either_place(place, optimiser):
    made = experiment("method=ga", f"optim@{place}={optimiser}")
    assert getattr(made, place).optimizer == optimiser


@pytest.mark.parametrize("name", [o.name for o in options("experiment") if o.name not in WITHOUT_NUMBERS])
def test_an_experiment_serves_all_its_methods(name):
    plain = experiment(f"experiment={name}")
    papers = plain.expected if isinstance(plain.expected, list) else [plain.expected]
    named = {method for paper in papers for method in paper.values}
    assert named
    assert named <= set(methods(plain.choices["task"]))
    for method in named:
        made = experiment(f"experiment={name}", f"method={method}")
        assert made.choices["method"] == method
        known = {*made.choices, *made.values}
        assert all(known >= set(paper.choices) for paper in papers if method in paper.values)


@pytest.mark.parametrize(("name", "among"), SWEPT)
def test_an_experiment_composes_each_that_it_sweeps_over(name, among):
    swept = experiment(f"experiment={name}", f"experiment@_global_={among}")
    alone = experiment(f"experiment={among}")
    for group in ("data", "forget", "model", "train", "method"):
        assert swept.choices[group] == alone.choices[group]
        assert swept.config[group] == alone.config[group]


@pytest.mark.parametrize("recipe", options("recipe"), ids=lambda option: option.name)
def test_a_recipe_is_taken_up(recipe):
    """What the file gives is what the run gets, by the command that the file names."""
    made = experiment(*shlex.split(recipe.command)[1:])
    given = leaves(OmegaConf.to_container(OmegaConf.load(recipe.path)))
    assert given
    assert given.items() <= leaves(made.config).items()
    assert Path(recipe.name).name == made.choices["method"]


@pytest.mark.parametrize("file", VALUES, ids=lambda file: file.relative_to(CONF).as_posix())
def test_values_for_a_task_or_data_set_arrive_there_alone(file):
    """By the command that the file names; and not with another data set, or for another task."""
    group, option = file.relative_to(CONF).parts[:2]
    command = shlex.split(opening(file)[0])[1:]
    place, other = next(
        (group, next(o.name for o in options(group) if o.name != file.stem))
        for group in ("task", "data")
        if f"{group}={file.stem}" in command
    )
    kept = [word for word in command if not word.startswith(f"{place}.")]  # values that the other may lack
    elsewhere = [f"{place}={other}" if word == f"{place}={file.stem}" else word for word in kept]
    node: Any = OmegaConf.to_container(OmegaConf.load(file))
    given = leaves({name: value for name, value in node.items() if name != "defaults"})
    here, there = experiment(*command), experiment(*elsewhere)
    assert chosen(here, group)[0] == option
    assert given
    assert given.items() <= chosen(here, group)[1].items()
    if chosen(there, group)[0] == option:
        assert not given.items() <= chosen(there, group)[1].items()


def chosen(made: Experiment, group: str) -> tuple[str, dict[str, str]]:
    """The option of a group and its values, where it is chosen for a place (lower@forget.lower), too."""
    key = group if group in made.choices else next(k for k in made.choices if k.startswith(f"{group}@"))
    place = f".{key.split('@')[-1]}."
    values = {k: value for k, value in leaves(made.config).items() if k.startswith(place)}
    return made.choices[key], {k.removeprefix(place[:-1]): value for k, value in values.items()}


def leaves(node: Any, prefix: str = "") -> dict[str, str]:
    """The values of a tree by their dotted names; as text, so that lists can be compared, too."""
    if not isinstance(node, dict):
        return {prefix: repr(node)}
    return {k: v for name, child in node.items() for k, v in leaves(child, f"{prefix}.{name}").items()}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(CONF).as_posix())
def test_a_yaml_opens_with_a_command_and_a_description(file):
    command, description, *_ = opening(file)
    assert shlex.split(command)[0] == "unlearn"
    assert len(description) > 10
    assert len(description) <= 110
    assert experiment(*first_run(command))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(CONF).as_posix())
def test_a_yaml_says_where_its_numbers_come_from(file):
    if has_number({k: v for k, v in yaml.safe_load(file.read_text()).items() if k != "defaults"}):
        assert re.search(r"\b(Values|Numbers|No numbers): ", " ".join(opening(file)[1:]))


def has_number(node: Any) -> bool:
    if isinstance(node, dict | list):
        return any(map(has_number, node.values() if isinstance(node, dict) else node))
    return isinstance(node, int | float) and not isinstance(node, bool)


@pytest.mark.parametrize("group", ["method", "lower", "model", "eval"])
def test_the_tasks_named_in_an_option_are_those_that_it_fits(group):
    tasks = {option.name: experiment(f"task={option.name}").task for option in options("task")}
    for option in options(group):
        kind = settings_class(OmegaConf.load(option.path))
        by_needs = hasattr(kind, "needs")
        fitting = (
            {name for name in tasks if not lacking(tasks[name], kind.needs)} if by_needs else set(kind.tasks)
        )
        assert {name for name in tasks if fits(option.path, name)} == fitting, option.name


@pytest.mark.parametrize("option", options("experiment"), ids=lambda option: option.name)
def test_the_task_named_in_an_experiment_is_its_own(option):
    assert [name for name in TASKS if fits(option.path, name)] == [
        experiment(f"experiment={option.name}").choices["task"]
    ]


def settings_class(node: Any) -> Any:
    return get_class(node.get("task", node)["_target_"])  # a task chooses the other groups, too


@pytest.mark.parametrize("group", ["task", "data", "model", "forget", "method", "mask", "eval", "tracking"])
def test_values_stand_in_yaml_alone(group):
    """Those of seeds in config.yaml, for all options of a group. What has no ranges to search has none; what
    records of earlier runs lack has the value that it had then."""
    without = ("seed", SEARCH, *AS_EVER_IN.get(group, ()))
    for option in options(group):
        kind = settings_class(OmegaConf.load(option.path))
        fields = {name: field for name, field in kind.model_fields.items() if name not in without}
        defaults = [name for name, field in fields.items() if not field.is_required()]
        assert not defaults, f"{kind.__name__} has values of its own for {defaults}"


@pytest.mark.parametrize(
    ("experiment_name", "overrides", "h"),
    [
        ("office_home", ["forget.domains=[art]"], 69.96),
        ("office_home", ["forget.domains=[art,clipart]"], None),
        ("office_home", ["forget.domains=[art,clipart,product]"], 75.89),
        ("office_home", ["forget.domains=[art]", "forget.shots=4"], None),
        ("office_home", ["method=clipfit"], 43.44),
        ("office_home_parts", [], 69.96),
        (
            "office_home_parts",
            ["method.instance_layer=null", "method.domain_weight=0", "method.mmd_weight=0"],
            52.59,
        ),
        ("office_home_parts", ["method.mmd_weight=0"], 64.01),
        ("office_home_parts", ["method.domain_weight=0"], 68.62),
        ("office_home_parts", ["method.instance_layer=null", "method.mmd_weight=0"], None),
    ],
)
def test_adus_numbers_stand_beside_so_many_domains_and_such_parts(experiment_name, overrides, h):
    found = experiment(f"experiment=adu/{experiment_name}", *overrides).paper["expected"]
    assert (found and found["H"][0]) == h


@pytest.mark.parametrize("key", ["train", "method"])
def test_labels_are_smoothed_where_there_are_some(key):
    assert experiment("method=ft", f"{key}.label_smoothing=0.1")
    with pytest.raises(InputError, match=rf"^{key}\.label_smoothing: the loss of task=generation is not one"):
        experiment("task=generation", "method=ft", f"{key}.label_smoothing=0.1")


def test_a_papers_numbers_stand_beside_its_own_setting_alone():
    ours = experiment("experiment=salun/cifar10_random10", "method=salun").paper
    assert ours["expected"]["UA"] == (2.85, 0.43)
    assert "Table 1" in ours["source"]
    nothing = {"expected": None, "source": None}
    assert experiment("experiment=salun/cifar10_random10", "method=scrub").paper == nothing
    assert experiment("experiment=salun/cifar10_random10", "data=digits", "method=salun").paper == nothing
    assert experiment("method=salun").paper == nothing
