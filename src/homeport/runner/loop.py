"""Takes jobs from a coordinator until there are no more."""

import threading

from homeport.ports.peer import JobOrder, Peer
from homeport.runner.job import JobRunner


def serve(peer: Peer, runner: JobRunner, *, parallel: int) -> None:
    """Run up to `parallel` jobs at once, each in a thread of its own, until `next_job` gives None to every one of them.

    Blocks until the last job has ended. A thread is only made when a job is there for it.
    """
    places = threading.Semaphore(parallel)
    threads: list[threading.Thread] = []
    while True:
        places.acquire()
        order = peer.next_job()
        if order is None:
            break
        threads = [thread for thread in threads if thread.is_alive()]
        thread = threading.Thread(target=_run, args=(runner, order, peer, places), name=f"job-{order.leg.key}")
        thread.start()
        threads.append(thread)
    for thread in threads:
        thread.join()


def _run(runner: JobRunner, order: JobOrder, peer: Peer, places: threading.Semaphore) -> None:
    try:
        runner.run(order, peer)
    finally:
        places.release()
