"""What a runner is told once: who it is, how it is to behave, and what it may use."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal

import msgspec

from homeport.ports.action_sources import ActionSources
from homeport.ports.artifacts import ArtifactStore
from homeport.ports.caches import CacheStore
from homeport.ports.clock import Clock
from homeport.ports.containers import ContainerEngines, ServiceHost
from homeport.ports.executor import Executor
from homeport.ports.toolkit import Toolkit
from homeport.runner.actions.model import ResolveAction
from homeport.runner.host import Sources

if TYPE_CHECKING:
    from homeport.ports.kept_workspaces import KeptWorkspaces


class FailedStep(msgspec.Struct, frozen=True, kw_only=True):
    """Where a step failed: enough to open a shell there. `environment` is what the step's own commands had."""

    run: str
    job: str
    step: str
    number: int
    name: str
    working_directory: str
    environment: dict[str, str]


class RunnerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`name` is `runner.name`; `environment` is `runner.environment`."""

    name: str
    environment: Literal["github-hosted", "self-hosted"] = "self-hosted"
    preference: Literal["native", "upstream"] = "native"
    """`--actions`"""
    strict_services: bool = False
    """what a service cannot be given as it was asked for fails the job, instead of being warned of"""
    images: Mapping[str, str] = {}
    """what labels stand for: jobs that name none run in this container (`--runner LABEL=container:IMAGE`)"""
    requires_container: bool = False
    """no job may run outside of one (`--executor container`)"""
    pause_on_failure: bool = False
    keep_failed_minutes: float = 0.0
    """how long the folders of failed jobs are kept (`Services.kept`); 0: not at all"""
    on_step_failure: Callable[[FailedStep], None] | None = None
    """called in the job's thread when a step failed, before anything else happens (`--shell-on-failure`)"""
    on_fault: Callable[[Exception], None] | None = None
    """told of an error that is Homeport's own; the job has failed by then"""


class Services(msgspec.Struct, frozen=True, kw_only=True):
    """The ports and parts that jobs use."""

    executor: Executor
    clock: Clock
    resolve: ResolveAction
    artifacts: ArtifactStore
    caches: CacheStore
    sources: Sources
    actions: ActionSources | None = None
    """None: there are no published actions here but those that Homeport carries itself"""
    service_host: ServiceHost | None = None
    """None: a job with services fails"""
    enclosed_services: ServiceHost | None = None
    """the same for jobs behind a wall: what their services do must not lead out"""
    containers: ContainerEngines | None = None
    """None: a job that needs a container fails"""
    toolkit: Toolkit | None = None
    kept: "KeptWorkspaces | None" = None
    """None: what failed jobs leave behind is not kept"""
    """None: actions find no services"""
