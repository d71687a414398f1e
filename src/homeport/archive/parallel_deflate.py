"""Deflates a stream in blocks on several cores; the result is one ordinary stream, as `pigz` makes it.

Each block is deflated by itself with the last 32 KiB before it as its dictionary, and ends at a byte (a `Z_SYNC_FLUSH`), so that
blocks can be put one after the other. `zlib` lets other threads run while it works.
"""

import os
import zlib
from collections import deque
from collections.abc import Iterable, Iterator

_WINDOW = 32 << 10
_MOST_WORKERS = 8


def deflate(blocks: Iterable[bytes], level: int) -> Iterator[bytes]:
    """The blocks (of 256 KiB and more, for a good ratio) as one raw deflate stream, in pieces. Raises what `blocks` raises."""
    # only for large files that shrink
    from concurrent.futures import Future, ThreadPoolExecutor  # noqa: PLC0415

    workers = min(_MOST_WORKERS, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2)
    before = b""
    pending: deque[Future[bytes]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="deflate") as pool:
        for block in blocks:
            pending.append(pool.submit(_deflate_block, block, before, level))
            before = block[-_WINDOW:]
            if len(pending) > 2 * workers:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    yield zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS).flush()


def _deflate_block(block: bytes, before: bytes, level: int) -> bytes:
    packer = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS, zdict=before)
    return packer.compress(block) + packer.flush(zlib.Z_SYNC_FLUSH)
