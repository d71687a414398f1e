"""Gives a job its access to the toolkit's services, where its steps may need it, and tells actions where they are.

Source: actions/runner `NodeScriptActionHandler` and `ContainerActionHandler` (`ACTIONS_RUNTIME_URL` and its siblings for the processes
of actions), `Handler` (`ACTIONS_ID_TOKEN_REQUEST_…` for all steps).
"""

from collections.abc import Mapping, Sequence

from homeport.language import nodes
from homeport.runner.actions.model import NodeAction
from homeport.runner.session import JobSession

_CLONES_FROM = "github-server-url"
"""The input by which actions/checkout can be told a server: an action that has it fetches from GITHUB_SERVER_URL."""
CONTAINERS_NAME = "homeport.localhost"
"""How containers call this machine: a name that the client packages take for GitHub's own (it ends in `.localhost`)"""
_LOOPBACK = "127.0.0.1,localhost,.localhost"


def open_toolkit(session: JobSession, uses: Sequence[nodes.UsesStep]) -> None:
    """Open the job's services, where an action or `permissions` may ask for them; plain commands need none. Raises `OSError`.

    Without a token of the user's, the job's own one is `github.token` from here on.
    """
    if session.order.leg.permissions.get("id-token") == "write" or _may_call(session, uses):
        _open(session)


def list_variables(session: JobSession, action: NodeAction) -> Mapping[str, str]:
    """What the processes of a JavaScript action get besides what every step gets. Raises `OSError`."""
    _open(session)  # a step that was native when the job began may be the original now
    toolkit = session.toolkit
    if toolkit is None:
        return {}
    gateway = session.gateway
    variables = dict(toolkit.variables if not gateway else reach_from_containers(session, gateway))
    session.masker.add(*toolkit.secrets)
    if any(declared.name.lower() == _CLONES_FROM for declared in action.action.inputs):
        address = toolkit.address
        variables["GITHUB_SERVER_URL"] = (
            f"http://{CONTAINERS_NAME}:{address.rpartition(':')[2]}" if gateway else address
        )
    return {**variables, **_avoid_proxy(session)}


def reach_from_containers(session: JobSession, gateway: str) -> Mapping[str, str]:
    """What processes in containers get: those know this machine as `CONTAINERS_NAME`, which is `gateway` (its address in the job's
    network). Nothing where there is no toolkit. Raises `OSError`.
    """
    _open(session)
    if session.toolkit is None or session.services.toolkit is None or not gateway:
        return {}
    session.services.toolkit.listen_on(gateway)
    variables = session.toolkit.variables_at(CONTAINERS_NAME)
    session.masker.add(*session.toolkit.secrets)
    return {**variables, **_avoid_proxy(session)}


def _open(session: JobSession) -> None:
    if session.toolkit is not None or session.services.toolkit is None:
        return
    given = str(session.contexts["secrets"].get("GITHUB_TOKEN") or "")
    session.toolkit = toolkit = session.services.toolkit.open(
        session.order, given, session.identity_token, session.server_token
    )
    session.masker.add(*toolkit.secrets)
    if not given:
        session.github["token"] = toolkit.token
        session.contexts["secrets"] = {**session.contexts["secrets"], "GITHUB_TOKEN": toolkit.token}
    if toolkit.identity_variables:
        session.variables.update({**toolkit.identity_variables, **_avoid_proxy(session)})


def _may_call(session: JobSession, uses: Sequence[nodes.UsesStep]) -> bool:
    if not uses:
        return False
    # many jobs use no actions
    from homeport.runner.actions.native.registry import find_native  # noqa: PLC0415

    if session.settings.preference == "upstream":
        return True
    return any(find_native(step.uses.value.partition("@")[0]) is None for step in uses)


def _avoid_proxy(session: JobSession) -> dict[str, str]:
    """Loopback is not behind the machine's proxy, whatever the machine's settings say."""
    environment = session.search_environment
    if not any(name.lower().endswith("_proxy") for name in environment):
        return {}
    known = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
    merged = f"{known},{_LOOPBACK}" if known else _LOOPBACK
    return {"no_proxy": merged, "NO_PROXY": merged}
