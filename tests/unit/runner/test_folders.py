"""Folders that several jobs make at the same time."""

import threading
from pathlib import Path

from homeport.runner.folders import make_folder

ROUNDS = 200
THREADS = 4


def test_jobs_that_make_the_same_folders_at_once_do_not_disturb_one_another(tmp_path: Path) -> None:
    troubles: list[OSError] = []
    start = threading.Barrier(THREADS)

    def make_all() -> None:
        for number in range(ROUNDS):
            start.wait()
            try:
                make_folder(str(tmp_path / str(number) / "a" / "b"))
            except OSError as error:
                troubles.append(error)

    threads = [threading.Thread(target=make_all) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert troubles == []
    assert all((tmp_path / str(number) / "a" / "b").is_dir() for number in range(ROUNDS))
