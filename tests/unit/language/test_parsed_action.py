"""What the typed nodes of an action hold."""

from homeport.language.nodes import Action, CompositeRuns, DockerRuns, NodeRuns, RunStep, UsesStep
from homeport.language.parser.action import parse_action
from homeport.language.tokens import ExpressionToken, StringToken

HEAD = "name: n\ndescription: d\n"


def parse(text: str) -> Action:
    action, diagnostics = parse_action(HEAD + text, "action.yml")
    assert diagnostics == []
    assert action is not None
    return action


def test_a_composite_action_has_steps_inputs_and_outputs() -> None:
    action = parse(
        "inputs:\n  a: {description: x, required: true, default: 1, deprecationMessage: old}\n  b:\n"
        "outputs:\n  o: {description: y, value: '${{ steps.s.outputs.o }}'}\n"
        "runs:\n  using: composite\n  steps:\n    - {id: s, run: a, shell: bash, if: always()}\n    - {uses: a/b@v1, with: {c: d}}\n"
    )
    first, second = action.inputs
    assert (first.name, first.kind, first.required, first.deprecation_message) == ("a", "string", True, "old")
    assert isinstance(first.default, StringToken)
    assert first.default.value == "1"
    assert (second.name, second.required, second.default) == ("b", False, None)
    assert isinstance(action.outputs[0].value, ExpressionToken)
    assert isinstance(action.runs, CompositeRuns)
    run, uses = action.runs.steps
    assert isinstance(run, RunStep)
    assert run.condition.implicit_success is False
    assert isinstance(uses, UsesStep)
    assert (run.id, uses.id) == ("s", "__a_b")


def test_a_javascript_action_has_its_files_and_conditions() -> None:
    runs = parse("runs: {using: node20, main: m.js, pre: p.js, post: q.js, post-if: success()}\n").runs
    assert isinstance(runs, NodeRuns)
    assert (runs.using, runs.main, runs.pre, runs.post) == ("node20", "m.js", "p.js", "q.js")
    assert runs.pre_condition is None
    assert runs.post_condition is not None
    assert runs.post_condition.expression.source == "success()"


def test_a_container_action_has_its_image_and_arguments() -> None:
    runs = parse(
        "runs: {using: docker, image: Dockerfile, args: [a, '${{ inputs.b }}', 1], env: {A: b}, entrypoint: /e, pre-entrypoint: /p}\n"
    ).runs
    assert isinstance(runs, DockerRuns)
    assert isinstance(runs.image, StringToken)
    assert [type(argument) for argument in runs.args] == [StringToken, ExpressionToken, StringToken]
    assert (runs.entrypoint, runs.pre_entrypoint, runs.post_entrypoint) == ("/e", "/p", None)
    assert runs.env is not None


def test_an_old_node_is_understood() -> None:
    runs = parse("runs: {using: node12, main: m.js}\n").runs
    assert isinstance(runs, NodeRuns)
    assert runs.using == "node12"


def test_unknown_keys_at_the_root_are_no_reason_to_refuse() -> None:
    action, diagnostics = parse_action(HEAD + "extra: {a: b}\nruns: {using: node24, main: m.js}\n", "action.yml")
    assert action is not None
    assert [diagnostic.invalid for diagnostic in diagnostics] == [False]
