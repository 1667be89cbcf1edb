"""Documents are those of the code: tables, a page for each method, links, commands."""

import re
from collections import defaultdict

import pytest
from documents import DOCS, EXTEND, FILES, ROOT, anchors, commands, links, mentioned, plugin_files
from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from markdown_it import MarkdownIt
from omegaconf import DictConfig, OmegaConf

from scripts.option_tables import sections
from scripts.reference import documents, filled
from unlearn_cli.command.new_project import FILES as PROJECT
from unlearn_cli.command.new_project import NAME
from unlearn_cli.command.skeleton import write_filled
from unlearn_cli.config.catalogue import VALUES, conf_folder, group_folders, implied_choices, options
from unlearn_cli.config.plugins import used
from unlearn_cli.experiment import read

METHODS = DOCS / "methods"
GROUPS = group_folders()


@pytest.fixture(scope="module")
def own_options(tmp_path_factory):
    """What the pages on plug-ins show, and what `unlearn new project` writes, is at hand."""
    folder = tmp_path_factory.mktemp("docs")
    for page in EXTEND.glob("*.md"):
        for name, content in plugin_files(page).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(content)
    plugins = {file: skeleton for file, skeleton in PROJECT.items() if file.startswith("plugins/")}
    write_filled({folder / file: skeleton for file, skeleton in plugins.items()}, NAME)
    with used([f"--config-dir={folder / 'plugins'}"]):
        yield


def test_what_follows_from_the_code_is_up_to_date():
    stale = [str(path.relative_to(ROOT)) for path, text in documents() if path.read_text() != text]
    assert not stale, "run scripts/docs"


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 250


@pytest.mark.parametrize("group", ["attack", "mask", "surgery"])
def test_keys_that_a_recipe_has_too_are_described_where_there_is_no_recipe(group):
    rows = "\n".join(sections(group))
    assert "Its training" not in rows
    assert re.search(r"\| `(lr|batch_size|clip_norm)` \|.*\| \w.* \|", rows)


def test_marks_of_either_spelling_are_filled():
    old = "a\n<!-- table: tracking -->\nold\n<!-- end: tracking -->\nb"
    new = old.replace("<!-- end: tracking -->", "<!-- end -->")
    assert "`wandb`" in filled(old)
    assert filled(new) == filled(old).replace("<!-- end: tracking -->", "<!-- end -->")
    assert filled(filled(old)) == filled(old)


def test_every_method_has_a_page_and_the_index_links_to_it():
    names = {option.name for option in options("method")}
    assert {path.stem for path in METHODS.glob("*.md")} - {"README"} == names
    assert names <= {path.stem for path, _ in links(METHODS / "README.md")}


@pytest.mark.parametrize("option", options("method"), ids=lambda option: option.name)
def test_a_methods_page_has_its_parts(option):
    text = (METHODS / f"{option.name}.md").read_text()
    heads = ["Use", "Keys", "Differences from the paper and the released code"]
    for head in (*heads, "Values: whose they are", "Results"):
        assert f"\n## {head}\n" in text
    assert f"<!-- keys: method={option.name} -->" in text
    assert f"<!-- values: method={option.name} -->" in text
    assert f"method={option.name}" in text.partition("## Use")[2].partition("##")[0]
    assert "\nSee also: [" in text


def test_links_lead_somewhere():
    broken = [
        f"{file.relative_to(ROOT)}: {path.name}#{anchor}"
        for file in FILES
        for path, anchor in links(file)
        if not path.exists() or (anchor and anchor not in anchors(path))
    ]
    assert not broken


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_code_and_lists_are_what_they_look_like(file):
    """Indented code behind a list is text of its last item; a line that begins with "1. " is a list."""
    lines = file.read_text(encoding="utf-8").splitlines()
    tokens = MarkdownIt().enable("table").parse("\n".join(lines))
    code = {n for token in tokens if token.type in ("code_block", "fence") for n in range(*token.map)}
    assert not [line for n, line in enumerate(lines) if line.startswith("    unlearn") and n not in code]
    starts = [token.map[0] for token in tokens if token.type == "ordered_list_open" and not token.level]
    assert not [lines[n] for n in starts if n and lines[n - 1].strip() and not lines[n - 1].startswith("#")]


@pytest.mark.usefixtures("own_options")
def test_commands_compose():
    """Once for all of like choices; then the other values of each are put in their place and checked."""
    alike = defaultdict(list)
    for file in FILES:
        if file.parent.name != "reference":  # those are the YAML files' own, and have a test
            for command in commands(file):
                chosen = tuple(word for word in command if is_choice(word))
                alike[chosen].append(command)
    assert len(alike) > 60
    for chosen, found in alike.items():
        with initialize_config_dir(str(conf_folder()), version_base="1.3"):
            config = compose("config", [*chosen, *implied_choices(list(chosen))], return_hydra_config=True)
        for command in found:
            check(config, [word for word in command if not is_choice(word)])


def check(config: DictConfig, overrides: list[str]) -> None:
    """The overrides name keys that exist; their values fit, unless a word stands for the user's own."""
    config = config.copy()
    for override in OverridesParser.create().parse_overrides(overrides):
        if override.key_or_group in ("tuned", VALUES):
            continue  # a folder of the reader's own, and a choice among its files
        OmegaConf.update(config, override.key_or_group, override.value(), force_add=override.is_add())
    missing = OmegaConf.missing_keys(OmegaConf.masked_copy(config, set(config) - {"hydra"}))
    if missing or any(word.partition("=")[2].isupper() for word in overrides):
        return
    HydraConfig.instance().set_config(config)
    choices = {group: choice for group, choice in config.hydra.runtime.choices.items() if choice is not None}
    read(OmegaConf.masked_copy(config, [key for key in config if key != "hydra"]), choices)


@pytest.mark.usefixtures("own_options")
def test_choices_within_sentences_are_options():
    for file in FILES:
        for command in mentioned(file):
            for word in filter(is_choice, command):
                group, _, name = word.partition("=")
                known = {option.name for option in options(group.partition("@")[0])}
                assert name in {*known, ""} or name.isupper(), f"{file.name}: {word}"


def test_cited_tests_exist():
    for file in FILES:
        for path, name in re.findall(r"(tests/[\w/]+\.py)::(\w+)", file.read_text(encoding="utf-8")):
            assert f"def {name}(" in (ROOT / path).read_text(encoding="utf-8"), f"{file.name}: {path}::{name}"


def is_choice(word: str) -> bool:
    """group=option, as against key=value."""
    group = word.lstrip("+").partition("=")[0].partition("@")[0]
    return group in GROUPS or group == "hydra/launcher"
