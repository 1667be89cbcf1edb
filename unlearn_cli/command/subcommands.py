"""The sub-commands of `unlearn`, in one place: what starts them, what TAB offers, what help lists."""

TUNE = "tune"
SUBCOMMANDS = {
    "status": "unlearn_cli.sweep.command:status",
    "schema": "unlearn_cli.command.schema:schema",
    "completion": "unlearn_cli.command.completion.command:completion",
    "rerun": "unlearn_cli.command.rerun:rerun",
    "track": "unlearn_cli.command.track:track",
    "verify": "unlearn_cli.certificate.verify:verify",
    "export": "unlearn_cli.api.export:export",
    TUNE: "unlearn_cli.tuning.command:tune",
    "new": "unlearn_cli.command.new:new",
}
"""By name the function that is called with the further arguments; imported when it is asked for."""
PLAN = "plan"
"""A word before a sweep's arguments: say what it would do, and do nothing."""
FORCE = "--force"
"""A flag of a run or a sweep: make again what is finished."""
SHELLS = ("bash", "zsh", "fish")
"""What `unlearn completion` is for."""
