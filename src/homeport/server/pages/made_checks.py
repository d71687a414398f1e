"""What the page of a run shows of the checks that its jobs have made themselves: the newest of each name, with what it says."""

from collections.abc import Iterable, Sequence

import msgspec
from markupsafe import Markup

from homeport.server.pages.markdown import render_markdown
from homeport.server.pages.run_values import AnnotationRow
from homeport.store.tables.made_checks import MadeAnnotation, MadeCheck

MOST_CHECKS = 50
_MOST_ANNOTATIONS = 20
_MOST_MARKDOWN = 128 * 1024
"""Characters on one page: what comes after them is not shown there, so that nobody can keep the server busy with it"""
_SEVERITIES = {"notice": "notice", "warning": "warning", "failure": "error"}
_STATES = {
    "queued": ("queued", "Queued"),
    "in_progress": ("running", "Running"),
    "waiting": ("waiting", "Waiting"),
    "requested": ("queued", "Requested"),
    "pending": ("queued", "Pending"),
    "success": ("success", "Succeeded"),
    "failure": ("failure", "Failed"),
    "timed_out": ("failure", "Ran out of time"),
    "action_required": ("action_required", "Needs somebody"),
    "cancelled": ("cancelled", "Cancelled"),
    "neutral": ("skipped", "Neutral"),
    "skipped": ("skipped", "Skipped"),
    "stale": ("skipped", "Out of date"),
}


class MadeCheckRow(msgspec.Struct, frozen=True, kw_only=True):
    """One check. `state` is how it is drawn, `words` what it is called."""

    id: int
    name: str
    state: str
    words: str
    title: str
    sha: str
    """the commit, where it is another one than the run's"""
    link: str
    """where its maker says more"""
    html: Markup
    is_cut: bool
    """whether more was said than is shown"""
    annotations: tuple[AnnotationRow, ...]
    more: int


def describe_made_checks(checks: Iterable[MadeCheck], sha: str) -> tuple[list[MadeCheckRow], int]:
    """The newest of each name in the order of their names, and how many there are beyond those shown. `checks` come newest first; `sha` is
    the commit of the run.
    """
    newest: dict[str, MadeCheck] = {}
    for check in checks:
        newest.setdefault(check.name.lower(), check)
    found = sorted(newest.values(), key=lambda check: check.name.lower())
    rows, left = [], _MOST_MARKDOWN
    for check in found[:MOST_CHECKS]:
        written = "\n\n".join(part for part in (check.summary, check.text) if part)
        is_cut = len(written) > left
        left -= 0 if is_cut else len(written)
        rows.append(_describe(check, sha, "" if is_cut else written, is_cut=is_cut))
    return rows, len(found) - len(rows)


def _describe(check: MadeCheck, sha: str, written: str, *, is_cut: bool) -> MadeCheckRow:
    state, words = _STATES[check.conclusion or check.status]
    shown = check.annotations[:_MOST_ANNOTATIONS]
    return MadeCheckRow(
        id=check.id,
        name=check.name,
        state=state,
        words=words,
        title=check.title or "",
        sha="" if check.sha == sha else check.sha[:10],
        link=check.details_url,
        html=Markup(render_markdown(written)) if written else Markup(),  # noqa: S704 - nh3 cleaned it
        is_cut=is_cut,
        annotations=tuple(_annotations(shown)),
        more=len(check.annotations) - len(shown),
    )


def _annotations(raised: Sequence[MadeAnnotation]) -> Iterable[AnnotationRow]:
    for each in raised:
        lines = f"{each.start_line}" if each.start_line == each.end_line else f"{each.start_line}-{each.end_line}"
        yield AnnotationRow(
            severity=_SEVERITIES[each.annotation_level],
            title=each.title or "",
            message=each.message if not each.raw_details else f"{each.message}\n\n{each.raw_details}",
            where=f"{each.path}:{lines}",
            job="",
            link="",
        )
