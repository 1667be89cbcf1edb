"""The arguments of commands that are no run."""

from argparse import ArgumentParser
from typing import NoReturn

from unlearn_cli.errors import InputError


class Parser(ArgumentParser):
    """Errors in one line, as everywhere in this program."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message}; {self.prog} --help shows what there is")
