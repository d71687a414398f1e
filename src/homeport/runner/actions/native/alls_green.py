"""re-actors/alls-green, v1 to v1: whether all needed jobs ended well, as one check that branch rules can require.

| input | here |
|---|---|
| jobs | as the original: `toJSON(needs)` |
| allowed-failures | as the original: names as a JSON list, or separated by commas; they may end as they like |
| allowed-skips | as the original: names of jobs that may also be skipped |

Outputs: `failure`, `result`, `success`. What it prints is in the step's summary too. Source: the action's README and
`src/normalize_needed_jobs_status.py`.
"""

import msgspec

from homeport.runner.actions.native.definition import Input, NativeDefinition
from homeport.runner.actions.native.inputs import get_text
from homeport.runner.host import ActionError, ActionHost

DEFINITION = NativeDefinition(
    name="re-actors/alls-green",
    inputs=(Input("jobs"), Input("allowed-failures", "[]"), Input("allowed-skips", "[]")),
    outputs=("failure", "result", "success"),
)

_INVALID = "❌ Invalid input jobs matrix, please provide a non-empty `needs` context"
_MARKS = {"success": "✓", "failure": "❌"}


class _Job(msgspec.Struct, frozen=True):
    result: str


def main(host: ActionHost) -> None:
    """Judge the jobs; the step fails where one that had to succeed did not."""
    jobs = _read_jobs(host)
    failures, skips = _read_names(host, "allowed-failures"), _read_names(host, "allowed-skips")
    if not jobs:
        host.add_summary(f"# {_INVALID}\n")
        raise ActionError(_INVALID)
    is_green = all(_is_acceptable(name, job.result, failures, skips) for name, job in jobs.items())
    host.set_output("failure", str(not is_green).lower())
    host.set_output("result", "success" if is_green else "failure")
    host.set_output("success", str(is_green).lower())
    lines = _describe(jobs, failures, skips, is_green=is_green)
    host.log("\n".join(lines))
    host.add_summary("\n".join([*lines, ""]))
    if not is_green:
        raise ActionError("Some of the required to succeed jobs failed")


def _read_jobs(host: ActionHost) -> dict[str, _Job]:
    text = get_text(host, "jobs", required=True)
    try:
        return msgspec.json.decode(text, type=dict[str, _Job] | None) or {}
    except msgspec.DecodeError as error:
        raise ActionError(f"the input 'jobs' is not what `toJSON(needs)` gives: {error}") from error


def _read_names(host: ActionHost, name: str) -> frozenset[str]:
    text = get_text(host, name)
    try:
        names = msgspec.json.decode(text, type=list[str])
    except msgspec.DecodeError:
        names = [part.strip() for part in text.split(",")]
    return frozenset(filter(None, names))


def _is_acceptable(name: str, result: str, failures: frozenset[str], skips: frozenset[str]) -> bool:
    return name in failures or result == "success" or (name in skips and result == "skipped")


def _describe(jobs: dict[str, _Job], failures: frozenset[str], skips: frozenset[str], *, is_green: bool) -> list[str]:
    lines = [
        "# ✓ All of the required dependency jobs succeeded 🎉🎉🎉"
        if is_green
        else "# ❌ Some of the required to succeed jobs failed 😢😢😢",
        "",
    ]
    if failures:
        lines.append(
            "🛈 All of the allowed to fail dependency jobs succeeded."
            if _have_succeeded(jobs, failures)
            else "🛈 Some of the allowed to fail jobs did not succeed."
        )
    if skips:
        lines.append(
            "🛈 All of the allowed to be skipped dependency jobs succeeded."
            if _have_succeeded(jobs, skips)
            else "🛈 Some of the allowed to be skipped jobs did not succeed."
        )
    lines.append("📝 Job statuses:")
    for name, job in jobs.items():
        status = "required to succeed"
        if name in failures:
            status = "allowed to fail"
        elif name in skips:
            status = "required to succeed or be skipped"
        lines.append(f"📝 {name} → {_MARKS.get(job.result, '⬜')} {job.result} [{status}]")
    return lines


def _have_succeeded(jobs: dict[str, _Job], names: frozenset[str]) -> bool:
    return all(job.result == "success" for name, job in jobs.items() if name in names)
