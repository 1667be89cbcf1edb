"""Types of settings read from the source of their classes: importing these would import PyTorch.

What is found is what the modules say at their top level, `from … import …` followed.
"""

import ast
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Name:
    """A name in a module, as that module uses it."""

    module: str
    name: str


@dataclass(frozen=True)
class Annotation:
    """A field's type, or a part of it, in the module that writes it."""

    module: str
    node: ast.expr

    def parts(self) -> list["Annotation"]:
        """The members of a union, aliases resolved; itself where it is none."""
        node = self.node
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return Annotation(self.module, ast.parse(node.value, mode="eval").body).parts()
        if isinstance(node, ast.BinOp):
            return [part for side in (node.left, node.right) for part in self._at(side).parts()]
        if self.name == "Annotated":
            return self.arguments()[0].parts()
        if isinstance(node, ast.Name) and isinstance(
            found := definition(Name(self.module, node.id)), Annotation
        ):
            return found.parts()
        return [self]

    @property
    def name(self) -> str:
        """`list` of `list[str]`, `bool` of itself."""
        node = self.node.value if isinstance(self.node, ast.Subscript) else self.node
        return node.id if isinstance(node, ast.Name) else ""

    @property
    def constant(self) -> object:
        """`None` and the values of a Literal are constants; of anything else `...`."""
        return self.node.value if isinstance(self.node, ast.Constant) else ...

    def arguments(self) -> list["Annotation"]:
        """What stands in its brackets."""
        if not isinstance(self.node, ast.Subscript):
            return []
        inside = self.node.slice
        return [self._at(one) for one in (inside.elts if isinstance(inside, ast.Tuple) else [inside])]

    def _at(self, node: ast.expr) -> "Annotation":
        return Annotation(self.module, node)


def fields(kind: Name) -> dict[str, Annotation]:
    """A class's annotated fields by name, those of its bases included."""
    found = definition(kind)
    if not isinstance(found, tuple):
        return {}
    module, node = found
    inherited: dict[str, Annotation] = {}
    for base in reversed(node.bases):
        inherited |= fields(Name(module, Annotation(module, base).name))
    own = {
        line.target.id: Annotation(module, line.annotation)
        for line in node.body
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name)
    }
    return inherited | own


def definition(name: Name) -> tuple[str, ast.ClassDef] | Annotation | None:
    """The class of that name with the module that it stands in, or what the name is an alias for."""
    for line in _lines(name.module):
        if isinstance(line, ast.ClassDef) and line.name == name.name:
            return name.module, line
        if isinstance(line, ast.Assign) and any(
            isinstance(t, ast.Name) and t.id == name.name for t in line.targets
        ):
            return Annotation(name.module, line.value)
        if isinstance(line, ast.ImportFrom) and line.module and not line.level:
            for alias in line.names:
                if (alias.asname or alias.name) == name.name:
                    return definition(Name(line.module, alias.name))
    return None


@cache
def _lines(module: str) -> list[ast.stmt]:
    """The top level of a module's file; nothing where there is none."""
    below = Path(*module.split("."))
    for folder in sys.path:
        for file in (Path(folder, below).with_suffix(".py"), Path(folder, below, "__init__.py")):
            if file.is_file():
                return ast.parse(file.read_bytes()).body
    return []
