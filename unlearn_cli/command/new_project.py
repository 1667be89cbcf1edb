"""`unlearn new project FOLDER`: a folder with data, model, request and sweep that runs as it stands."""

from pathlib import Path
from shlex import quote

from unlearn_cli.command.skeleton import check_folder, write_filled

PROJECT = "project"
NAME = "mine"
"""Of the options in its plug-ins."""
FILES = {
    "README.md": "project/README.md",
    "request.json": "project/request.json",
    "test_project.py": "project/test.py",
    f"plugins/{NAME}.py": "model/module.py",
    f"plugins/model/{NAME}.yaml": "model/option.yaml",
    f"plugins/data/{NAME}.yaml": "project/data.yaml",
    f"plugins/experiment/{NAME}.yaml": "project/experiment.yaml",
    f"plugins/experiment/{NAME}_sweep.yaml": "project/sweep.yaml",
    f"plugins/hydra/launcher/{NAME}.yaml": "project/launcher.yaml",
}
"""Its files, and the skeleton of each."""


def new_project(folder: Path) -> None:
    """Write it, and say how to use it. InputError: a file that is there already; nothing is written."""
    check_folder(folder)
    written = write_filled({folder / file: skeleton for file, skeleton in FILES.items()}, NAME)
    print(*written, sep="\n")
    place = quote(str(folder))
    print(f"to use it:  cd {place}; export UNLEARN_PLUGINS=plugins; unlearn experiment={NAME}")
    print(f"to test it: python -m pytest {place}")
