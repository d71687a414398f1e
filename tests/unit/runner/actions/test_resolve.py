"""What a `uses` stands for, and what is said where it stands for nothing that can be run."""

from pathlib import Path
from textwrap import dedent

import pytest

from homeport.diagnostics.span import Span
from homeport.language import nodes
from homeport.language.tokens import ExpressionToken, StringToken
from homeport.runner.actions.model import (
    ActionUnavailableError,
    CompositeAction,
    DockerAction,
    NativeAction,
    NodeAction,
    ResolvedAction,
    Surroundings,
)
from homeport.runner.actions.native.inputs import parse_major
from homeport.runner.actions.native.registry import NATIVE
from homeport.runner.actions.resolve import resolve_action
from homeport.store.action_locations import parse_sources
from homeport.store.actions_folder import FolderActions
from tests.support.action_host import PATH, FolderSources, make_order, make_paths
from tests.support.git_folders import commit, git, init, write
from tests.support.jobs import SystemClock

PLACE = Span(".github/workflows/ci.yml", 7, 15, 7, 30)

COMPOSITE = """
    name: A
    description: A
    runs:
      using: composite
      steps:
        - run: echo hi
          shell: bash
"""
JAVASCRIPT = """
    name: A
    description: A
    runs: {using: node20, main: main.js, post: post.js}
"""


class Setting:
    """A job whose repository and workspace are folders of the test."""

    def __init__(self, root: Path) -> None:
        self.paths = make_paths(root / "job")
        self.workspace = Path(self.paths.workspace)
        self.source = root / "source"
        self.path = PATH
        self.in_place = False
        self.upstream = False
        self.published: Path | None = None

    def resolve(self, uses: str) -> ResolvedAction:
        head = git(self.source, "rev-parse", "HEAD") if (self.source / ".git").exists() else "0" * 40
        surroundings = Surroundings(
            order=make_order({"sha": head}),
            paths=self.paths,
            sources=FolderSources(self.source, in_place=self.in_place),
            environment={"PATH": self.path},
            preference="upstream" if self.upstream else "native",
            actions=None if self.published is None else self.open_actions(self.published),
        )
        return resolve_action(StringToken(uses, PLACE), surroundings)

    def open_actions(self, folder: Path) -> FolderActions:
        return FolderActions(str(folder / "home"), parse_sources([str(folder)], "/"), {"PATH": PATH}, SystemClock())

    def refusal(self, uses: str) -> ActionUnavailableError:
        with pytest.raises(ActionUnavailableError) as caught:
            self.resolve(uses)
        return caught.value


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    return Setting(tmp_path)


def put(folder: Path, **files: str) -> None:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))


# --- of the workspace ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", ["action_dot_yml", "action_dot_yaml"])
def test_an_action_of_the_workspace_is_read(setting: Setting, file: str) -> None:
    put(setting.workspace, **{f"actions__a__{file}": COMPOSITE})
    action = setting.resolve("./actions/a")
    assert isinstance(action, CompositeAction)
    assert action.folder == str(setting.workspace / "actions" / "a")
    assert action.origin.uses == "./actions/a"
    assert (action.origin.repository, action.origin.ref) == ("", "")
    assert action.action.file == f"actions/a/{file.replace('_dot_', '.')}"


@pytest.mark.parametrize("uses", [".", "./"])
def test_the_root_of_the_workspace_may_be_an_action(setting: Setting, uses: str) -> None:
    put(setting.workspace, action_dot_yml=COMPOSITE)
    assert isinstance(setting.resolve(uses), CompositeAction)


def test_an_action_that_is_not_there_has_githubs_words(setting: Setting) -> None:
    error = setting.refusal("./missing")
    assert error.span == PLACE
    assert error.message == (
        f"Can't find 'action.yml', 'action.yaml' or 'Dockerfile' under '{setting.workspace}/missing'. "
        "Did you forget to run actions/checkout before running your local action?"
    )


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("runs: [", "", 2),
        ("name: x\nruns:\n  using: node20\n", "main", 2),
        ("name: x\nruns:\n  using: composite\n  steps:\n    - run: x\n", "shell", 5),
        ("", "", 1),
        ("\0", "", 1),
    ],
)
def test_an_action_file_that_is_wrong_is_blamed_at_its_place(
    setting: Setting, text: str, message: str, line: int
) -> None:
    put(setting.workspace, a__action_dot_yml=text)
    error = setting.refusal("./a")
    assert message in error.message
    assert (error.span.file, error.span.line) in {("a/action.yml", line), (PLACE.file, PLACE.line)}


@pytest.mark.parametrize(
    ("text", "image"),
    [
        ("name: d\ndescription: d\nruns: {using: docker, image: build/Dockerfile}\n", "build/Dockerfile"),
        ("name: d\ndescription: d\nruns: {using: docker, image: 'docker://alpine:3'}\n", "docker://alpine:3"),
        (None, "Dockerfile"),
    ],
)
def test_a_container_action_is_described_by_its_file_or_its_dockerfile(
    setting: Setting, text: str | None, image: str
) -> None:
    put(setting.workspace, a__Dockerfile="FROM scratch\n", **({"a__action_dot_yml": text} if text else {}))
    action = setting.resolve("./a")
    assert isinstance(action, DockerAction)
    assert isinstance(action.runs.image, StringToken)
    assert (action.folder, action.runs.image.value) == (str(setting.workspace / "a"), image)
    assert not action.is_image


def test_an_image_is_an_action_without_a_folder(setting: Setting) -> None:
    action = setting.resolve("docker://alpine:3")
    assert isinstance(action, DockerAction)
    assert isinstance(action.runs.image, StringToken)
    assert (action.folder, action.runs.image.value, action.action.inputs) == ("", "docker://alpine:3", ())
    assert action.is_image


# --- JavaScript ------------------------------------------------------------------------------------------------------


def test_a_javascript_action_comes_with_its_node(setting: Setting) -> None:
    put(setting.workspace, a__action_dot_yml=JAVASCRIPT, a__main_dot_js="", a__post_dot_js="")
    action = setting.resolve("./a")
    assert isinstance(action, NodeAction)
    assert Path(action.node).name == "node"
    assert action.folder == str(setting.workspace / "a")


def test_a_file_that_a_javascript_action_lacks_is_named(setting: Setting) -> None:
    put(setting.workspace, a__action_dot_yml=JAVASCRIPT, a__main_dot_js="")
    error = setting.refusal("./a")
    assert error.message == f"File not found: '{setting.workspace}/a/post.js'"
    assert error.span.file == "a/action.yml"


def test_where_there_is_no_node_it_is_said_what_to_do(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    put(setting.workspace, a__action_dot_yml=JAVASCRIPT, a__main_dot_js="", a__post_dot_js="")
    setting.path = "/nowhere"
    monkeypatch.setattr("sys.path", [])
    error = setting.refusal("./a")
    assert "no Node.js on this machine" in error.message
    assert error.hint is not None
    assert "pip install 'homeport[node]'" in error.hint


# --- of the repository ($/) ------------------------------------------------------------------------------------------


@pytest.fixture
def with_source(setting: Setting) -> Setting:
    init(setting.source)
    put(setting.source, actions__a__action_dot_yml=COMPOSITE, shared__lib_dot_sh="committed")
    commit(setting.source)
    return setting


def test_an_action_of_the_repository_needs_no_checkout(with_source: Setting) -> None:
    write(with_source.source, shared__lib_dot_sh="changed", new="new")
    action = with_source.resolve("$/actions/a")
    assert isinstance(action, CompositeAction)
    assert list(with_source.workspace.iterdir()) == []
    folder = Path(action.folder)
    assert folder.is_relative_to(with_source.paths.actions)
    assert (folder / ".." / ".." / "shared" / "lib.sh").read_text() == "changed"
    assert (action.origin.repository, action.origin.ref) == ("octo/repo", "")
    assert action.origin.version == git(with_source.source, "rev-parse", "HEAD")


def test_the_repository_is_not_copied_through_a_link(with_source: Setting, tmp_path: Path) -> None:
    actions = Path(with_source.paths.actions)
    actions.rmdir()
    (tmp_path / "outside").mkdir()
    actions.symlink_to(tmp_path / "outside")
    assert "the folder of actions is a link" in with_source.refusal("$/actions/a").message
    assert list((tmp_path / "outside").iterdir()) == []


def test_the_repository_is_copied_once_a_job(with_source: Setting) -> None:
    first = with_source.resolve("$/actions/a")
    write(with_source.source, actions__a__action_dot_yml="changed while the job runs")
    second = with_source.resolve("$/actions/a")
    assert isinstance(first, CompositeAction)
    assert isinstance(second, CompositeAction)
    assert first.folder == second.folder


def test_in_place_the_repository_itself_is_used(with_source: Setting) -> None:
    with_source.in_place = True
    action = with_source.resolve("$/actions/a")
    assert isinstance(action, CompositeAction)
    assert action.folder == str(with_source.source / "actions" / "a")


@pytest.mark.parametrize("uses", ["$/../outside", "$/missing"])
def test_what_is_not_in_the_repository_is_refused(with_source: Setting, uses: str) -> None:
    error = with_source.refusal(uses)
    assert error.span == PLACE
    assert "not in the repository" in error.message or "Can't find 'action.yml'" in error.message


def test_a_repository_that_cannot_be_read_is_refused(with_source: Setting) -> None:
    (with_source.source / ".git" / "index").write_text("garbage")
    assert "cannot be read for its own actions" in with_source.refusal("$/actions/a").message
    assert list(Path(with_source.paths.actions).iterdir()) == []


# --- published -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NATIVE)
def test_every_native_action_is_found_with_its_inputs(setting: Setting, name: str) -> None:
    native = NATIVE[name]
    action = setting.resolve(f"{name}@v{native.newest}")
    assert isinstance(action, NativeAction)
    assert action.module == native.module
    assert action.origin.repository == "/".join(name.split("/")[:2])
    assert action.origin.ref == f"v{native.newest}"
    assert action.origin.version.endswith(f"(as v{native.newest})")
    assert action.inputs


@pytest.mark.parametrize(
    ("uses", "behaves_as"),
    [
        ("actions/checkout@v4", 4),
        ("actions/checkout@v4.2.2", 4),
        ("Actions/Checkout@v5", 5),
        ("actions/checkout@main", 6),
        ("actions/checkout@" + "ab12" * 10, 6),
        ("actions/checkout@v2.0.0", 2),
        ("actions/checkout@v99", 6),
        ("actions/cache/restore@v4", 4),
    ],
)
def test_any_ref_of_a_known_major_is_native(setting: Setting, uses: str, behaves_as: int) -> None:
    action = setting.resolve(uses)
    assert isinstance(action, NativeAction)
    assert action.origin.version.endswith(f"(as v{behaves_as})")


def test_defaults_are_expressions_where_the_originals_are(setting: Setting) -> None:
    action = setting.resolve("actions/checkout@v4")
    assert isinstance(action, NativeAction)
    defaults = {row.name: row.default for row in action.inputs}
    assert isinstance(defaults["repository"], ExpressionToken)
    assert defaults["repository"].source == "github.repository"
    depth = defaults["fetch-depth"]
    assert isinstance(depth, StringToken)
    assert depth.value == "1"
    assert defaults["ref"] is None


@pytest.mark.parametrize(
    ("uses", "condition"),
    [
        ("actions/checkout@v4", "always()"),
        ("actions/setup-python@v5", "success()"),
        ("actions/cache@v4", "success() || github.event.inputs.save-always"),
        ("actions/cache/save@v4", None),
        ("actions/upload-artifact@v4", None),
    ],
)
def test_post_stages_are_those_of_the_originals(setting: Setting, uses: str, condition: str | None) -> None:
    action = setting.resolve(uses)
    assert isinstance(action, NativeAction)
    assert action.has_post is (condition is not None)
    found = action.post_condition
    assert (found.expression.source if isinstance(found, nodes.Condition) else None) == condition


@pytest.fixture
def with_actions(setting: Setting, tmp_path: Path) -> Setting:
    """A folder of published actions."""
    setting.published = tmp_path / "published"
    for name in ("o/a", "actions/cache", "actions/checkout"):
        put(setting.published, **{f"{name}/action_dot_yml": COMPOSITE})
        init(setting.published / name)
        commit(setting.published / name)
        git(setting.published / name, "tag", "v1")
    return setting


def published(setting: Setting, name: str) -> Path:
    assert setting.published is not None
    return setting.published / name


def test_a_published_action_stands_where_githubs_runner_puts_it(with_actions: Setting) -> None:
    action = with_actions.resolve("o/a@v1")
    assert isinstance(action, CompositeAction)
    assert action.folder == f"{with_actions.paths.actions}/o/a/v1"
    assert action.origin.version == git(published(with_actions, "o/a"), "rev-parse", "HEAD")
    assert (action.origin.repository, action.origin.ref, action.origin.remarks) == ("o/a", "v1", ())
    assert action.action.file == "o/a/action.yml@v1"


def test_an_older_major_than_the_native_one_runs_as_published_and_says_so(with_actions: Setting) -> None:
    action = with_actions.resolve("actions/cache@v1")
    assert isinstance(action, CompositeAction)
    (remark,) = action.origin.remarks
    assert "'actions/cache@v1' is older than what Homeport has natively (actions/cache@v3 to v" in remark
    assert isinstance(with_actions.resolve("actions/cache@v4"), NativeAction)


def test_an_older_major_that_cannot_be_had_is_refused_with_what_to_use(with_actions: Setting) -> None:
    error = with_actions.refusal("actions/setup-python@v1")
    assert "older than what Homeport has natively" in error.message
    assert "Repository not found: actions/setup-python" in error.message
    assert error.hint is not None
    assert error.hint.startswith("use actions/setup-python@v")


def test_upstream_runs_the_published_one_instead_of_the_native(with_actions: Setting) -> None:
    assert isinstance(with_actions.resolve("actions/checkout@main"), NativeAction)
    with_actions.upstream = True
    assert isinstance(with_actions.resolve("actions/checkout@main"), CompositeAction)


def test_a_ref_that_does_not_exist_has_githubs_words(with_actions: Setting) -> None:
    error = with_actions.refusal("o/a@v9")
    assert error.message == "Unable to resolve action `o/a@v9`, unable to find version `v9`"
    assert error.span == PLACE
    assert with_actions.refusal("o/a@abc1234").hint == "a commit has to be written in full"


def test_a_repository_that_does_not_exist_is_named_with_where_it_was_looked_for(with_actions: Setting) -> None:
    error = with_actions.refusal("o/none@v1")
    assert error.message == "Unable to resolve action. Repository not found: o/none"
    assert str(with_actions.published) in (error.hint or "")


def test_a_path_without_an_action_has_githubs_words(with_actions: Setting) -> None:
    error = with_actions.refusal("o/a/below@v1")
    assert error.message == "Can't find 'action.yml', 'action.yaml' or 'Dockerfile' for action 'o/a/below@v1'."


def test_a_path_below_a_native_action_is_another_action(with_actions: Setting) -> None:
    assert "for action 'actions/checkout/sub@v1'" in with_actions.refusal("actions/checkout/sub@v1").message


def test_a_ref_with_braces_is_a_ref(with_actions: Setting) -> None:
    git(published(with_actions, "o/a"), "tag", "v{1}")
    assert with_actions.resolve("o/a@v{1}").origin.ref == "v{1}"


@pytest.mark.parametrize("uses", ["o/a@../../x", "o/..@v1", "o/a@-x", "o@v1", "o/a@"])
def test_what_names_no_repository_or_ref_is_refused(with_actions: Setting, uses: str) -> None:
    assert "names no action" in with_actions.refusal(uses).message
    assert list(Path(with_actions.paths.actions).iterdir()) == []


def test_links_must_not_lead_out_of_the_repository(with_actions: Setting, tmp_path: Path) -> None:
    (tmp_path / "secret.yml").write_text("name: secret")
    folder = published(with_actions, "o/a")
    (folder / "linked").mkdir()
    (folder / "linked" / "action.yml").symlink_to(tmp_path / "secret.yml")
    (folder / "out").symlink_to(tmp_path)
    put(tmp_path, action_dot_yml=COMPOSITE)
    commit(folder)
    for uses in ("o/a/linked@main", "o/a/out@main"):
        assert "action.yml leads out of its repository" in with_actions.refusal(uses).message
    error = with_actions.refusal("o/a/../../..@main")
    assert "leads out of its repository" in error.message or "Can't find" in error.message


def test_a_link_of_the_workspace_must_not_lead_out_of_it(setting: Setting, tmp_path: Path) -> None:
    (tmp_path / "secret.yml").write_text("root:x:0")
    (setting.workspace / "a").mkdir()
    (setting.workspace / "a" / "action.yml").symlink_to(tmp_path / "secret.yml")
    error = setting.refusal("./a")
    assert "leads out of its repository" in error.message
    assert "root" not in error.message


def test_dollar_in_a_published_action_means_its_own_repository(with_actions: Setting) -> None:
    text = COMPOSITE.replace("- run: echo hi\n          shell: bash", "- uses: $/inner")
    put(published(with_actions, "o/a"), outer__action_dot_yml=text, inner__action_dot_yml=COMPOSITE)
    commit(published(with_actions, "o/a"))
    action = with_actions.resolve("o/a/outer@main")
    assert isinstance(action, CompositeAction)
    (step,) = action.runs.steps
    assert isinstance(step, nodes.UsesStep)
    assert step.uses.value == "o/a/inner@main"


def test_without_any_source_it_is_said(setting: Setting) -> None:
    assert "has no source of published actions" in setting.refusal("o/a@v1").message


@pytest.mark.parametrize(
    ("ref", "major"),
    [
        ("v4", 4),
        ("4", 4),
        ("v4.1.2", 4),
        ("releases/v1", 1),
        ("main", None),
        ("v4-beta", None),
        ("4f" * 20, None),
        ("", None),
    ],
)
def test_majors_are_read_from_refs(ref: str, major: int | None) -> None:
    assert parse_major(ref) == major
