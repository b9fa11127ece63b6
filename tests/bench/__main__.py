"""`python -m tests.bench [NAME…]`: figures against the aims. Without names every bench of this folder is run."""

from __future__ import annotations

import importlib
import pkgutil
import sys

from tests import bench
from tests.bench.figures import table

PREFIX = "bench_"


def main(wanted: list[str]) -> int:
    """Run and print. A missed aim is told but is no failure: machines differ, and a busy one misses them all."""
    names = [m.name.removeprefix(PREFIX) for m in pkgutil.iter_modules(bench.__path__) if m.name.startswith(PREFIX)]
    unknown = sorted(set(wanted) - set(names))
    if unknown:
        print(f"no bench called {', '.join(unknown)}; there are: {', '.join(names)}", file=sys.stderr)
        return 2
    for name in wanted or names:
        module = importlib.import_module(f"tests.bench.{PREFIX}{name}")
        title = (module.__doc__ or name).strip().splitlines()[0]
        print(table(title, module.run()), flush=True)
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
