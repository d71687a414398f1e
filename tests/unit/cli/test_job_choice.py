"""Choices that no plan has."""

import pytest

from homeport.cli.errors import UsageError
from homeport.cli.job_choice import check_containers
from tests.support.planning import plan_of_text

BARE = "jobs: {one: {runs-on: ubuntu-latest, steps: [{run: x}]}}\n"
CONTAINED = "jobs: {one: {runs-on: ubuntu-latest, container: '${{ inputs.image }}', steps: [{run: x}]}}\n"
CALLING = "jobs: {one: {uses: ./.github/workflows/called.yml}}\n"


def test_jobs_without_any_container_cannot_all_be_in_one() -> None:
    called = {"called.yml": f"on: workflow_call\n{BARE}"}
    for plans in ([plan_of_text(BARE)], [plan_of_text(BARE), plan_of_text(CALLING, called=called)]):
        with pytest.raises(UsageError, match="no job that starts names a `container:`"):
            check_containers(plans)


def test_one_job_that_may_be_in_a_container_is_enough() -> None:
    called = {"called.yml": f"on: {{workflow_call: {{inputs: {{image: {{type: string}}}}}}}}\n{CONTAINED}"}
    check_containers([plan_of_text(BARE), plan_of_text(CONTAINED.replace("${{ inputs.image }}", "debian"))])
    check_containers([plan_of_text(CALLING, called=called)])


def test_where_nothing_starts_nothing_is_wrong() -> None:
    check_containers([])
