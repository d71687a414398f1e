"""Composite, JavaScript and native actions: stages and their order, scopes, inputs and outputs. With real processes and a real Node."""

import shutil
from pathlib import Path
from textwrap import dedent

import pytest

from homeport.language.nodes import InputDeclaration
from homeport.language.tokens import StringToken
from homeport.run.facts import AnnotationRaised, StepFinished, VersionResolved
from homeport.runner.actions.model import ActionUnavailableError, NativeAction, Origin, ResolvedAction, Surroundings
from homeport.runner.actions.resolve import resolve_action
from homeport.runner.host import ActionError, ActionHost
from tests.support.jobs import Bench, Report, stop_at_line

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="needs Node.js: install nodejs")


# --- a native action, as Homeport has them ---------------------------------------------------------------------------


def main(host: ActionHost) -> None:
    """The main stage of a native action that does whatever its inputs say."""
    host.log(f"main of {host.inputs.get('who', 'nobody')} in {host.job_status}, state {dict(host.state)}")
    host.save_state("seen", host.inputs.get("who", ""))
    host.set_output("result", "from native")
    host.export_variable("NATIVE", "exported")
    host.add_path("/native/bin")
    host.mask("mask-me")
    host.log("mask-me ::warning::not a command")
    if host.inputs.get("run"):
        host.log(f"code {host.run(['sh', '-c', host.inputs['run']])}")
        host.log(f"captured {host.capture(['sh', '-c', 'echo quiet; exit 3'])}")
    if host.inputs.get("fail"):
        raise ActionError(host.inputs["fail"])


def post(host: ActionHost) -> None:
    """Its post stage."""
    host.log(f"post of {host.state['seen']} in {host.job_status}")


def resolve(uses: StringToken, surroundings: Surroundings) -> ResolvedAction:
    """As in Homeport, but for the native actions of these tests."""
    name, _, ref = uses.value.partition("@")
    if name == "test/native":
        origin = Origin(uses=uses.value, repository=name, ref=ref, version="native")
        inputs = tuple(InputDeclaration(name=name, span=uses.span) for name in ("who", "run", "fail"))
        return NativeAction(origin=origin, module=__name__, inputs=inputs, has_post=True)
    if name.startswith("test/"):
        raise ActionUnavailableError(f"there is no action {uses.value}", uses.span, "use another one")
    return resolve_action(uses, surroundings)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path)
    bench.resolve = resolve
    tree = tmp_path / "tree"
    tree.mkdir()
    bench.in_place = str(tree)
    return bench


def put(bench: Bench, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = bench.folder / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))


def run(bench: Bench, steps: str, **order: object) -> Report:
    text = dedent(steps).replace("\n", "\n      ")
    return bench.run(f"on: push\njobs:\n  one:\n    runs-on: ubuntu-latest\n    steps:\n      {text}\n", **order)  # type: ignore[arg-type]


# --- composite actions -----------------------------------------------------------------------------------------------

GREET = """
    name: Greet
    inputs:
      who: {default: "${{ github.actor }}", required: true}
      old: {deprecationMessage: use who}
    outputs:
      greeting: {value: "${{ steps.say.outputs.text }} from ${{ inputs.who }}"}
    runs:
      using: composite
      steps:
        - id: say
          shell: bash
          env: {INNER: inner}
          run: |
            echo "text=hello" >> "$GITHUB_OUTPUT"
            echo "in $(basename "$GITHUB_ACTION_PATH") $INNER [$OUTER] [${{ env.OUTER }}] [$INPUT_WHO]"
            echo "FROM_ACTION=yes" >> "$GITHUB_ENV"
        - shell: bash
          run: echo "second [$INNER] $FROM_ACTION ${{ steps.say.conclusion }} $(basename ${{ github.action_path }})"
"""


def test_a_composite_action_has_its_own_inputs_steps_and_environment(bench: Bench) -> None:
    put(bench, {"greet/action.yml": GREET})
    report = run(
        bench,
        """\
        - id: greet
          uses: ./greet
          with: {who: Ada, odd: 1}
          env: {OUTER: outer}
        - id: after
          run: echo "${{ steps.greet.outputs.greeting }} / ${{ steps.say.outputs.text }} / $FROM_ACTION / [$INNER$OUTER]"
        """,
    )
    assert report.output("greet") == [
        "##[warning]Unexpected input(s) 'odd', valid inputs are ['who', 'old']",
        "in greet inner [outer] [outer] []",
        "second [] yes success greet",
    ]
    assert report.output("after") == ["hello from Ada /  / yes / []"]
    assert report.started == ["greet", "after"]
    assert report.step("greet").outputs == {"greeting": "hello from Ada"}


def test_the_header_of_an_action_shows_its_inputs(bench: Bench) -> None:
    put(bench, {"greet/action.yml": GREET})
    report = run(bench, "- {id: greet, uses: ./greet, env: {OUTER: outer}}")
    assert report.lines("greet")[:6] == [
        "##[group]Run ./greet",
        "with:",
        "  who: ada",
        "env:",
        "  OUTER: outer",
        "##[endgroup]",
    ]


def test_a_deprecated_input_is_warned_of(bench: Bench) -> None:
    put(bench, {"greet/action.yml": GREET})
    report = run(bench, "- {id: greet, uses: ./greet, with: {Old: x}}")
    assert report.annotations == [("warning", "Input 'Old' has been deprecated with message: use who")]


def test_a_failure_inside_fails_the_action_and_status_functions_look_at_the_action_alone(bench: Bench) -> None:
    put(
        bench,
        {
            "inner/action.yml": """
            runs:
              using: composite
              steps:
                - {id: forgiven, shell: bash, run: exit 2, continue-on-error: true}
                - {shell: bash, run: 'echo "${{ steps.forgiven.outcome }} ${{ steps.forgiven.conclusion }}"'}
                - {shell: bash, run: exit 5}
                - {shell: bash, run: echo unreachable}
                - {shell: bash, if: failure(), run: 'echo "failed here, ${{ job.status }}"'}
                - {shell: bash, if: always(), run: echo always}
            """
        },
    )
    report = run(
        bench,
        """\
        - {run: exit 1}
        - {id: use, if: always(), uses: ./inner}
        """,
    )
    assert [line for line in report.output("use") if not line.startswith("##[error]")] == [
        "failure success",
        "failed here, failure",
        "always",
    ]
    assert (report.step("use").conclusion, report.step("use").exit_code) == ("failure", 5)


def test_nested_actions_have_scopes_of_their_own(bench: Bench) -> None:
    put(
        bench,
        {
            "outer/action.yml": """
            inputs: {level: {default: '1'}}
            outputs: {deep: {value: "${{ steps.in.outputs.deep }}"}}
            runs:
              using: composite
              steps:
                - {id: in, uses: ./inner, with: {level: "${{ inputs.level }}2"}}
                - {shell: bash, run: 'echo "${{ inputs.level }} ${{ github.action_path }}" | sed "s#/.*/##"'}
            """,
            "inner/action.yml": """
            inputs: {level: {}}
            outputs: {deep: {value: "${{ steps.x.outputs.v }}"}}
            runs:
              using: composite
              steps:
                - {id: x, shell: bash, run: 'echo "v=${{ inputs.level }}3" >> "$GITHUB_OUTPUT"'}
            """,
        },
    )
    report = run(bench, "- {id: use, uses: ./outer}\n- {id: after, run: 'echo ${{ steps.use.outputs.deep }}'}")
    assert report.output("use") == ["1 outer"]
    assert report.output("after") == ["123"]


def test_an_action_that_uses_itself_ends(bench: Bench) -> None:
    put(bench, {"loop/action.yml": "runs: {using: composite, steps: [{uses: ./loop}]}"})
    report = run(bench, "- {id: use, uses: ./loop}")
    assert any("nested more than" in error for error in report.errors)
    assert report.end.conclusion == "failure"


@pytest.mark.parametrize("context", ["secrets.S", "vars.V", "needs.a"])
def test_an_action_sees_no_secrets_variables_or_needs(bench: Bench, context: str) -> None:
    put(bench, {"a/action.yml": "runs: {using: composite, steps: [{shell: bash, run: 'echo ${{ %s }}'}]}" % context})  # noqa: UP031
    report = run(bench, "- {id: use, uses: ./a}")
    assert report.end.conclusion == "failure"
    assert any(context.partition(".")[0] in error for error in report.errors)


def test_a_cancelled_action_runs_its_own_cleanup(bench: Bench) -> None:
    put(
        bench,
        {
            "slow/action.yml": """
            runs:
              using: composite
              steps:
                - {shell: bash, run: 'echo ready; for _ in $(seq 3000); do sleep 0.1; done'}
                - {shell: bash, run: echo unreachable}
                - {shell: bash, if: always(), run: 'echo cleanup'}
            """
        },
    )
    report = run(bench, "- {id: use, uses: ./slow}\n- {run: echo unreachable}", on_fact=stop_at_line("ready"))
    assert "cleanup" in report.output("use")
    assert "unreachable" not in report.output()
    assert report.step("use").conclusion == "cancelled"


# --- stages ----------------------------------------------------------------------------------------------------------

SCRIPT = """
    const fs = require('fs');
    const name = process.env.INPUT_NAME;
    console.log(`STAGE ${name} state=${process.env.STATE_from || ''} hyphen=${process.env['INPUT_WITH-HYPHEN']}`);
    if (process.env.STATE_from === undefined) fs.appendFileSync(process.env.GITHUB_STATE, `from=STAGE-${name}\\n`);
    if (process.env.INPUT_FAIL === 'STAGE') process.exit(7);
"""


def script_action(post_if: str = "") -> dict[str, str]:
    condition = f"post-if: {post_if}" if post_if else ""
    return {
        "js/action.yml": f"""
        inputs: {{name: {{}}, with-hyphen: {{default: h}}, fail: {{}}}}
        runs: {{using: node20, main: main.js, post: post.js, {condition}}}
        """,
        "js/main.js": SCRIPT.replace("STAGE", "main"),
        "js/post.js": SCRIPT.replace("STAGE", "post"),
    }


def test_post_stages_run_in_reverse_order_with_the_state_of_their_main_stage(bench: Bench) -> None:
    put(bench, script_action())
    report = run(
        bench,
        """\
        - {id: a, uses: ./js, with: {name: A}}
        - {id: b, uses: ./js, with: {name: B}}
        - {id: c, if: false, uses: ./js, with: {name: C}}
        - {id: last, run: echo last}
        """,
    )
    assert [line for line in report.output() if line.startswith(("main", "post", "last"))] == [
        "main A state= hyphen=h",
        "main B state= hyphen=h",
        "last",
        "post B state=main-B hyphen=h",
        "post A state=main-A hyphen=h",
    ]
    assert [(fact.number, fact.name) for fact in report.of(StepFinished)] == [
        (1, "Run ./js"),
        (2, "Run ./js"),
        (3, "Run ./js"),
        (4, "Run echo last"),
        (5, "Post Run ./js"),
        (6, "Post Run ./js"),
    ]
    assert len({fact.step for fact in report.of(StepFinished)}) == 6
    assert "Post job cleanup." in report.lines("__post_a")


def test_post_stages_run_after_failures_too_and_count(bench: Bench) -> None:
    put(bench, script_action())
    report = run(
        bench, "- {id: a, uses: ./js, with: {name: A, fail: main}}\n- {id: b, uses: ./js, with: {name: B, fail: post}}"
    )
    assert report.conclusions == {"a": "failure", "b": "skipped", "__post_a": "success"}
    report = run(bench, "- {id: b, uses: ./js, with: {name: B, fail: post}}")
    assert report.conclusions == {"b": "success", "__post_b": "failure"}
    assert report.end.conclusion == "failure"


@pytest.mark.parametrize(("condition", "conclusion"), [("success()", "skipped"), ("failure()", "success")])
def test_a_post_stage_has_its_own_condition(bench: Bench, condition: str, conclusion: str) -> None:
    put(bench, script_action(condition))
    report = run(bench, "- {id: a, uses: ./js, with: {name: A}}\n- {run: exit 1}")
    assert report.conclusions["__post_a"] == conclusion


def test_post_stages_of_a_composite_actions_steps_belong_to_its_step(bench: Bench) -> None:
    put(
        bench,
        {
            **script_action(),
            "both/action.yml": """
            inputs: {tag: {}}
            runs:
              using: composite
              steps:
                - {uses: ./js, with: {name: "${{ inputs.tag }}1"}}
                - {uses: ./js, with: {name: "${{ inputs.tag }}2"}}
            """,
        },
    )
    report = run(bench, "- {id: x, uses: ./both, with: {tag: X}}\n- {id: y, uses: ./both, with: {tag: Y}}")
    assert list(report.conclusions) == ["x", "y", "__post_y", "__post_x"]
    assert [line for line in report.output() if line.startswith("post")] == [
        "post Y2 state=main-Y2 hyphen=h",
        "post Y1 state=main-Y1 hyphen=h",
        "post X2 state=main-X2 hyphen=h",
        "post X1 state=main-X1 hyphen=h",
    ]


def test_the_pre_stages_of_actions_that_are_known_run_before_all_steps(bench: Bench, tmp_path: Path) -> None:
    files = {
        "pre.js": SCRIPT.replace("STAGE", "pre"),
        "main.js": SCRIPT.replace("STAGE", "main"),
        "action.yml": "inputs: {name: {}}\nruns: {using: node20, pre: pre.js, main: main.js}",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(dedent(text))

    def resolve_known(uses: StringToken, surroundings: Surroundings) -> ResolvedAction:
        own = StringToken(".", uses.span)
        paths = surroundings.paths
        elsewhere = type(paths)(
            **{name: getattr(paths, name) for name in paths.__struct_fields__} | {"workspace": str(tmp_path)}
        )
        return resolve_action(
            own,
            type(surroundings)(
                order=surroundings.order,
                paths=elsewhere,
                sources=surroundings.sources,
                environment=surroundings.environment,
            ),
        )

    bench.resolve = resolve_known
    report = run(
        bench,
        "- {id: first, run: echo first}\n- {id: js, if: false, uses: 'test/js@v1', with: {name: A}}\n- {id: again, uses: 'test/js@v1', with: {name: B}}",
    )
    assert [line for line in report.output() if line.startswith(("pre", "main", "first"))] == [
        "pre A state= hyphen=undefined",
        "pre B state= hyphen=undefined",
        "first",
        "main B state=pre-B hyphen=undefined",
    ]
    assert [(fact.step, fact.number, fact.name) for fact in report.of(StepFinished)][:3] == [
        ("__pre_js", 1, "Pre Run test/js@v1"),
        ("__pre_again", 2, "Pre Run test/js@v1"),
        ("first", 3, "Run echo first"),
    ]


def test_a_local_action_has_no_pre_stage_and_says_so(bench: Bench) -> None:
    put(bench, {"js/action.yml": "runs: {using: node20, pre: a.js, main: a.js}", "js/a.js": "console.log('ran')"})
    report = run(bench, "- {id: a, uses: ./js}")
    assert report.output("a").count("ran") == 1
    assert report.annotations == [("warning", "`pre` execution is not supported for local action from './js'")]


# --- native actions --------------------------------------------------------------------------------------------------


def test_a_native_action_acts_as_a_process_would(bench: Bench) -> None:
    report = run(
        bench,
        """\
        - {id: n, uses: test/native@v1, with: {WHO: Ada, run: 'echo "::notice::heard $INPUT_WHO"; exit 4'}}
        - {id: after, run: 'echo "${{ steps.n.outputs.result }} $NATIVE $(echo $PATH | cut -d: -f1) mask-me"'}
        """,
    )
    assert report.output("n") == [
        "main of Ada in success, state {}",
        "*** ::warning::not a command",
        "##[notice]heard Ada",
        "code 4",
        "captured (3, 'quiet\\n')",
    ]
    assert report.output("after") == ["from native exported /native/bin ***"]
    assert "post of Ada in success" in report.output("__post_n")
    assert [(fact.name, fact.version, fact.detail) for fact in report.of(VersionResolved)] == [
        ("test/native@v1", "native", "native")
    ]


def test_a_native_action_fails_with_its_message(bench: Bench) -> None:
    report = run(bench, "- {id: n, uses: test/native@v1, with: {fail: that is why}}")
    assert report.errors == ["that is why"]
    assert report.conclusions == {"n": "failure", "__post_n": "success"}
    assert "post of  in failure" in report.output("__post_n")


def test_a_native_action_that_is_cancelled_is_interrupted_in_what_it_runs(bench: Bench) -> None:
    report = run(
        bench,
        "- {id: n, uses: test/native@v1, with: {run: 'echo ready; for _ in $(seq 3000); do sleep 0.1; done'}}",
        on_fact=stop_at_line("ready"),
    )
    assert report.step("n").conclusion == "cancelled"
    assert not any(line.startswith("code") for line in report.output("n"))
    assert "post of  in cancelled" in report.output("__post_n")


# --- what is not there -----------------------------------------------------------------------------------------------


def test_actions_that_cannot_be_found_fail_the_job_before_a_step_each_at_its_place(bench: Bench) -> None:
    report = run(bench, "- run: echo unreachable\n- uses: test/gone@v1\n- {if: false, uses: test/also@v2}")
    assert report.started == []
    assert [(fact.file, fact.line, fact.message) for fact in report.of(AnnotationRaised)] == [
        (".github/workflows/ci.yml", 7, "there is no action test/gone@v1\nuse another one"),
        (".github/workflows/ci.yml", 8, "there is no action test/also@v2\nuse another one"),
    ]
    assert report.end.conclusion == "failure"
    assert report.end.reason == "there is no action test/gone@v1; there is no action test/also@v2"
    assert set(report.conclusions.values()) == {"skipped"}


def test_a_local_action_that_is_not_there_fails_its_step_at_its_place(bench: Bench) -> None:
    report = run(bench, "- run: echo before\n- {id: a, uses: ./gone}")
    assert "before" in report.output()
    (raised,) = report.of(AnnotationRaised)
    assert (raised.line, raised.step) == (7, "a")
    assert "gone" in str(report.end.reason)


@pytest.mark.parametrize(
    ("job", "line", "words"),
    [
        ("container: debian:12", 5, "container"),
        ("services: {db: {image: 'postgres:16'}}", 5, "service 'db'"),
        ('services: "${{ fromJSON(\'{\\"db\\": {\\"image\\": \\"x\\"}}\') }}"', 5, "service 'db'"),
        ("snapshot: my-image", 5, "snapshot"),
    ],
)
def test_what_needs_a_container_is_refused_before_a_step(bench: Bench, job: str, line: int, words: str) -> None:
    report = bench.run(
        f"on: push\njobs:\n  one:\n    runs-on: ubuntu-latest\n    {job}\n    steps: [{{run: echo unreachable}}]\n"
    )
    (raised,) = report.of(AnnotationRaised)
    assert (raised.severity, raised.line) == ("error", line)
    assert words in str(report.end.reason)
    assert report.started == []
    assert report.end.conclusion == "failure"


@pytest.mark.parametrize(
    "job",
    [
        "services: {db: {image: ''}}",
        'services: {db: {image: "${{ github.head_ref }}"}}',
        'container: {image: "${{ github.head_ref }}"}',
    ],
)
def test_an_empty_image_is_not_started(bench: Bench, job: str) -> None:
    report = bench.run(
        f"on: push\njobs:\n  one:\n    runs-on: ubuntu-latest\n    {job}\n    steps: [{{run: echo reached}}]\n"
    )
    assert report.output() == ["reached"]


@pytest.mark.parametrize(
    "files",
    [{"box/Dockerfile": "FROM x"}, {"box/action.yml": "runs: {using: docker, image: Dockerfile}"}],
    ids=["dockerfile", "metadata"],
)
def test_a_local_action_that_needs_a_container_is_refused_before_a_step(bench: Bench, files: dict[str, str]) -> None:
    bench.source = bench.folder / "tree"
    put(bench, files)
    report = run(bench, "- run: echo unreachable\n- {if: 'false', uses: ./box}\n- uses: ./box")
    (raised,) = report.of(AnnotationRaised)
    assert (raised.file, raised.line) == (".github/workflows/ci.yml", 8)
    assert "./box" in str(report.end.reason)
    assert report.started == []
