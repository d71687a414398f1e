"""Where the jobs of a run stand in its picture: columns from left to right, matrices folded into grids, calls around their jobs.

Pure geometry, in SVG units; `templates/graph.svg` draws it. Columns are the longest way from a start (so an edge always goes to the
right), edges that others imply are left out, and a long edge goes around the boxes between by a place of its own in each column.
The order within a column follows the middle of what each job is connected with, in two sweeps (Sugiyama's method, kept small).
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import ceil, sqrt

import msgspec

_WIDTH = 196
_ROW = 38
_HEAD = 34
_GAP_X = 56
_GAP_Y = 14
_PAD = 12
_CELL = 14
_CELL_GAP = 4
_CELLS_A_ROW = 9
"""at least; a large matrix is about twice as wide as it is high"""
_PASSAGE = 6


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One leg: a job that one runner carries out, or an unexpanded one."""

    name: str
    state: str
    link: str = ""
    detail: str = ""
    """its duration, or what it waits for"""


class GraphJob(msgspec.Struct, frozen=True, kw_only=True):
    """A job as it is written: with its legs, or, for a call, with the jobs inside. `needs` are ids of its siblings."""

    id: str
    name: str
    state: str
    needs: tuple[str, ...] = ()
    cells: tuple[Cell, ...] = ()
    inner: "tuple[GraphJob, ...]" = ()


class PlacedCell(msgspec.Struct, frozen=True):
    """A leg of a matrix as one square."""

    cell: Cell
    x: float
    y: float
    size: float


class Box(msgspec.Struct, frozen=True, kw_only=True):
    """A job in its place. `cells` are squares of a matrix; `inner` is the picture inside a call, placed absolutely."""

    job: GraphJob
    x: float
    y: float
    width: float
    height: float
    cells: tuple[PlacedCell, ...] = ()
    inner: "Picture | None" = None


class Edge(msgspec.Struct, frozen=True):
    """A need, as the path that SVG draws; `state` is that of the job that is needed."""

    path: str
    state: str


class Picture(msgspec.Struct, frozen=True):
    """Everything, with the room that it takes."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    edges: tuple[Edge, ...]


def lay_out(jobs: Sequence[GraphJob]) -> Picture:
    """The picture of jobs that need one another. A need that is not among them is passed over."""
    return _place(jobs, 0, 0)


def find_needs(jobs: Sequence[GraphJob]) -> dict[str, list[str]]:
    """The needs to draw: without those that another need implies."""
    known = {job.id for job in jobs}
    needs = {job.id: [need for need in dict.fromkeys(job.needs) if need in known and need != job.id] for job in jobs}
    ancestors: dict[str, set[str]] = {}
    for job in _in_order(needs):
        ancestors[job] = set(needs[job]).union(*(ancestors[need] for need in needs[job]))
    return {
        job: [need for need in own if not any(need in ancestors[other] for other in own if other != need)]
        for job, own in needs.items()
    }


# --- columns ---------------------------------------------------------------------------------------------------------------


def _in_order(needs: Mapping[str, Sequence[str]]) -> list[str]:
    """Every job after those that it needs."""
    order: dict[str, None] = {}
    pending = dict(needs)
    while pending:
        free = [job for job, own in pending.items() if all(need in order for need in own)]
        for job in free or list(pending):
            order[job] = None
            del pending[job]
    return list(order)


def _columns(needs: Mapping[str, Sequence[str]]) -> list[list[str]]:
    levels: dict[str, int] = {}
    for job in _in_order(needs):
        levels[job] = 1 + max((levels[need] for need in needs[job] if need in levels), default=-1)
    columns: list[list[str]] = [[] for _ in range(1 + max(levels.values(), default=-1))]
    for job in needs:
        columns[levels[job]].append(job)
    return columns


def _split_edges(needs: Mapping[str, Sequence[str]], columns: list[list[str]]) -> list[list[str]]:
    """Each edge as the chain of what it goes through; places for it are added to the columns between."""
    level = {job: index for index, column in enumerate(columns) for job in column}
    chains = []
    for job, own in needs.items():
        for need in own:
            between = [f"\0{need}\0{job}\0{index}" for index in range(level[need] + 1, level[job])]
            for offset, passage in enumerate(between):
                columns[level[need] + 1 + offset].append(passage)
            chains.append([need, *between, job])
    return chains


def _sort_columns(columns: list[list[str]], chains: Sequence[Sequence[str]]) -> None:
    before: dict[str, list[str]] = {}
    after: dict[str, list[str]] = {}
    for chain in chains:
        for one, other in pairwise(chain):
            after.setdefault(one, []).append(other)
            before.setdefault(other, []).append(one)
    for neighbours, order in ((before, columns), (after, columns[::-1]), (before, columns)):
        place: dict[str, float] = {}
        for column in order:
            own = {item: index for index, item in enumerate(column)}
            column.sort(key=lambda item: (_middle(neighbours.get(item, ()), place, own[item]), own[item]))
            place.update({item: float(index) for index, item in enumerate(column)})


def _middle(neighbours: Sequence[str], place: Mapping[str, float], own: float) -> float:
    known = [place[item] for item in neighbours if item in place]
    return sum(known) / len(known) if known else own


# --- places ----------------------------------------------------------------------------------------------------------------


def _place(jobs: Sequence[GraphJob], left: float, top: float) -> Picture:
    by_id = {job.id: job for job in jobs}
    needs = find_needs(jobs)
    columns = _columns(needs)
    chains = _split_edges(needs, columns)
    _sort_columns(columns, chains)
    sizes = {job.id: _measure(job) for job in jobs}
    heights = [_height(column, sizes) for column in columns]
    whole = max(heights, default=0)
    boxes: list[Box] = []
    middles: dict[str, tuple[float, float, float]] = {}
    x = left
    for column, height in zip(columns, heights, strict=True):
        width = max((sizes[item][0] for item in column if item in sizes), default=0)
        y = top + (whole - height) / 2
        for item in column:
            own_width, own_height = sizes.get(item, (width, _PASSAGE))
            middles[item] = x, x + (own_width if item in by_id else width), y + own_height / 2
            if item in by_id:
                boxes.append(_place_box(by_id[item], x, y, width=own_width, height=own_height))
            y += own_height + _GAP_Y
        x += width + _GAP_X
    edges = tuple(Edge(_path(chain, middles), by_id[chain[0]].state) for chain in chains)
    return Picture(max(x - _GAP_X - left, 0), whole, tuple(boxes), edges)


def _height(column: Sequence[str], sizes: Mapping[str, tuple[float, float]]) -> float:
    return sum(sizes.get(item, (0, _PASSAGE))[1] for item in column) + _GAP_Y * max(len(column) - 1, 0)


def _measure(job: GraphJob) -> tuple[float, float]:
    if job.inner:
        inner = _place(job.inner, 0, 0)
        return max(inner.width + 2 * _PAD, _WIDTH), inner.height + _HEAD + _PAD
    if len(job.cells) > 1:
        across = _cells_across(job)
        rows = -(-len(job.cells) // across)
        step = _CELL + _CELL_GAP
        return max(_WIDTH, across * step - _CELL_GAP + 2 * _PAD), _HEAD + rows * step - _CELL_GAP + _PAD
    return _WIDTH, _ROW


def _cells_across(job: GraphJob) -> int:
    return max(_CELLS_A_ROW, ceil(sqrt(2 * len(job.cells))))


def _place_box(job: GraphJob, x: float, y: float, *, width: float, height: float) -> Box:
    inner = _place(job.inner, x + _PAD, y + _HEAD) if job.inner else None
    squares = job.cells if len(job.cells) > 1 and inner is None else ()
    step = _CELL + _CELL_GAP
    across = _cells_across(job)
    cells = tuple(
        PlacedCell(cell, x + _PAD + index % across * step, y + _HEAD - 2 + index // across * step, _CELL)
        for index, cell in enumerate(squares)
    )
    return Box(job=job, x=x, y=y, width=width, height=height, cells=cells, inner=inner)


def _path(chain: Sequence[str], middles: Mapping[str, tuple[float, float, float]]) -> str:
    """From the right side of the first to the left side of the last, straight through the passages."""
    _, x, y = middles[chain[0]]
    parts = [f"M{x:g} {y:g}"]
    for item in chain[1:]:
        left, right, middle = middles[item]
        bend = (left - x) / 2
        parts.append(f"C{x + bend:g} {y:g} {left - bend:g} {middle:g} {left:g} {middle:g}")
        if item != chain[-1]:
            parts.append(f"H{right:g}")
        x, y = right, middle
    return "".join(parts)
