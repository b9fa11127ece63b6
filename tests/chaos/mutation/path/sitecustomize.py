"""Python imports this by itself in a process whose PYTHONPATH names this folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, ModuleType

_NAME = os.environ.get("CHAOS_MUTATION", "")


class _Loader(SourceFileLoader):
    def get_code(self, fullname: str) -> CodeType:
        # Never from the cache, and never into it.
        from tests.chaos.mutation import mutate

        source = mutate(_NAME, fullname, self.get_data(self.path).decode())
        return compile(source, self.path, "exec", dont_inherit=True)


class _Finder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not fullname.startswith("services."):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Loader(spec.loader.name, spec.loader.path)
        return spec


if _NAME:
    sys.meta_path.insert(0, _Finder())
