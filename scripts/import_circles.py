"""A contract for import-linter: no module imports itself by way of others, be it in annotations alone."""

import grimp
import networkx
from importlinter import Contract, ContractCheck, output


class NoCircles(Contract):
    """Looks at single modules, where import-linter's own contract looks at packages."""

    def check(self, graph: grimp.ImportGraph, verbose: bool) -> ContractCheck:
        whole = grimp.build_graph("unlearn_cli")  # with what is imported for annotations
        imports = networkx.DiGraph(
            (module, other)
            for module in whole.modules
            for other in whole.find_modules_directly_imported_by(module)
        )
        circles = [sorted(part) for part in networkx.strongly_connected_components(imports) if len(part) > 1]
        return ContractCheck(kept=not circles, metadata={"circles": circles})

    def render_broken_contract(self, check: ContractCheck) -> None:
        for circle in check.metadata["circles"]:
            output.print_error("these import each other: " + ", ".join(circle))
