"""Prints what the integrations named on the command line need, as their manifests say; for pip, within the image."""

import json
import sys
from importlib.util import find_spec
from pathlib import Path


def needed(names: list[str]) -> set[str]:
    """Requirements of the integrations *names* and of those that they depend on."""
    spec = find_spec("homeassistant")
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent / "components"
    seen: set[str] = set()
    found: set[str] = set()
    while names:
        name = names.pop()
        if name in seen:
            continue
        seen.add(name)
        manifest = json.loads((folder / name / "manifest.json").read_text(encoding="utf-8"))
        found.update(manifest.get("requirements", []))
        names.extend(manifest.get("dependencies", []))
    return found


if __name__ == "__main__":
    print("\n".join(sorted(needed(sys.argv[1:]))))
