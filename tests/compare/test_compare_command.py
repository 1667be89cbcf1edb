"""The command as a user meets it."""

import json
import subprocess
import sys
from types import ModuleType
from unittest.mock import patch

import pytest
from made_runs import made

from unlearn_cli.compare.command import main


@pytest.fixture
def command(monkeypatch, capsys, tmp_path):
    """command(*arguments): exit code, output, error lines."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["unlearn-compare", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = end.code
        return code, *capsys.readouterr()

    return run


def test_tables_go_to_the_terminal_and_to_files(command, tmp_path):
    made(tmp_path / "outputs", "ga")
    made(tmp_path / "outputs", "ft")
    files = ["table.csv", "deeper/table.md", "table.tex", "table.html"]
    flags = ["--csv", "--markdown", "--latex", "--html"]
    code, out, err = command("outputs", *(word for pair in zip(flags, files, strict=True) for word in pair))
    assert (code, err) == (0, "")
    assert "classification · digits · resnet20 · random" in out
    for file, start in zip(files, ("setting,", "### ", "% needs", "<!DOCTYPE html>"), strict=True):
        assert (tmp_path / file).read_text().startswith(start)
        assert file in out


def test_filters_grouping_and_ranking(command, tmp_path):
    for method in ("ga", "ft", "rl"):
        made(tmp_path / "outputs", method)
    code, out, _ = command(
        "outputs",
        "--where",
        "method=ga,ft",
        "seed=0",
        "--by",
        "method",
        "--metrics",
        "UA,TA",
        "--rank-by",
        "TA",
    )
    assert code == 0
    assert "Bold: best by distance to the oracle in TA, unless" in out
    assert "ga" in out
    assert "rl" not in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: PATH"),
        (["gone"], "gone: no such folder"),
        (["empty"], "no run there"),
        (["outputs", "--latex", "outputs"], "argument --latex: outputs is a folder"),
        (["outputs", "--html", "/etc/hosts/t.html"], "argument --html: /etc/hosts/t.html: nothing can be"),
        (["outputs", "--wher", "a=b"], "--where a: no run has this key"),  # argparse completes flags
        (["outputs", "--nonsense"], "unrecognized arguments: --nonsense"),
        (["outputs", "--margin", "-1"], "argument --margin: -1 is no positive number; write 0.5"),
        (["outputs", "--published", "none"], "--published none: no such file; "),
        (
            ["outputs", "--published", "vlm_shapes", "--by", "method"],
            "--published holds methods with all their values: leave out --by and --across",
        ),
        (["outputs", "--margin", "inf"], "argument --margin: inf is no positive number; write 0.5"),
        (["outputs", "--interval", "z"], "argument --interval: invalid choice: 'z'"),
        (["outputs", "--by", "methd"], "--by methd: no run has this key; did you mean 'method'?"),
        (["outputs", "--metrics", "XY"], "--metrics XY: no such metric"),
        (["outputs", "--rank-by", "XY"], "--rank-by XY: no such metric"),
        (["outputs", "--across", "method"], "argument --across: invalid choice: 'method' (choose from "),
        (
            ["outputs", "--across", "forget"],
            "--across forget: nothing to lay side by side: all these runs have",
        ),
        (["outputs", "--across", "forget", "--by", "seed"], "--across forget: cannot be had with --by"),
    ],
)
def test_wrong_input_is_told_in_one_line(command, tmp_path, arguments, message):
    made(tmp_path / "outputs")
    (tmp_path / "empty").mkdir()
    code, out, err = command(*arguments, *(["--csv", "t.csv"] if arguments else []))
    assert (code, out) == (2, "")
    (line,) = err.splitlines()
    assert line.startswith(f"error: {message}")
    assert not (tmp_path / "t.csv").exists()


def test_nothing_finished(command, tmp_path):
    made(tmp_path / "outputs", state="running")
    code, _, err = command("outputs")
    assert code == 2
    assert err.splitlines() == [
        "error: none of these runs can be compared",
        f"left out: 1 running ({tmp_path}/outputs/ga-s0)",
    ]


def test_forget_sets_side_by_side_and_how_far_they_overlap(command, tmp_path):
    sets = {"random": {}, "worst_case": {"found": {"objective": 1.0}, "kind": "worst_case", "facts": {}}}
    for kind, record in sets.items():
        for seed in (0, 1):
            config = {"forget._target_": kind}
            folder = made(
                tmp_path / "outputs", seed=seed, config=config, choices={"forget": kind}, forget=record
            )
            manifest = {"data_fingerprint": "d", "split_fingerprint": "s", "fingerprint": kind, "facts": {}}
            (folder / "forget.json").write_text(json.dumps(manifest | {"indices": [seed, 2]}))
    code, out, err = command("outputs", "--across", "forget", "--csv", "t.csv", "--markdown", "t.md")
    assert (code, err) == (0, "")
    assert "Overlap of forget sets · digits" in out
    (line,) = [line.split() for line in out.splitlines() if line.startswith("worst_case, pairs of seeds")]
    assert line[-3:] == ["1", "33.33", "–"]  # one of three rows; no account says of how many rows they are
    assert "UA/random → worst_case/mean" in (tmp_path / "t.csv").read_text()
    assert "### Overlap of forget sets" in (tmp_path / "t.md").read_text()


def test_a_file_that_cannot_be_written(command, tmp_path):
    made(tmp_path / "outputs")
    (tmp_path / "taken").write_text("")
    code, _, err = command("outputs", "--csv", "taken/table.csv")
    assert (code, len(err.splitlines())) == (2, 1)
    assert err.startswith("error: argument --csv: taken/table.csv: nothing can be written in ")


def test_what_was_left_out_is_said(command, tmp_path):
    made(tmp_path / "outputs")
    made(tmp_path / "outputs", seed=1, state="preempted")
    code, out, _ = command("outputs")
    assert code == 0
    assert f"left out: 1 preempted ({tmp_path}/outputs/ga-s1)" in out


def test_the_table_goes_to_weights_and_biases(command, tmp_path):
    published = []

    def publish(rows, page, project, entity, name):
        published.append((rows, page, project, entity, name))
        return "published"

    module = ModuleType("unlearn_cli.tracking.comparison")
    module.publish = publish
    made(tmp_path / "outputs")
    with patch.dict(sys.modules, {module.__name__: module}):
        code, out, _ = command("outputs", "--to-wandb", "--entity", "us", "--name", "table")
    ((rows, page, *names),) = published
    assert (code, page, names) == (0, None, ["unlearn", "us", "table"])
    assert [row["name"] for row in rows] == ["oracle", "original", "ga"]
    assert out.endswith("published\n")


def test_help_answers_without_anything_heavy():
    code = (
        "import sys, unlearn_cli.compare.command as c\n"
        "sys.argv = ['unlearn-compare', '--help']\n"
        "try: c.main()\n"
        "except SystemExit: pass\n"
        "print(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"import json\n{code}"], capture_output=True, text=True, check=True
    )
    *text, modules = done.stdout.splitlines()
    assert "unlearn-compare PATH" in text[0]
    loaded = {name.split(".")[0] for name in json.loads(modules)}
    assert not loaded & {"torch", "hydra", "wandb", "numpy", "scipy", "rich", "matplotlib", "yaml"}


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path):
    for seed in range(300):
        made(tmp_path, "ga", 0, config={"method.lr": float(seed)})
    command = [sys.executable, "-m", "unlearn_cli.compare.command", str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == ""
    process.wait()
