"""What TAB offers, asked as the shells' scripts do; in a terminal: test_terminals.py."""

import pytest
from tiny_commands import methods

from unlearn_cli.command.completion.command import answers, completion
from unlearn_cli.command.completion.command_line import split
from unlearn_cli.command.subcommands import PLAN, SHELLS, SUBCOMMANDS
from unlearn_cli.config.catalogue import groups, options

BREAKS = " \t\n\"'@><=;|&(:"
"""bash's COMP_WORDBREAKS."""


def tab(line: str) -> list[str]:
    """The whole words that the last may become."""
    return answers("fish", line, len(line))


def in_bash(line: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("COMP_WORDBREAKS", BREAKS)
    return answers("bash", line, len(line))


@pytest.mark.parametrize("task", [option.name for option in options("task")])
def test_options_that_fit_the_task(task):
    assert tab(f"unlearn task={task} method=") == [f"method={name}" for name in methods(task)]
    assert ("forget=answer" in tab(f"unlearn task={task} forget=")) == (task == "vlm")
    assert ("model=unet" in tab(f"unlearn -m task={task} model=u")) == (task == "generation")


@pytest.mark.parametrize(
    ("line", "offered", "not_offered"),
    [
        ("unlearn method=", {"salun", "be"}, {"adu", "sauce"}),
        ("unlearn experiment=sauce/colours method=", {"sauce"}, {"be"}),
        ("unlearn experiment=", {"adu/pacs", "salun/table1", "sauce/colours"}, set()),
        ("unlearn task=clip experiment=", {"adu/pacs"}, {"salun/table1"}),
        ("unlearn method=ga data=ci", {"cifar10", "cifar100"}, {"svhn"}),
        ("unlearn optim@method=", {"sgd", "adamw"}, set()),
        ("unlearn forget=worst_case lower@forget.lower=", {"be", "ft"}, set()),
        ("unlearn hydra/launcher=", {"slurm", "processes", "local"}, set()),
        ("unlearn method.order=", {"paired", "balanced", "mixed", "sequential"}, set()),
        ("unlearn +method.order=p", {"paired"}, {"mixed"}),
        ("unlearn train.optimizer=", {"sgd", "adam"}, set()),
        ("unlearn method.exclude_true=", {"true", "false"}, set()),
        ("unlearn oracle.compare=", {"auto", "true", "false"}, set()),
        ("unlearn hydra/launcher=slurm hydra.launcher.wait=", {"true", "false"}, set()),
        ("unlearn method.clip_norm=", {"null"}, set()),
        ("unlearn task=clip method=adu method.forget_loss=", {"uniform_ce", "neg_entropy"}, set()),
        ("unlearn method=ga,ft seed=", {"0"}, set()),
        ("unlearn forget=group forget.column=", set(), {"???"}),
        ("unlearn forget.seed=", set(), {"${seed}"}),
        ("unlearn -m method=ga,", {"ga,ft", "ga,rl"}, {"ga,ga", "ft"}),
        ("unlearn -m method.order=paired,m", {"paired,mixed"}, {"paired,balanced"}),
    ],
)
def test_values(line, offered, not_offered):
    found = {word.partition("=")[2] for word in tab(line)}
    assert offered <= found
    assert not found & not_offered


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("unlearn meth", ["method.", "method="]),
        ("unlearn plan -m meth", ["method.", "method="]),
        ("unlearn -m 'method=ga,ft' da", ["data.", "data="]),
        ('unlearn "method=ga" method.lr', ["method.lr="]),
        ("unlearn method=salun method.al", ["method.alpha="]),
        ("unlearn data.aug", ["data.augment."]),
        ("unlearn data.augment.f", ["data.augment.flip="]),
        ("unlearn forget=worst_case forget.lower.lr", ["forget.lower.lr="]),
        ("unlearn optim@m", ["optim@method="]),
        ("unlearn hydra/launcher=slurm hydra.launcher.par", ["hydra.launcher.partition="]),
        ("unlearn ++mask.fr", ["++mask.fraction="]),
        ("unlearn --cf", ["--cfg"]),
        ("unlearn --cfg j", ["job"]),
        ("unlearn sta", ["status"]),
        ("unlearn method=ga sta", []),
        ("unlearn completion z", ["zsh"]),
        ("unlearn tune tri", ["trials="]),
        ("unlearn tune method=ga method.lr", ["method.lr="]),
        ("unlearn tune halving=t", ["halving=true"]),
        ("unlearn tune sampler=", ["sampler=random", "sampler=tpe"]),
        ("unlearn-compare --ac", ["--across"]),
        ("unlearn-compare outputs --across f", ["forget"]),
        ("CUDA_VISIBLE_DEVICES=0 .venv/bin/unlearn method=sal", ["method=salun", "method=salun_soft"]),
    ],
)
def test_words(line, offered):
    assert tab(line) == offered


def test_a_line_that_begins():
    assert {*(f"{group}=" for group in groups()), PLAN, *SUBCOMMANDS} <= {*tab("unlearn ")}


def test_what_stands_behind_the_cursor_counts():
    line = "unlearn method= task=clip"
    assert "method=adu" in answers("fish", line, len("unlearn method="))


@pytest.mark.parametrize(
    "line",
    [
        "",
        "ls method=",
        "unlearn nowhere.at.all=",
        "unlearn nowhere=",
        "unlearn method=no_such_method method.l",
        "unlearn task=no_such_task method.l",
        "unlearn method.lr=abc",
        "unlearn --config-dir nowhere method=",
        "unlearn --no-such-flag=",
        "unlearn ~~~",
        "unlearn method=ga lr'",
        "unlearn \\",
        "unlearn-compare --metrics ",
        "unlearn status nowhere/",
    ],
)
def test_nothing_to_say_is_nothing_said(line, capfd, monkeypatch):
    monkeypatch.setenv("COMP_LINE", line)
    monkeypatch.setenv("COMP_POINT", str(len(line)))
    for shell in SHELLS:
        completion([shell, "--reply"])
    assert capfd.readouterr() == ("", "")


def test_plug_ins(tmp_path):
    (tmp_path / "method").mkdir()
    (tmp_path / "method" / "own.yaml").write_text(
        "# unlearn method=own\n# Own.\n_target_: of_ones_own.Own\nhow: slow\n"
    )
    (tmp_path / "of_ones_own.py").write_text(
        "from typing import Literal\nfrom unlearn_cli.methods.base import Method\n"
        "raise RuntimeError('it is read, not imported')\n"
        "class Own(Method):\n    how: Literal['slow', 'fast']\n"
    )
    for flag in (f"--config-dir {tmp_path}", f"--config-dir={tmp_path}"):
        assert tab(f"unlearn {flag} method=ow") == ["method=own"]
        assert tab(f"unlearn {flag} method=own method.how=") == ["method.how=fast", "method.how=slow"]


RUN = "outputs/classification/digits/resnet20/random/salun-s0-12345678"
SWEEP = "outputs/sweeps/digits-1234"


@pytest.fixture
def results(tmp_path, monkeypatch):
    """A folder with a run, a sweep, a store and files."""
    for file in (
        f"{RUN}/status.json",
        f"{SWEEP}/sweep.json",
        "outputs/store/model/a/b",
        "my rows/r.txt",
        ".dot",
    ):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("unlearn status ", [SWEEP]),
        ("unlearn status outp", ["outputs/classification/", "outputs/sweeps/"]),
        ("unlearn-compare ", ["outputs/classification/", "outputs/sweeps/"]),
        ("unlearn-compare outputs/sweeps/ outputs/c", [RUN]),
        ("unlearn-compare my", ["my rows/"]),
        (
            "unlearn method=checkpoint method.path=",
            [f"outputs/{name}/" for name in ("classification", "store", "sweeps")],
        ),
        ("unlearn method=checkpoint method.path=outputs/c", [RUN]),
        ("unlearn forget=indices forget.file=", ["my rows/", "null", "outputs/"]),
        ("unlearn forget=indices forget.file=my", ["my rows/r.txt"]),
        ("unlearn data=images data.path=my", ["my rows/r.txt"]),
        ("unlearn --config-dir m", ["my rows/"]),
        ("unlearn-compare outputs --csv my", ["my rows/r.txt"]),
    ],
)
def test_folders(results, line, offered):
    assert [word.rpartition("=")[2] for word in tab(line)] == offered


def test_paths_in_bash(results, monkeypatch):
    line = "unlearn forget=indices forget.file="
    assert in_bash(f"{line}my", monkeypatch) == ["my\\ rows/r.txt "]
    assert in_bash(f"{line}my\\ r", monkeypatch) == ["my\\ rows/r.txt "]
    assert in_bash(f"{line}'my r", monkeypatch) == ["my rows/r.txt"]


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("unlearn method=sa", ["salun ", "salun_soft "]),
        ("unlearn -m method=ga,sal", ["ga,salun", "ga,salun_soft"]),
        ("unlearn hydra/launcher=slurm method=scr", ["scrub"]),
        ("unlearn 'method=scr", ["method=scrub"]),
        ("unlearn optim@met", ["@method="]),
        ("unlearn optim@method=ada", ["adam ", "adamw "]),
        ("unlearn method.or", ["method.order="]),
        ("unlearn sta", ["status "]),
    ],
)
def test_bash_replaces_what_follows_a_break(line, offered, monkeypatch):
    assert in_bash(line, monkeypatch) == offered


def test_a_line_as_shells_read_it():
    words = [(word.text, word.quote) for word in split("""a 'b c'"d\\"e"\\ f\\\\  'g "h""")]
    assert words == [("a", ""), ('b cd"e f\\', ""), ('g "h', "'")]
    assert [word.text for word in split("a ")] == ["a", ""]


def test_scripts(unlearn):
    for shell in SHELLS:
        assert f"completion {shell} --reply" in unlearn("completion", shell).out
    assert all(shell in unlearn("completion", "--help").out for shell in SHELLS)
    for wrong in ((), ("tcsh",), ("bash", "zsh")):
        assert unlearn("completion", *wrong).error.startswith("completion: give a shell (bash, zsh, fish)")
    assert "unlearn completion bash" in unlearn("--shell-completion", "install=bash").error
