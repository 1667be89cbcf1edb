"""What a run shows to the outside while it goes on: Weights & Biases, or nothing."""

from unlearn_cli.tracking.columns import columns
from unlearn_cli.tracking.session import tracked
from unlearn_cli.tracking.tracker import NullSettings, RunInfo, Tracker
from unlearn_cli.tracking.wandb_tracker import WandbTracker
from unlearn_cli.tracking.weights_and_biases import WandbSettings

__all__ = ["NullSettings", "RunInfo", "Tracker", "WandbSettings", "WandbTracker", "columns", "tracked"]
