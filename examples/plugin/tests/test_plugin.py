"""The plugin in pytest runs of its own; they are subprocesses, as a user's run is."""

from pathlib import Path

import pytest

pytestmark = pytest.mark.medium

SIZED = """
    import pytest

    @pytest.mark.small
    def test_small(): pass

    @pytest.mark.medium
    def test_medium(): pass
"""

UNSIZED = "def test_unsized(): pass"


def set_enforcement(pytester: pytest.Pytester, enforcement: str) -> None:
    pytester.makeini(f"[pytest]\ntest_categories_enforcement = {enforcement}\n")


def test_the_markers_are_registered(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess("--markers")

    result.stdout.fnmatch_lines(["@pytest.mark.small: a small test, done in 1 s"])


def test_sized_tests_pass_strictly(pytester: pytest.Pytester) -> None:
    set_enforcement(pytester, "strict")
    pytester.makepyfile(SIZED)

    pytester.runpytest_subprocess("--strict-markers").assert_outcomes(passed=2)


def test_a_test_without_a_size_is_an_error_strictly(pytester: pytest.Pytester) -> None:
    set_enforcement(pytester, "strict")
    pytester.makepyfile(UNSIZED)

    result = pytester.runpytest_subprocess("-m", "small")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*test_unsized has no size: mark it small, medium, large or xlarge"])


def test_a_test_without_a_size_is_a_warning_by_default(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(UNSIZED)

    pytester.runpytest_subprocess().assert_outcomes(passed=1, warnings=1)


def test_a_test_without_a_size_may_be_nothing(pytester: pytest.Pytester) -> None:
    set_enforcement(pytester, "off")
    pytester.makepyfile(UNSIZED)

    pytester.runpytest_subprocess("-W", "error").assert_outcomes(passed=1)


def test_two_sizes_are_one_too_many(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("import pytest\n@pytest.mark.small\n@pytest.mark.large\ndef test_both(): pass")

    result = pytester.runpytest_subprocess()

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*test_both has 2 sizes: small, large"])


def test_an_unknown_enforcement_is_refused(pytester: pytest.Pytester) -> None:
    set_enforcement(pytester, "gentle")

    result = pytester.runpytest_subprocess()

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*test_categories_enforcement is strict, warn or off, not 'gentle'"])


SLOW_CLOCK = """
    import pytest

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(item, call):
        call.duration = 2.0
        return (yield)
"""


def test_a_test_over_its_limit_fails(pytester: pytest.Pytester) -> None:
    """Nothing here waits: a hook outside the plugin's says how long the call took."""
    pytester.makeconftest(SLOW_CLOCK)
    pytester.makepyfile(SIZED)

    result = pytester.runpytest_subprocess()

    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(["a small test took 2.00 s, its limit is 1 s"])


def test_a_test_that_failed_keeps_its_own_reason(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("import pytest\n@pytest.mark.small\ndef test_wrong(): assert 1 == 2")

    result = pytester.runpytest_subprocess()

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*assert 1 == 2*"])


def test_the_mix_is_reported_on_request(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(SIZED)

    result = pytester.runpytest_subprocess("--test-sizes")

    result.stdout.fnmatch_lines(["*test sizes*", "small        1    50.0 %  target 80 %  off target"])


def test_the_mix_is_reported_of_nothing_too(pytester: pytest.Pytester, tmp_path: Path) -> None:
    result = pytester.runpytest_subprocess("--test-sizes", str(tmp_path))

    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED
    result.stdout.fnmatch_lines(["small        0     0.0 %  target 80 %"])
