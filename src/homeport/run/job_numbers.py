"""The numbers of jobs: unique over a server, the same for as long as the job is known; no table is needed to find a job by its number."""

from typing import NamedTuple

MOST_ATTEMPTS = 99
_ATTEMPTS = 100
_COUNTS = 100_000
_FIRST_UNLEASED = 50_000


class JobPlace(NamedTuple):
    """What a job's number says."""

    run: int
    attempt: int
    position: int


def number_leased(lease: str) -> int:
    """The number of a job that was offered to runners: a lease is the run, its attempt, and a count (`<run>.<attempt>.<count>`); 0 for
    what an older version called a lease.
    """
    parts = lease.split(".")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() for part in parts):
        return 0
    run, attempt, count = map(int, parts)
    return (run * _ATTEMPTS + attempt) * _COUNTS + count


def number_unleased(run: int, attempt: int, count: int) -> int:
    """The number of a job that no runner ever had (skipped, or kept from an earlier attempt): the `count`-th job of its attempt, from 0."""
    return (run * _ATTEMPTS + attempt) * _COUNTS + _FIRST_UNLEASED + count


def place_job(number: int) -> JobPlace:
    """The run and the attempt that a number belongs to, whether there is such a job or not."""
    rest, count = divmod(number, _COUNTS)
    return JobPlace(*divmod(rest, _ATTEMPTS), count)
