"""actions/cache/save, v3 to v5: saves files under a key.

| input | here |
|---|---|
| path, key | as actions/cache |
| enableCrossOsArchive, upload-chunk-size | accepted: nothing to change here |

It has no outputs. A key that is taken is a warning, as there.
"""

from homeport.runner.actions.native.cache_stages import save
from homeport.runner.actions.native.definition import Input, NativeDefinition
from homeport.runner.actions.native.inputs import get_text
from homeport.runner.host import ActionHost

DEFINITION = NativeDefinition(
    name="actions/cache/save",
    inputs=(
        Input("path"),
        Input("key"),
        Input("upload-chunk-size", "", "accepted"),
        Input("enableCrossOsArchive", "false", "accepted"),
    ),
    outputs=(),
)


def main(host: ActionHost) -> None:
    """Save."""
    if not save(host, get_text(host, "key"), ""):
        host.annotate("warning", "Cache save failed.")
