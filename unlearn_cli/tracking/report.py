"""A W&B report and a saved workspace view of a project's runs, built with wandb-workspaces.

What the client sends is tested against a server of our own. How the cloud draws it was not looked at: that
needs an account.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from unlearn_cli.errors import InputError
from unlearn_cli.evaluation.gaps import AVERAGED, AVERAGED_OF_PROMPTS
from unlearn_cli.tracking.checks import check_online
from unlearn_cli.tracking.report_colours import colours, methods_of
from unlearn_cli.tracking.wandb_tracker import COURSE, SHARE

AVERAGE = "avg_gap"
FORGET, RETAIN = "metrics/UA", "metrics/RA"
STAGE = "unlearn/"
NO_CURVES = ("step", "epoch", "samples")
"""Below the stage: its axes, and its pictures."""
SAMPLES = "predictions"
WIDTH = 24  # of a report, in W&B's units


@dataclass(frozen=True)
class Project:
    """What the runs of a W&B project have: the names that panels and filters refer to."""

    entity: str
    name: str
    groups: tuple[str, ...]
    """Only runs of these W&B groups; all where there are none."""
    settings: tuple[str, ...]
    """The compared settings: data, model and forget set."""
    keys: tuple[str, ...]
    """Of the runs' summaries."""
    variants: Mapping[str, str]
    """The method, by the runs' `variant`."""
    runs: Mapping[str, str]
    """The method, by the run's id."""

    @property
    def numbers(self) -> list[str]:
        """Avg Gap, the gaps and the metrics, in the order of a table's columns."""
        final = [key for part in ("gap/", "metrics/") for key in self.keys if key.startswith(part)]
        return [AVERAGE, *final, *(key for key in ("cost/seconds",) if key in self.keys)]

    @property
    def pictures(self) -> list[str]:
        return [key for key in self.keys if key.startswith("figures/")]

    @property
    def curves(self) -> list[str]:
        """Numbers of the unlearning stage, epoch by epoch."""
        below = [key.removeprefix(STAGE) for key in self.keys if key.startswith(STAGE)]
        return [f"{STAGE}{name}" for name in below if name.partition(".")[0] not in NO_CURVES]

    @property
    def courses(self) -> list[str]:
        """Metrics with a gap, of which Avg Gap is the mean, as far as they have been measured."""
        averaged = dict.fromkeys((*AVERAGED, *AVERAGED_OF_PROMPTS))
        return [name for name in averaged if f"gap/{name}" in self.keys]


def read_project(entity: str | None, project: str, groups: Sequence[str]) -> Project:
    """Ask the server what runs there are.

    Raises:
        InputError: no key, no server, no such project, or no evaluated run in it.
    """
    import wandb

    with errors_of_client():
        check_online()
        api = wandb.Api()
        entity = entity or api.default_entity
        path = f"{entity}/{project}"
        filters = {"group": {"$in": [*groups]}} if groups else {}
        try:
            runs = list(api.runs(path, filters=filters, lazy=False))
        except ValueError as error:
            raise InputError(f"--project: there is no '{path}' that your key can see; {error}") from error
    evaluated = [run for run in runs if FORGET in run.summary_metrics and "setting" in run.config]
    if not evaluated:
        within = f" in group {' or '.join(groups)}" if groups else ""
        raise InputError(
            f"--project: of {len(runs)} runs of {path}{within} none is evaluated; make some: "
            f"unlearn tracking=wandb tracking.project={project}"
        )
    variants, methods = methods_of(evaluated)
    return Project(
        entity=str(entity),
        name=project,
        groups=tuple(groups),
        settings=tuple(_sorted(run.config["setting"] for run in evaluated)),
        keys=tuple(_sorted(key for run in evaluated for key in run.summary_metrics)),
        variants=variants,
        runs=methods,
    )


@contextmanager
def errors_of_client() -> Iterator[None]:
    """Whatever the client raises when it asks the server, in one line."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"W&B: {' '.join(str(error).split())}") from error


def report(project: Project, title: str) -> Any:
    """A `wandb_workspaces.reports.v2.Report`: a chapter for each setting, with numbers, then pictures."""
    wr, _ = packages()
    blocks = [
        wr.P(
            "Runs that differ by nothing but the seed are grouped (configuration key `variant`). A gap is "
            "the distance to the oracle of the same seed, the model retrained without the forget set: "
            "smaller is better. Original and oracle are runs beside the methods. What each metric means "
            "stands in the file glossary.json of every run."
        ),
        wr.TableOfContents(),
    ]
    for setting in project.settings:
        blocks += [
            wr.H2(setting),
            wr.PanelGrid(
                runsets=[_runset(project, setting, groupby=["config.variant"])],
                panels=_two_in_a_row(
                    *_comparison_panels(project), *_course_panels(project), *_curve_panels(project)
                ),
                custom_run_colors=colours(setting, project.variants, {}, wr.Config),
            ),
            wr.H3("Run by run"),
            wr.PanelGrid(
                runsets=[_runset(project, setting, groupby=[])],
                panels=_two_in_a_row(wr.RunComparer(diff_only="split"), *_media_panels(project)),
                custom_run_colors=colours(setting, {}, project.runs, wr.Config),
            ),
        ]
    return wr.Report(entity=project.entity, project=project.name, title=title, blocks=blocks, width="fluid")


def workspace(project: Project, title: str) -> Any:
    """A `wandb_workspaces.workspaces.Workspace`: seeds grouped, the smallest Avg Gap first."""
    _, ws = packages()
    sections = [
        ws.Section(name="Final numbers", panels=_comparison_panels(project), is_open=True, pinned=True),
        ws.Section(name="Beside original and oracle", panels=_course_panels(project), is_open=True),
        ws.Section(name="Unlearning", panels=_curve_panels(project), is_open=True),
        ws.Section(name="Figures and samples", panels=_media_panels(project), is_open=True),
    ]
    return ws.Workspace(
        entity=project.entity,
        project=project.name,
        name=title,
        sections=[section for section in sections if section.panels],
        runset_settings=ws.RunsetSettings(
            filters=ws.And(*_filters(project)),
            groupby=[ws.Config("variant")],
            order=[ws.Ordering(ws.Summary(AVERAGE), ascending=True)],
            pinned_columns=["config:setting.value", *(f"summary:{key}" for key in project.numbers)],
        ),
    )


def packages() -> tuple[Any, Any]:
    """wandb-workspaces' modules for reports and for workspaces."""
    try:
        import wandb_workspaces.reports.v2 as wr
        import wandb_workspaces.workspaces as ws
    except ImportError as error:
        raise InputError(f"wandb-workspaces: {error}; pip install wandb-workspaces") from error
    return wr, ws


def _runset(project: Project, setting: str, groupby: list[str]) -> Any:
    """The evaluated runs of a setting, the smallest Avg Gap first, with a table of the numbers alone."""
    wr, ws = packages()
    columns = ["config:chosen.value.method", *(f"summary:{key}" for key in project.numbers)]
    return wr.Runset(
        entity=project.entity,
        project=project.name,
        name=setting,
        filters=ws.And(ws.Config("setting") == setting, *_filters(project)),
        groupby=groupby,
        order=[wr.OrderBy(wr.SummaryMetric(AVERAGE), ascending=True)],
        pinned_columns=["run:displayName"],
        visible_columns=columns,
        lock_columns=True,
    )


def _filters(project: Project) -> list[Any]:
    _, ws = packages()
    evaluated = ws.Summary(FORGET) >= 0  # not the runs in which originals and oracles are trained
    return [evaluated, *([ws.Metric("Group").isin([*project.groups])] if project.groups else [])]


def _comparison_panels(project: Project) -> list[Any]:
    """Forget against retain, and every gap as mean and deviation over the seeds."""
    wr, _ = packages()
    scatter = wr.ScatterPlot(
        title="Forget (UA) against retain (RA), %", x=wr.SummaryMetric(RETAIN), y=wr.SummaryMetric(FORGET)
    )
    bars = [
        wr.BarPlot(
            title=f"{key} (mean and deviation over seeds)",
            metrics=[key],
            groupby=wr.Config("variant"),
            groupby_aggfunc="mean",
            groupby_rangefunc="stddev",
        )
        for key in project.numbers
        if key == AVERAGE or key.startswith("gap/")
    ]
    return [scatter, *bars]


def _course_panels(project: Project) -> list[Any]:
    """Each method from the original to what it made of it; original and oracle are level lines."""
    wr, _ = packages()
    return [
        wr.LinePlot(title=f"{name}, from the original (0) to the end (1)", x=SHARE, y=[f"{COURSE}/{name}"])
        for name in project.courses
    ]


def _curve_panels(project: Project) -> list[Any]:
    wr, _ = packages()
    return [wr.LinePlot(title=key, x=f"{STAGE}step", y=[key]) for key in project.curves]


def _media_panels(project: Project) -> list[Any]:
    """Figures (confidence histograms among them) and the table of samples."""
    wr, _ = packages()
    panels = [wr.MediaBrowser(title=key, media_keys=[key], num_columns=2) for key in project.pictures]
    return [*panels, *([wr.WeavePanelSummaryTable(table_name=SAMPLES)] if SAMPLES in project.keys else [])]


def _two_in_a_row(*panels: Any) -> list[Any]:
    """Panels two in a row (W&B's own default is three small ones)."""
    wr, _ = packages()
    width, height = WIDTH // 2, 9
    for number, panel in enumerate(panels):
        row, column = divmod(number, 2)
        panel.layout = wr.Layout(x=column * width, y=row * height, w=width, h=height)
    return [*panels]


def _sorted(values: Iterable[str]) -> list[str]:
    return sorted(set(values))
