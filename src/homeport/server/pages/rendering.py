"""Turns templates into answers: what every page has around it, and the words that templates know."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from homeport.ports.access import Caller
from homeport.ports.clock import Clock
from homeport.ports.directory import HostedRepository
from homeport.present.html_ansi import render_ansi, split_marker
from homeport.present.html_words import STATE_WORDS, show_age, show_count, show_moment, show_size
from homeport.present.words import show_duration
from homeport.server.auth import find_identity
from homeport.server.pages.static_files import StaticFiles

THEME_COOKIE = "theme"
_THEMES = ("light", "dark")


class Pages:
    """Renders templates. Safe from any thread; may be slow enough not to belong on the event loop."""

    def __init__(self, static: StaticFiles, clock: Clock) -> None:
        self.static = static
        self._clock = clock
        self._environment = Environment(
            loader=PackageLoader("homeport.server"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.filters.update(_FILTERS)
        self._environment.filters["age"] = self._age
        self._environment.globals.update(static=static.address, menu=_menu)

    def prepare(self) -> None:
        """Read and compile all templates, as the first request for each would: that takes a tenth of a second for the larger ones."""
        for name in self._environment.list_templates():
            self._environment.get_template(name)

    def show(self, request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        """A whole page. `title` belongs to the values; `repository` and `section` where a page is one's of a repository."""
        return HTMLResponse(self.render(request, template, **values), status)

    def render(self, request: Request, template: str, **values: Any) -> str:
        """The text of it."""
        identity = find_identity(request)
        theme = request.cookies.get(THEME_COOKIE, "")
        around: dict[str, Any] = {
            "me": identity.caller,
            "form_token": identity.form_token,
            "theme": theme if theme in _THEMES else "",
            "path": request.url.path,
            "here": request.url.path + (f"?{request.url.query}" if request.url.query else ""),
            "query": request.query_params,
            "repository": None,
            "section": "",
            "now": self._clock.now(),
            "problem": "",
            "notice": _NOTICES.get(request.query_params.get("done", ""), ""),
        }
        return self._environment.get_template(template).render(around | values)

    def _age(self, then: datetime | None) -> Markup:
        """How long ago, with the moment itself for machines and for whoever points at it."""
        if then is None:
            return Markup("–")
        return Markup('<time datetime="{}" title="{}">{}</time>').format(
            then.isoformat(timespec="seconds"), show_moment(then), show_age(then, self._clock.now())
        )


_NOTICES = {
    "1": "Saved.",
    "saved": "Saved.",
    "removed": "Removed.",
    "started": "Started. The run appears here as soon as it is planned.",
    "cancelled": "The run was asked to end. Its cleanup steps still run.",
    "rerun": "A new attempt has begun.",
    "approved": "Approved.",
    "rejected": "Rejected.",
    "signed-out": "You are signed out.",
}


def with_query(path: str, **parameters: str) -> str:
    """An address with those parameters that are not empty."""
    given = {name: value for name, value in parameters.items() if value}
    return f"{path}?{urlencode(given)}" if given else path


def repository_path(repository: HostedRepository) -> str:
    """`/owner/name`."""
    return f"/{quote(repository.owner)}/{quote(repository.name)}"


def may(caller: Caller, role: str, repository: HostedRepository | None) -> bool:
    """For templates: whether to offer something."""
    return repository is not None and caller.may(role, repository)  # type: ignore[arg-type]


def _show_ref(ref: str) -> str:
    """`main` of `refs/heads/main`, `#12` of a pull request's."""
    if ref.startswith("refs/pull/"):
        return f"#{ref.split('/')[2]}"
    return ref.removeprefix("refs/heads/").removeprefix("refs/tags/")


def _menu(options: Sequence[str], anything: str, chosen: str) -> list[tuple[str, str]]:
    """The options of a filter: anything first, and whatever is chosen, also where it is not among the options any more."""
    known = list(options) if not chosen or chosen in options else [chosen, *options]
    return [("", anything), *((option, option) for option in known)]


def _ansi(text: str) -> Markup:
    return Markup(render_ansi(text))  # noqa: S704 - it escapes; tests/unit/present hold it to that


def _between(start: datetime | None, end: datetime | None) -> str:
    return "" if start is None or end is None else show_duration((end - start).total_seconds())


_FILTERS: dict[str, Callable[..., Any]] = {
    "ansi": _ansi,
    "between": _between,
    "count": show_count,
    "duration": show_duration,
    "may": may,
    "moment": show_moment,
    "path_of": repository_path,
    "ref": _show_ref,
    "segment": lambda text: quote(str(text), safe=""),
    "size": show_size,
    "unmarked": lambda line: split_marker(line)[1],
    "state_word": lambda state: STATE_WORDS.get(state, state.replace("_", " ")),
}
