"""The two stages of the cache family: restoring and saving, with the outputs and the words of the originals."""

from collections.abc import Callable

from homeport.runner.actions.native.caching import (
    find_cache,
    is_event_with_ref,
    is_same_key,
    restore_cache,
    save_cache,
)
from homeport.runner.actions.native.inputs import get_lines, get_text, is_true
from homeport.runner.host import ActionError, ActionHost

Remember = Callable[[str, str], None]
"""Takes what the stage found out: `cache-primary-key` and `cache-matched-key`."""


def restore(host: ActionHost, remember: Remember) -> None:
    """Look up, unpack, say what was found. Output `cache-hit` is `true`, `false` (by prefix), or not set at all (a miss)."""
    if not is_event_with_ref(host):
        return
    key = get_text(host, "key", required=True)
    remember("cache-primary-key", key)
    restore_keys, paths = get_lines(host, "restore-keys"), get_lines(host, "path", required=True)
    entry = find_cache(host, paths, key, restore_keys)
    lookup_only = is_true(host, "lookup-only")
    if entry is not None and lookup_only:
        host.log("Lookup only - skipping download")
    if entry is None or not (lookup_only or restore_cache(host, entry, paths)):
        if is_true(host, "fail-on-cache-miss"):
            raise ActionError(f"Failed to restore cache entry. Exiting as fail-on-cache-miss is set. Input key: {key}")
        host.log(f"Cache not found for input keys: {', '.join([key, *restore_keys])}")
        return
    remember("cache-matched-key", entry.key)
    host.set_output("cache-hit", str(is_same_key(key, entry.key)).lower())
    host.log(
        f"Cache found and can be restored from key: {entry.key}"
        if lookup_only
        else f"Cache restored from key: {entry.key}"
    )


def save(host: ActionHost, key: str, matched_key: str) -> bool:
    """Save unless the key was hit; False where it failed. It never fails the step: caching is a courtesy."""
    if not is_event_with_ref(host):
        return True
    if not key:
        host.log("[warning]Key is not specified.")
        return True
    if matched_key and is_same_key(key, matched_key):
        host.log(f"Cache hit occurred on the primary key {key}, not saving cache.")
        return True
    try:
        saved = save_cache(host, get_lines(host, "path", required=True), key)
    except ActionError as error:
        host.log(f"[warning]{error}")
        return False
    if saved:
        host.log(f"Cache saved with key: {key}")
    return saved
