"""Prints a deployment manifest with $IMAGE and $VERSION filled in from the environment; a missing one is an error.

    IMAGE=… VERSION=… python3 scripts/render_manifest.py deploy/k8s-deployment.yml

Names that are for the reader of the manifest to set are written $${LIKE_THIS} in the template.
"""

import os
import string
import sys
from pathlib import Path

NAMES = ("IMAGE", "VERSION")


def render(template: str, values: dict[str, str]) -> str:
    """The template with its names replaced."""
    missing = [name for name in NAMES if not values.get(name)]
    if missing:
        sys.exit(f"::error title=Manifest::{', '.join(missing)} not set")
    return string.Template(template).substitute({name: values[name] for name in NAMES})


if __name__ == "__main__":
    print(render(Path(sys.argv[1]).read_text(encoding="utf-8"), dict(os.environ)), end="")
