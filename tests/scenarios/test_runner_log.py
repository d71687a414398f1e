"""What steps say: commands, masks, annotations, problems, summaries, odd output. With real processes."""

import base64
from pathlib import Path

import msgspec
import pytest

from homeport.run.facts import AnnotationRaised, LinesLogged, SummaryWritten
from tests.support.jobs import Bench, Report


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def run(bench: Bench, *scripts: str, **order: object) -> Report:
    steps = ""
    for number, script in enumerate(scripts, 1):
        indented = script.replace("\n", "\n          ")
        steps += f"      - id: s{number}\n        run: |\n          {indented}\n"
    return bench.run(f"on: push\njobs:\n  one:\n    runs-on: ubuntu-latest\n    steps:\n{steps}", **order)  # type: ignore[arg-type]


def quiet(line: str) -> str:
    """A command to print a line which the script itself does not hold in one piece."""
    return f"printf '%s%s\\n' '{line[:3]}' '{line[3:]}'"


# --- masks -----------------------------------------------------------------------------------------------------------


def test_secrets_are_hidden_in_every_form_and_place(bench: Bench) -> None:
    secret = "first-line-of-it\nsecond+line/of it"
    report = run(
        bench,
        "S='${{ secrets.S }}'\n"
        + 'echo "$S"; printf %s "$S" | base64 -w0; echo; printf %s "user:$S" | base64 -w0; echo',
        "printf 'first-line'; sleep 0.1; echo '-of-it'",
        quiet("::add-mask::derived-value") + '\necho "derived-value $(printf derived-value | base64)"',
        'echo "x=${{ secrets.S }}" | head -n 1 >> "$GITHUB_OUTPUT"; echo "# first-line-of-it" >> "$GITHUB_STEP_SUMMARY"',
        "echo '::error::first-line-of-it'; exit 1",
        secrets={"S": secret, "GITHUB_TOKEN": "ghs_0123456789"},
    )
    text = repr(report.facts)
    for form in ("first-line-of-it", "second+line/of it", base64.b64encode(secret.encode()).decode()):
        assert form not in text
    assert len(report.output("s1")) == 4
    assert report.output("s3") == ["*** ***"]
    assert base64.b64encode(b"x-access-token:ghs_0123456789").decode() not in text
    (summary,) = report.of(SummaryWritten)
    assert summary.markdown == "# ***\n"


def test_short_lines_of_a_secret_are_shown_and_that_is_said(bench: Bench) -> None:
    report = run(bench, "echo '{'; echo '  \"key\": \"value\"'", secrets={"JSON": '{\n  "key": "value"\n}'})
    assert report.output() == ["{", "  ***"]
    assert report.annotations == [
        ("notice", "Lines of the secret 'JSON' that are shorter than 4 characters are not masked.")
    ]


def test_a_mask_holds_for_later_steps_and_names(bench: Bench) -> None:
    report = run(bench, quiet("::add-mask::some-value"), "echo some-value")
    assert report.output("s2") == ["***"]
    assert report.step("s2").name == "Run echo ***"


def test_an_empty_mask_is_warned_of(bench: Bench) -> None:
    assert run(bench, "echo '::add-mask:: '").annotations == [
        ("warning", "Can't add secret mask for empty string in ##[add-mask] command.")
    ]


# --- commands --------------------------------------------------------------------------------------------------------


def test_annotations_have_their_place_below_the_workspace(bench: Bench) -> None:
    report = run(
        bench,
        'echo "::warning file=$PWD/src/a.py,line=3,col=5,endLine=3,endColumn=9,title=Look%2C here::careful%0Anow"\n'
        'echo "::ERROR file=/elsewhere/b.py,line=7::wrong"\necho "##[notice]old form"',
    )
    found = [
        (fact.severity, fact.file, fact.line, fact.column, fact.end_line, fact.end_column, fact.title, fact.message)
        for fact in report.of(AnnotationRaised)
    ]
    assert found == [
        ("warning", "src/a.py", 3, 5, 3, 9, "Look, here", "careful\nnow"),
        ("error", "/elsewhere/b.py", 7, None, None, None, None, "wrong"),
        ("notice", None, None, None, None, None, None, "old form"),
    ]
    assert report.output("s1") == ["##[warning]careful", "now", "##[error]wrong", "##[notice]old form"]
    assert report.end.conclusion == "success"


def test_annotations_are_limited_as_on_github(bench: Bench) -> None:
    many = 'for i in $(seq 15); do echo "::warning::w$i"; echo "::notice::n$i"; done'
    report = run(bench, f"{many}\nexit 1", *[f"{many}"] * 3)
    assert [message for _, message in report.annotations].count("w10") == 1
    assert ("warning", "w11") not in report.annotations
    assert len([line for line in report.output("s1") if line.startswith("##[warning]")]) == 15
    assert report.errors == ["Process completed with exit code 1."]


def test_a_job_raises_fifty_annotations(bench: Bench) -> None:
    report = run(bench, *['for i in $(seq 10); do echo "::warning::w$i"; echo "::notice::n$i"; done'] * 4)
    assert len(report.annotations) == 50


def test_groups_are_shown_as_such(bench: Bench) -> None:
    report = run(bench, "echo '::group::Inner things'; echo inside; echo '::endgroup::'")
    assert report.output("s1") == ["##[group]Inner things", "inside", "##[endgroup]"]


def test_echo_shows_commands_and_lasts_for_its_step(bench: Bench) -> None:
    report = run(
        bench,
        "echo '::echo::on'; echo '::group::g'; echo '::notice::n'; echo '::add-mask::hidden-now'; echo '::echo::off'; echo '::group::h'",
        "echo '::group::i'",
    )
    assert report.output("s1") == [
        "::group::g",
        "##[group]g",
        "##[notice]n",
        "::add-mask::***",
        "::echo::off",
        "##[group]h",
    ]
    assert report.output("s2") == ["##[group]i"]


def test_stopped_commands_are_text_until_the_token(bench: Bench) -> None:
    report = run(
        bench, "echo '::stop-commands::my-token'; echo '::warning::text'; echo '::MY-token::'; echo '::warning::real'"
    )
    assert report.annotations == [("warning", "real")]
    assert report.output("s1") == ["::stop-commands::***", "::warning::text", "::MY-token::", "##[warning]real"]


@pytest.mark.parametrize("token", ["", "pause-logging", "warning"])
def test_a_token_that_could_not_be_told_apart_is_refused(bench: Bench, token: str) -> None:
    report = run(bench, f"echo '::stop-commands::{token}'")
    assert report.errors[0] == f"Unable to process command '::stop-commands::{token}' successfully."
    assert report.end.conclusion == "failure"


def test_old_ways_to_set_outputs_work_and_are_warned_of(bench: Bench) -> None:
    report = run(
        bench,
        "echo '::set-output name=x::old way'",
        "echo '${{ steps.s1.outputs.x }}'",
        "echo '::set-output::nameless'",
    )
    assert report.output("s2") == ["old way"]
    assert report.annotations[0][1].startswith("The `set-output` command is deprecated and will be disabled soon.")
    assert report.errors[-1] == "Required field 'name' is missing in ##[set-output] command."
    assert report.step("s3").conclusion == "failure"


def test_disabled_commands_fail_unless_allowed(bench: Bench) -> None:
    refused = run(bench, "echo '::set-env name=A::1'")
    assert refused.errors[0] == "Unable to process command '::set-env name=A::1' successfully."
    assert refused.errors[1].startswith("The `set-env` command is disabled.")
    assert refused.end.conclusion == "failure"
    allowed = run(
        bench,
        'echo "ACTIONS_ALLOW_UNSECURE_COMMANDS=true" >> "$GITHUB_ENV"',
        "echo '::set-env name=A::1'; echo '::add-path::/added'; echo '::set-env name=NODE_OPTIONS::x'",
        'echo "$A $(echo $PATH | cut -d: -f1)"',
    )
    assert allowed.output("s3") == ["1 /added"]
    assert allowed.errors == ["Can't update NODE_OPTIONS environment variable using ::set-env:: command."]


# --- command files ---------------------------------------------------------------------------------------------------


def test_a_mistake_in_a_command_file_fails_the_step_and_what_stood_before_counts(bench: Bench) -> None:
    report = run(bench, 'printf "A=1\\nbroken\\n" >> "$GITHUB_ENV"', "exit 1")
    assert report.errors == ["Unable to process file command 'env' successfully.", "Invalid format 'broken'"]
    assert report.step("s1").conclusion == "failure"


def test_code_cannot_be_smuggled_into_node(bench: Bench) -> None:
    report = run(bench, 'echo "node_options=--require x" >> "$GITHUB_ENV"', 'echo "[$node_options$NODE_OPTIONS]"')
    assert report.errors == ["Can't store NODE_OPTIONS output parameter using '$GITHUB_ENV' command."]
    assert report.output("s2") == ["[]"]
    assert report.end.conclusion == "success"


def test_a_summary_may_have_a_mebibyte(bench: Bench) -> None:
    report = run(
        bench,
        'head -c 1048576 /dev/zero | tr "\\0" x >> "$GITHUB_STEP_SUMMARY"',
        'head -c 1048577 /dev/zero | tr "\\0" x >> "$GITHUB_STEP_SUMMARY"',
    )
    assert [(fact.step, len(fact.markdown)) for fact in report.of(SummaryWritten)] == [("s1", 1048576)]
    (error,) = report.errors
    assert error.startswith("$GITHUB_STEP_SUMMARY upload aborted, supports content up to a size of 1024k, got 1024k.")
    assert report.end.conclusion == "success"


def test_command_files_may_be_removed_or_replaced(bench: Bench) -> None:
    report = run(
        bench,
        'rm "$GITHUB_ENV"; mv "$GITHUB_OUTPUT" away; mkfifo "$GITHUB_OUTPUT"',
        'echo "B=2" >> "$GITHUB_ENV"',
        'echo "$B"',
    )
    assert report.output("s3") == ["2"]
    assert report.end.conclusion == "success"


def test_a_huge_command_file_is_refused(bench: Bench) -> None:
    report = run(bench, 'head -c 20M /dev/zero >> "$GITHUB_OUTPUT"')
    assert "the limit is 10,485,760" in report.errors[1]


# --- problem matchers ------------------------------------------------------------------------------------------------

MATCHER = r"""mkdir -p sub/.git lib; touch sub/.git/config sub/a.c lib/b.c
cat > matcher.json <<'END'
{"problemMatcher": [{"owner": "toy", "fromPath": "", "pattern": [
  {"regexp": "^(\\S+):(\\d+):(\\d+): (error|warning): (.*)$", "file": 1, "line": 2, "column": 3, "severity": 4, "message": 5}]}]}
END
echo ::add-matcher::matcher.json
"""


def test_problems_become_annotations_for_the_rest_of_the_job(bench: Bench) -> None:
    report = run(
        bench,
        MATCHER,
        "echo 'sub/a.c:3:7: error: missing thing'; echo \"$PWD/lib/b.c:4:1: warning: so so\"; echo '::notice::lib/b.c:1:1: error: no'",
        "echo 'gone.c:3:7: error: nowhere'; echo '../outside.c:1:1: error: outside'; echo '::remove-matcher owner=toy::'; echo 'lib/b.c:1:1: error: off'",
    )
    found = [
        (fact.severity, fact.message, fact.file, fact.line, fact.column)
        for fact in report.of(AnnotationRaised)
        if fact.severity != "notice"
    ]
    assert found == [
        ("error", "missing thing", "a.c", 3, 7),
        ("warning", "so so", "lib/b.c", 4, 1),
        ("error", "nowhere", None, 3, 7),
        ("error", "outside", None, 1, 1),
    ]
    assert report.output("s2")[0] == "##[error]sub/a.c:3:7: error: missing thing"
    assert report.output("s3")[-1] == "lib/b.c:1:1: error: off"
    assert report.end.conclusion == "success"


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("::add-matcher::gone.json", "No such file"),
        ("::add-matcher::bad.json", "not a definition"),
        ("::add-matcher::", "File path must be specified."),
        ("::remove-matcher::", "Either an owner name or a file path must be specified"),
        ("::remove-matcher owner=a::b", "Both values cannot be set"),
    ],
)
def test_a_matcher_that_cannot_be_used_is_told(bench: Bench, command: str, message: str) -> None:
    report = run(bench, f"echo '{{' > bad.json; echo '{command}'")
    assert any(message in text for _, text in report.annotations)


def test_a_matcher_that_never_answers_is_removed_with_a_warning(bench: Bench) -> None:
    report = run(
        bench,
        'echo \'{"problemMatcher": [{"owner": "evil", "pattern": [{"regexp": "^(a+)+$", "message": 1}]}]}\' > m.json\n'
        "echo ::add-matcher::m.json",
        'printf "%0.sa" $(seq 40); echo b; echo after',
    )
    assert any("Removing issue matcher 'evil'" in message for _, message in report.annotations)
    assert report.output("s2")[-1] == "after"


# --- odd output ------------------------------------------------------------------------------------------------------


def test_progress_that_returns_to_the_start_of_the_line_is_shown_in_lines(bench: Bench) -> None:
    assert run(bench, r"printf '10%%\r20%%\r\n30%%'").output("s1") == ["10%", "20%", "30%"]


def test_invalid_text_and_zero_bytes_are_shown(bench: Bench) -> None:
    assert run(bench, r"printf 'a\377b\0c\n'").output("s1") == ["a\ufffdb\0c"]


def test_a_hundred_megabytes_in_one_line_are_shown_in_pieces(bench: Bench) -> None:
    report = run(bench, "head -c 100M /dev/zero | tr '\\0' x; echo; echo end", secrets={"S": "hidden"})
    lines = report.output("s1")
    assert "longer than 262,144 bytes" in lines[0]
    assert sum(map(len, lines[1:-1])) == 100 * 1024 * 1024
    assert lines[-1] == "end"
    assert max(len(fact.text) for fact in report.of(LinesLogged)) < 3 * 1024 * 1024


def test_both_streams_are_read_in_the_order_in_which_they_are_written(bench: Bench) -> None:
    report = run(bench, "for i in 1 2 3; do echo out $i; echo err $i >&2; done")
    assert report.output("s1") == ["out 1", "err 1", "out 2", "err 2", "out 3", "err 3"]


def test_a_value_that_no_command_can_be_given_is_said(bench: Bench) -> None:
    report = run(bench, "printf 'A=a\\0b\\n' >> \"$GITHUB_ENV\"", "echo unreachable")
    assert "embedded null byte" in report.errors[0]
    assert report.step("s2").conclusion == "failure"


def test_half_characters_are_no_harm(bench: Bench) -> None:
    half = "${{ fromJSON('\"\\\\ud800\"') }}"
    report = run(bench, f"echo '{half}'; echo 'x={half}' >> \"$GITHUB_OUTPUT\"")
    for fact in report.facts:
        msgspec.json.encode(fact)
    assert report.end.conclusion == "success"
