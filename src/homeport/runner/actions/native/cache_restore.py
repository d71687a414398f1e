"""actions/cache/restore, v3 to v5: restores files by key.

| input | here |
|---|---|
| path, key, restore-keys | as actions/cache |
| lookup-only, fail-on-cache-miss | as the original |
| enableCrossOsArchive | accepted: nothing to change here |

Outputs: `cache-hit`, `cache-primary-key`, `cache-matched-key`.
"""

from homeport.runner.actions.native.cache_stages import restore
from homeport.runner.actions.native.definition import Input, NativeDefinition
from homeport.runner.host import ActionHost

DEFINITION = NativeDefinition(
    name="actions/cache/restore",
    inputs=(
        Input("path"),
        Input("key"),
        Input("restore-keys"),
        Input("enableCrossOsArchive", "false", "accepted"),
        Input("fail-on-cache-miss", "false"),
        Input("lookup-only", "false"),
    ),
    outputs=("cache-hit", "cache-primary-key", "cache-matched-key"),
)


def main(host: ActionHost) -> None:
    """Restore."""
    restore(host, host.set_output)
