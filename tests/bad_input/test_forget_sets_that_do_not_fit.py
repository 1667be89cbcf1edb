"""A forget set that help and TAB leave out for a task is one that the task refuses."""

import pytest
from tiny_commands import small

from unlearn_cli.config.catalogue import fits, options

GIVEN = {
    "group": ("forget.column=shape", "forget.values=[circle]"),
    "indices": ("forget.file=rows.txt",),
    "where": ("forget.query=shape == 'circle'",),
    "request": ("forget.file=request.json",),
    "class": ("forget.classes=[0]",),
}
LEFT_OUT = [
    (task.name, forget.name)
    for task in options("task")
    for forget in options("forget")
    if not fits(forget.path, task.name)
]


@pytest.mark.parametrize(("task", "forget"), LEFT_OUT)
def test_it_is_refused(refused, tmp_path, task, forget):
    (tmp_path / "rows.txt").write_text("0\n")
    (tmp_path / "request.json").write_text('{"id": "1", "date": "2026-11-30", "rows": [0]}')
    choices = (f"task={task}", f"forget={forget}", "method=ga")
    given = (*small(choices), "data.subset=null", *GIVEN.get(forget, ()))
    assert refused(*choices, *given).startswith("forget")
