"""actions/cache, v3 to v5: restores files by key, and saves them after a job that succeeded without finding the key.

| input | here |
|---|---|
| path | as the original: lines, globs, `!` exclusions, `~`; writing is confined to these paths |
| key, restore-keys | as the original: exact, then prefixes, newest first; own ref, base branch, default branch |
| lookup-only, fail-on-cache-miss | as the original |
| save-always | as the original, where it has no effect: its `post-if` does not read it |
| enableCrossOsArchive, upload-chunk-size | accepted: nothing to change here |

Output: `cache-hit`. Entries are kept up to 10 GiB a repository; those used longest ago go first.
"""

from homeport.runner.actions.native.cache_stages import restore, save
from homeport.runner.actions.native.definition import Input, NativeDefinition
from homeport.runner.actions.native.inputs import get_text
from homeport.runner.host import ActionHost

DEFINITION = NativeDefinition(
    name="actions/cache",
    inputs=(
        Input("path"),
        Input("key"),
        Input("restore-keys"),
        Input("upload-chunk-size", "", "accepted"),
        Input("enableCrossOsArchive", "false", "accepted"),
        Input("fail-on-cache-miss", "false"),
        Input("lookup-only", "false"),
        Input(
            "save-always",
            "false",
            deprecation="save-always does not work as intended and will be removed in a future release.\n"
            "A separate `actions/cache/restore` step should be used instead.\n"
            "See https://github.com/actions/cache/tree/main/save#always-save-cache for more details.\n",
        ),
    ),
    outputs=("cache-hit",),
    post_if="success() || github.event.inputs.save-always",
)


def main(host: ActionHost) -> None:
    """Restore."""
    restore(host, host.save_state)


def post(host: ActionHost) -> None:
    """Save."""
    key = host.state.get("cache-primary-key") or get_text(host, "key")
    save(host, key, host.state.get("cache-matched-key", ""))
