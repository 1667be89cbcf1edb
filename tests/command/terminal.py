"""A shell in a pseudo terminal, at which keys are pressed."""

import os
import pty
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

END = "that is all"
LINE_BEGIN = "\x01"  # ^A


class Terminal:
    """A shell that reads what is sent to it as if it were typed.

    Args:
        command: starts the shell, without files of its user.
        setup: what it is told first. It defines a command `words` that prints `<argument>` for each of its
            arguments, and END on a line of its own.
    """

    def __init__(self, command: Sequence[str], setup: str, folder: Path, environment: Mapping[str, str]):
        self.process, self.screen = pty.fork()
        if self.process == 0:
            os.chdir(folder)
            os.execvpe(
                command[0], command, {**os.environ, **environment, "HOME": str(folder), "TERM": "xterm"}
            )
        self._type(f"{setup}\nwords\n")
        self._read()

    def words(self, keys: str) -> list[str]:
        """The words of the line that these keys make, as a command would get them."""
        return re.findall("<(.*?)>", self.shown(keys).rpartition("words")[2])

    def shown(self, keys: str) -> str:
        """What the keys, and then Enter, put on the screen."""
        self._type(f"{keys}{LINE_BEGIN}words \n")
        return self._read()

    def close(self) -> None:
        os.close(self.screen)  # which hangs up
        os.waitpid(self.process, 0)

    def _type(self, keys: str) -> None:
        os.write(self.screen, keys.encode())

    def _read(self) -> str:
        """Up to END: the shell comes to it when all keys are dealt with."""
        shown = b""
        while not re.search(rb"[\r\n]" + END.encode(), shown):
            shown += os.read(self.screen, 4096)
        return shown.decode()
