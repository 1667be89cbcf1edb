"""TAB in bash, zsh and fish: the line of the documents is given to a shell, and real keys are sent."""

import os
import re
import shutil
import sys
from collections.abc import Iterator

import pytest
from own_process import PROGRAM
from terminal import END, Terminal

WORDS = """printf '<%s>' "$@"; printf '\\n{}\\n'""".format(END.replace(" ", "\\x20"))
"""The setup's echo is not to be taken for its output."""
SHELLS = {
    "bash": (["bash", "--norc", "-i"], f'words() {{ {WORDS}; }}; eval "$(unlearn completion bash)"'),
    "zsh": (["zsh", "-f", "-i"], f'words() {{ {WORDS}; }}; eval "$(unlearn completion zsh)"'),
    "fish": (
        ["fish", "--no-config", "-i"],
        f"function words; {WORDS.replace(chr(34) + '$@' + chr(34), '$argv')}; end; "
        "unlearn completion fish | source",
    ),
}
RUN = "outputs/classification/digits/resnet20/random/salun-s0-12345678"
SWEEP = "outputs/sweeps/digits-1234"
KEYS = {
    "unlearn meth\t=salun_\t": ["method=salun_soft"],
    "unlearn method=salu\t": ["method=salun"],
    "unlearn task=clip method=ad\t": ["task=clip", "method=adu"],
    "unlearn experiment=salun/t\t": ["experiment=salun/table1"],
    "unlearn plan -m meth\t=scr\t": ["plan", "-m", "method=scrub"],
    "unlearn -m 'method=ga,ft' da\t=dig\t": ["-m", "method=ga,ft", "data=digits"],
    "unlearn method.or\tpai\t": ["method.order=paired"],
    "unlearn optim@meth\tadamw\t train.opt\t": ["optim@method=adamw", "train.optimizer="],
    "unlearn method=nowhere method.l\t": ["method=nowhere", "method.l"],
    "unlearn nowhere=\t": ["nowhere="],
    "unlearn status \t": ["status", SWEEP],
    "unlearn-compare outputs/cl\t --ac\tfo\t": [RUN, "--across", "forget"],
    "unlearn forget=indices forget.file=my\t": ["forget=indices", "forget.file=my rows/r.txt"],
}


@pytest.fixture
def terminal(request, tmp_path) -> Iterator[Terminal]:
    """A shell of that name, in a folder with a run, a sweep and a file."""
    if not shutil.which(request.param):
        pytest.skip(f"no {request.param}")
    for file in (f"{RUN}/status.json", f"{SWEEP}/sweep.json", "my rows/r.txt", "programs/unlearn"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    program = tmp_path / "programs" / "unlearn"
    program.write_text(f"#!{sys.executable}\n{PROGRAM}")
    program.chmod(0o755)
    path = {"PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}"}
    opened = Terminal(*SHELLS[request.param], tmp_path, path)
    yield opened
    opened.close()


@pytest.mark.parametrize("terminal", SHELLS, indirect=True)
def test_tab(terminal):
    for keys, words in KEYS.items():
        assert terminal.words(keys) == [keys.partition(" ")[0], *words], keys


@pytest.mark.parametrize("terminal", ["bash"], indirect=True)
def test_a_second_tab_lists_what_there_is(terminal):
    assert re.search(r"salun\s+salun_soft\s+scrub", terminal.shown("unlearn method=s\t\t"))
