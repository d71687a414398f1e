"""codecov/codecov-action, v4 to v5: finds coverage reports and keeps them on this machine. Nothing is ever sent anywhere.

| input | here |
|---|---|
| files, file | as the original: comma-separated files and globs, beside those that are found |
| directory, root_dir, working-directory | where reports are looked for, as the original |
| disable_search, exclude | as the original |
| report_type | `coverage` or `test_results`, as the original |
| flags, name, env_vars | kept with the reports |
| fail_ci_if_error, handle_no_reports_found | as the original |
| dry_run | reports are found and summed up, and not kept |
| verbose | names every file that was looked at |
| run_command | `upload-coverage`; the others speak only with Codecov, and do nothing here |
| token, url, slug, use_oidc, use_legacy_upload_endpoint, git_service, job_code, report_code | accepted: nothing is sent |
| base_sha, commit_parent, override_branch, override_build, override_build_url, override_commit, override_pr, os | accepted: nothing is sent |
| network_filter, network_prefix, disable_file_fixes, force, recurse_submodules, codecov_yml_path | accepted: nothing is sent |
| binary, version, use_pypi, skip_validation, disable_telem, disable_safe_directory | accepted: Codecov's program is not run |
| plugin, plugins, gcov_args, gcov_executable, gcov_ignore, gcov_include, swift_project | accepted: no plugin is run, reports are taken as they are |

It has no outputs. The reports are a record of the run, with their flags, name and totals: `homeport artifacts` lists and unpacks it.
Totals are printed and in the step's summary, for the formats of `coverage_formats.py`. Source: the action's README and `action.yml`,
codecov-cli.
"""

import os
from collections.abc import Iterator

import msgspec

from homeport.ports.repositories import StoreError
from homeport.runner.actions.native.coverage_formats import Totals, UnreadableReportError, read_totals
from homeport.runner.actions.native.coverage_search import find_reports
from homeport.runner.actions.native.definition import Input, NativeDefinition
from homeport.runner.actions.native.inputs import get_text, is_true, resolve_path
from homeport.runner.actions.native.stopping import go_on_check
from homeport.runner.actions.native.targets import is_inside
from homeport.runner.folders import read_file, remove_tree, write_file
from homeport.runner.hash_files import GlobPattern, HashFilesError, find_files
from homeport.runner.host import ActionError, ActionHost


def _accepted(names: str) -> tuple[Input, ...]:
    return tuple(Input(name, "", "accepted") for name in names.split())


DEFINITION = NativeDefinition(
    name="codecov/codecov-action",
    inputs=(
        Input("files"),
        Input("file", deprecation="the input 'file' is deprecated: use 'files'"),
        Input("directory"),
        Input("root_dir"),
        Input("working-directory"),
        Input("disable_search", "false"),
        Input("exclude"),
        Input("report_type", "coverage"),
        Input("flags"),
        Input("name"),
        Input("env_vars"),
        Input("fail_ci_if_error", "false"),
        Input("handle_no_reports_found", "false"),
        Input("dry_run", "false"),
        Input("verbose", "false"),
        Input("run_command", "upload-coverage"),
        *_accepted("token url slug use_oidc use_legacy_upload_endpoint git_service job_code report_code"),
        *_accepted(
            "base_sha commit_parent override_branch override_build override_build_url override_commit override_pr os"
        ),
        *_accepted("network_filter network_prefix disable_file_fixes force recurse_submodules codecov_yml_path"),
        *_accepted("binary version use_pypi skip_validation disable_telem disable_safe_directory"),
        *_accepted("plugin plugins gcov_args gcov_executable gcov_ignore gcov_include swift_project"),
    ),
    outputs=(),
)

_COMMANDS = ("upload-coverage", "empty-upload", "pr-base-picking", "send-notifications")
_TYPES = {"coverage": False, "test_results": True, "testing": True}
_NO_REPORTS = "No coverage reports found. Please make sure you're generating reports successfully."


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One report of the record: `path` is its path in the repository, `file` that in the record."""

    path: str
    file: str
    covered: int | None = None
    lines: int | None = None


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What `upload.json` in the record says."""

    name: str
    flags: tuple[str, ...]
    report_type: str
    commit: str
    branch: str
    job: str
    variables: dict[str, str]
    reports: tuple[Report, ...]


def main(host: ActionHost) -> None:
    """Find, sum up, keep."""
    try:
        _upload(host)
    except ActionError as error:
        if is_true(host, "fail_ci_if_error"):
            raise
        host.annotate("warning", f"Codecov: {error}")


def _upload(host: ActionHost) -> None:
    command = get_text(host, "run_command")
    if command not in _COMMANDS:
        raise ActionError(f"Unknown run_command: '{command}'. Options are: {', '.join(_COMMANDS)}")
    kind = get_text(host, "report_type")
    if kind not in _TYPES:
        raise ActionError(f"Invalid report_type: '{kind}'. Options are: coverage, test_results")
    if command != "upload-coverage":
        host.log(
            f"'{command}' speaks only with Codecov, and nothing is sent anywhere from here: there is nothing to do"
        )
        return
    paths = _find(host, tests=_TYPES[kind])
    if not paths:
        if is_true(host, "handle_no_reports_found"):
            host.log(f"{_NO_REPORTS} 'handle_no_reports_found' is set, so this is no error.")
            return
        raise ActionError(_NO_REPORTS)
    host.log(f"Found {len(paths)} {'test result' if _TYPES[kind] else 'coverage'} files to report")
    totals = [_read(host, path, tests=_TYPES[kind]) for path in paths]
    _summarise(host, paths, totals)
    if is_true(host, "dry_run"):
        host.log("dry_run is set: the reports are not kept")
        return
    _keep(host, kind, paths, totals)


def _find(host: ActionHost, *, tests: bool) -> list[str]:
    base = resolve_path(host, get_text(host, "working-directory") or ".")
    folder = os.path.normpath(os.path.join(base, get_text(host, "directory") or get_text(host, "root_dir") or "."))
    found = list(_find_named(host, base))
    if not is_true(host, "disable_search"):
        if not os.path.isdir(folder):
            raise ActionError(f"the folder '{folder}' in which reports are to be found does not exist")
        exclude = [name.strip().rstrip("/") for name in get_text(host, "exclude").split(",") if name.strip()]
        found += find_reports(folder, exclude=exclude, tests=tests)
    inside = [path for path in dict.fromkeys(found) if is_inside(host, path)]
    if is_true(host, "verbose"):
        for path in dict.fromkeys(found):
            host.log(f"considered: {path}{'' if path in inside else ' (leads out of the workspace: left out)'}")
    return inside


def _find_named(host: ActionHost, base: str) -> Iterator[str]:
    text = ",".join(filter(None, (get_text(host, "files"), get_text(host, "file"))))
    missing: list[str] = []
    for name in filter(None, (part.strip().strip("'\"") for part in text.replace("\n", ",").split(","))):
        try:
            pattern = GlobPattern(name.removeprefix("./"), base, host.paths.home)
        except HashFilesError as error:
            raise ActionError(f"the input 'files': {error}") from error
        matching = [path for path in find_files([pattern], follow_links=False) if os.path.isfile(path)]
        if not matching:
            missing.append(name)
        yield from matching
    if missing:
        host.annotate("warning", f"Some files were not found: {', '.join(missing)}")


def _read(host: ActionHost, path: str, *, tests: bool) -> Totals | None:
    try:
        totals = None if tests else read_totals(read_file(path))
    except (OSError, UnreadableReportError) as error:
        host.annotate("warning", f"{_show(host, path)} cannot be read as a coverage report: {error}")
        return None
    shown = "" if totals is None else f": {totals.percent:.2f} % ({totals.covered} of {totals.lines} lines)"
    host.log(f"> {_show(host, path)}{shown}")
    return totals


def _show(host: ActionHost, path: str) -> str:
    return os.path.relpath(path, host.paths.workspace)


def _summarise(host: ActionHost, paths: list[str], totals: list[Totals | None]) -> None:
    known = [(path, total) for path, total in zip(paths, totals, strict=True) if total is not None]
    if not known:
        return
    flags = get_text(host, "flags")
    rows = [
        f"| `{_show(host, path).replace('|', '')}` | {total.percent:.2f} % | {total.covered} of {total.lines} |"
        for path, total in known
    ]
    title = "### Coverage" + (f" ({flags})" if flags else "")
    host.add_summary("\n".join([title, "", "| report | covered | lines |", "|---|---|---|", *rows, ""]))


def _keep(host: ActionHost, kind: str, paths: list[str], totals: list[Totals | None]) -> None:
    github = host.github
    names = [name.strip() for name in get_text(host, "env_vars").split(",") if name.strip()]
    record = Record(
        name=get_text(host, "name"),
        flags=tuple(flag.strip() for flag in get_text(host, "flags").split(",") if flag.strip()),
        report_type=kind,
        commit=str(github.get("sha") or ""),
        branch=str(github.get("head_ref") or github.get("ref_name") or ""),
        job=host.order.leg.key,
        variables={name: host.environment[name] for name in names if name in host.environment},
        reports=tuple(
            Report(
                path=_show(host, path),
                file=f"{number}-{os.path.basename(path)}",
                covered=total.covered if total else None,
                lines=total.lines if total else None,
            )
            for number, (path, total) in enumerate(zip(paths, totals, strict=True), 1)
        ),
    )
    description = os.path.join(host.paths.temp, f"codecov-{os.urandom(6).hex()}.json")
    write_file(description, msgspec.json.format(msgspec.json.encode(record), indent=1))
    files = [("upload.json", description)]
    files += [(report.file, path) for report, path in zip(record.reports, paths, strict=True)]
    try:
        artifact = host.artifacts.put(
            host.order.run,
            int(str(github.get("run_attempt") or "1")),
            host.order.leg.key,
            _name_record(host, kind),
            files,
            overwrite=True,
            check=go_on_check(host),
            is_record=True,
        )
    except (OSError, ValueError, StoreError) as error:
        raise ActionError(f"the reports could not be kept: {error}") from error
    finally:
        remove_tree(description)
    host.log(f"Kept on this machine as '{artifact.name}' ({artifact.size} bytes); nothing was sent to Codecov")


def _name_record(host: ActionHost, kind: str) -> str:
    """One for each step of a job; as plain as an artifact's name."""
    text = f"{'coverage' if kind == 'coverage' else 'test-results'}-{host.order.leg.key}-{host.github.get('action') or '1'}"
    return "".join(character if character.isalnum() or character in "-_." else "-" for character in text)
