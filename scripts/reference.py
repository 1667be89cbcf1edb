"""Documents that follow from the code: docs/reference/ wholly, elsewhere what stands between marks.

Marks, in README.md and docs/: `<!-- table: NAME -->`, `<!-- keys: method=OPTION -->`,
`<!-- values: method=OPTION -->`, `<!-- results: FILE [METHOD] -->`, `<!-- beside: EXPERIMENT FILE -->`
and `<!-- controls: KIND [METRIC] -->`, each closed by `<!-- end -->` (or `<!-- end: NAME -->`).

Run: scripts/docs [--check]
"""

import re
import sys
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

from scripts.beside_table import beside_table
from scripts.controls.table import controls_table
from scripts.option_tables import group_table, method_keys, method_values, rows_of, sections
from scripts.reference_pages import PAGES
from scripts.result_tables import result_table
from unlearn_cli.config.catalogue import conf_folder, fits, options
from unlearn_cli.config.describe import comments_of, keys, values_of
from unlearn_cli.evaluation.base import Evaluation
from unlearn_cli.evaluation.meaning import MEANINGS, arrow
from unlearn_cli.experiment import Experiment
from unlearn_cli.methods.base import Method
from unlearn_cli.runtime.text import table_line
from unlearn_cli.training.optim import Training

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "docs" / "reference"
MADE = "<!-- Made by scripts/docs from the code: what is changed here by hand is lost. -->"
MARKS = re.compile(
    r"(<!-- (table|keys|values|results|beside|controls): ([^>]+?) -->\n).*?(<!-- end(?:: [^>]+?)? -->)",
    re.DOTALL,
)
STAGES = {"train": Training, "method": Method, "eval": Evaluation}
"""Groups of which config.yaml itself sets keys, such as the seed."""
REFERENCES = ("original", "retrain", "checkpoint")


def main(check: bool) -> int:
    stale = [
        path for path, text in documents() if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]
    for path in stale:
        print(f"{'stale' if check else 'written'}: {path.relative_to(ROOT)}")
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dict(documents())[path], encoding="utf-8")
    return int(check and bool(stale))


@cache
def documents() -> list[tuple[Path, str]]:
    """Every document with the text that it should have."""
    made = {REFERENCE / f"{name}.md": page(name) for name in PAGES}
    made[REFERENCE / "README.md"] = index()
    others = {ROOT / "README.md", *(ROOT / "docs").rglob("*.md")} - set(made)
    return [
        *made.items(),
        *((path, filled(path.read_text(encoding="utf-8"), path.parent)) for path in sorted(others)),
    ]


def filled(text: str, folder: Path = ROOT) -> str:
    """A document that stands in that folder, with everything between its marks made anew."""
    results, controls = (partial(made, folder=folder) for made in (result_table, controls_table))
    kinds = {
        **{"table": table, "keys": method_keys, "values": method_values},
        **{"results": results, "beside": beside_table, "controls": controls},
    }

    def anew(match: re.Match[str]) -> str:
        mark, kind, name, end = match.groups()
        return mark + "\n".join(kinds[kind](name)) + "\n" + end

    return MARKS.sub(anew, text)


def index() -> str:
    lines = [f"- [{title}]({name}.md): {opening}" for name, (title, opening, *_) in PAGES.items()]
    return "\n".join(["# Reference", "", MADE, "", "All that can be chosen and set.", "", *lines, ""])


def page(name: str) -> str:
    title, opening, *groups = PAGES[name]
    lines = [f"# {title}", "", MADE, "", opening, ""]
    tables = {"methods": lambda: methods("../methods/"), "metrics": lambda: metrics(keyed=True), "run": run}
    if name in tables:
        lines += [*tables[name](), ""]
    for group in groups:
        lines += [*group_table(group), "", *sections(group)]
    return "\n".join(lines).rstrip() + "\n"


def table(name: str) -> list[str]:
    """What a mark `<!-- table: NAME -->` asks for: methods, metrics, a family of methods, or a group."""
    if name.startswith("family "):
        return family(name.removeprefix("family "))
    return {"methods": methods, "metrics": metrics}.get(name, lambda: group_table(name))()


def methods(folder: str = "") -> list[str]:
    """Every method, and the tasks that it fits; `folder`: of the pages to link to."""
    tasks = [option.name for option in options("task")]
    lines = [f"| method | what it does | {' | '.join(tasks)} |", f"|---|---|{':-:|' * len(tasks)}"]
    for option in options("method"):
        marks = " | ".join("✓" if fits(option.path, task) else "" for task in tasks)
        name = f"[`{option.name}`]({folder}{option.name}.md)" if folder else f"`{option.name}`"
        lines.append(f"| {name} | {option.description} | {marks} |")
    return lines


def family(wanted: str) -> list[str]:
    """The methods of a family (every, classification, diffusion, clip, vlm), or the references."""
    lines = ["| method | what it does | tasks |", "|---|---|---|"]
    tasks = [option.name for option in options("task")]
    for option in options("method"):
        fitting = [task for task in tasks if fits(option.path, task)]
        of = "diffusion" if fitting[0] in ("generation", "text_to_image") else fitting[0]
        of = "references" if option.name in REFERENCES else "every" if fitting == tasks else of
        if of == wanted:
            link = f"[`{option.name}`]({option.name}.md)"
            lines.append(f"| {link} | {option.description} | {', '.join(fitting)} |")
    return lines


def metrics(keyed: bool = False) -> list[str]:
    rows = [("metric", "unit", "better", "meaning"), ("---", "---", ":-:", "---")]
    rows += [(m.name, m.unit, arrow(m.better), m.text) for m in MEANINGS.values()]
    if keyed:
        names = ["key", "---", *(f"`{name}`" for name in MEANINGS)]
        rows = [(name, *row) for name, row in zip(names, rows, strict=True)]
    lines = list(map(table_line, rows))
    return [lines[0], lines[1].replace(" ", ""), *lines[2:]]


def run() -> list[str]:
    """The keys of a run that belong to no group."""
    path = conf_folder() / "config.yaml"
    values = values_of(path)
    found = keys(Experiment, {key: values[key] for key in values.keys() - STAGES.keys()}, comments_of(path))
    seed, *others = [key for key in found if key.name.partition(".")[0] in values.keys() - STAGES.keys()]
    of_stages = [
        replace(key, name=f"{stage}.{key.name}")
        for stage, kind in STAGES.items()
        for key in keys(kind, values[stage])
        if key.name in values[stage]
    ]
    return rows_of([seed, *of_stages, *others])


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
