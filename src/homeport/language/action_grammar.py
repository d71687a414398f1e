"""The grammar of action files (`action.yml`).

Source: docs "Metadata syntax for GitHub Actions"; actions/runner `action_yaml.json` (which passes over unknown keys at the root and
in inputs: those mistakes are lenient here) and actions/languageservices `action-v1.0.json` (which does not).
"""

import msgspec

from homeport.language.grammar_model import (
    TEXT,
    Choice,
    Mapping,
    Value,
    boolean,
    condition,
    listed,
    mapped,
    name,
    text,
    texts,
)

NODE_VERSIONS = ("node12", "node16", "node20", "node24")
"""What `using` may say of JavaScript actions; the older ones are run by a current Node."""

_STEP = {
    "name": text(at="action.steps"),
    "id": name("an id"),
    "if": condition("action.steps.if"),
    "env": texts("'env'", at="action.steps"),
    "continue-on-error": boolean(at="action.steps"),
}
_RUN_STEP = Mapping(
    title="a step that runs a script",
    keys={
        **_STEP,
        "run": text("a script", at="action.steps"),
        "shell": text("a shell", at="action.steps"),
        "working-directory": text("a folder", at="action.steps"),
    },
    required=("run", "shell"),
)
_USES_STEP = Mapping(
    title="a step that uses an action",
    keys={**_STEP, "uses": name("an action"), "with": texts("'with'", at="action.steps")},
    required=("uses",),
)
_COMPOSITE_STEP = Choice(
    title="a step",
    decides={"run": _RUN_STEP, "uses": _USES_STEP},
    suggests={"shell": _RUN_STEP, "working-directory": _RUN_STEP, "with": _USES_STEP},
)

_USING = Value(
    title="a kind of action",
    scalars=TEXT,
    one_of=("composite", "docker", *NODE_VERSIONS),
    ignores_case=True,
    code="action",
)
_COMPOSITE = Mapping(
    title="'runs' of a composite action",
    keys={"using": _USING, "steps": listed(mapped(_COMPOSITE_STEP), "a list of steps")},
    required=("using", "steps"),
)
_NODE = Mapping(
    title="'runs' of a JavaScript action",
    keys={
        "using": _USING,
        "main": name("a file"),
        "pre": name("a file"),
        "pre-if": condition("action.runs.if"),
        "post": name("a file"),
        "post-if": condition("action.runs.if"),
    },
    required=("using", "main"),
)
_DOCKER = Mapping(
    title="'runs' of a container action",
    keys={
        "using": _USING,
        "image": name("an image"),
        "entrypoint": name("a command"),
        "args": listed(text(at="action.runs.args"), "a list of arguments"),
        "env": texts("'env'", at="action.runs.env"),
        "pre-entrypoint": name("a command"),
        "pre-if": condition("action.runs.if"),
        "post-entrypoint": name("a command"),
        "post-if": condition("action.runs.if"),
    },
    required=("using", "image"),
)
_RUNS = Choice(
    title="'runs'",
    key="using",
    by_value={"composite": _COMPOSITE, "docker": _DOCKER, **dict.fromkeys(NODE_VERSIONS, _NODE)},
    decides={"main": _NODE, "image": _DOCKER, "steps": _COMPOSITE},
    otherwise=Mapping(title="'runs'", keys={"using": _USING}, required=("using",)),
)
_INPUT = Mapping(
    title="an input",
    keys={
        "description": text(),
        "required": boolean(),
        "default": text(at="action.inputs.default"),
        "deprecationMessage": text(),
    },
)
_OUTPUT = Mapping(
    title="an output", keys={"description": text(), "value": text("an expression", at="action.outputs.value")}
)
_BRANDING = Mapping(
    title="'branding'",
    keys={
        "icon": text("an icon"),
        "color": text(
            "a colour",
            one_of=("white", "black", "yellow", "blue", "green", "orange", "red", "purple", "gray-dark"),
        ),
    },
)


def _lenient(value: Value) -> Value:
    return msgspec.structs.replace(value, is_lenient=True)


ACTION = mapped(
    Mapping(
        title="an action",
        keys={
            "name": text("a name"),
            "description": text("a description"),
            "author": text("an author"),
            "inputs": _lenient(mapped(Mapping(title="'inputs'", named=mapped(_INPUT, or_null=True)), or_null=True)),
            "outputs": mapped(Mapping(title="'outputs'", named=mapped(_OUTPUT, or_null=True)), or_null=True),
            "runs": mapped(_RUNS),
            "branding": _lenient(mapped(_BRANDING)),
        },
        required=("runs",),
        is_open=True,
    )
)
