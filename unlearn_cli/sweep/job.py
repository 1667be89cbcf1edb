"""What submitit pickles: by value, so that a job imports nothing of ours but its frozen copy."""

import sys
from typing import Any

import cloudpickle


class Job:
    """Does one piece of work from a frozen copy of the code; the same again when it is requeued.

    Args:
        code: folder of the copy.
        threads: OpenMP threads of each process; None leaves them to PyTorch.
        arguments: of `unlearn_cli.sweep.work.work`.
    """

    def __init__(self, code: str, threads: int | None, arguments: dict[str, Any]):
        self.code = code
        self.threads = threads
        self.arguments = arguments

    def __call__(self) -> None:
        import os
        import sys

        sys.path.insert(0, self.code)
        from unlearn_cli.runtime.cpu import wait_briefly

        if self.threads:
            os.environ.setdefault("OMP_NUM_THREADS", str(self.threads))
        wait_briefly()
        from unlearn_cli.sweep.work import work  # and with it PyTorch

        work(**self.arguments)

    def checkpoint(self) -> Any:
        """Called by submitit when the machine is taken back; the run has written what it resumes from."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)


cloudpickle.register_pickle_by_value(sys.modules[__name__])
