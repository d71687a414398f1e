"""The picture of a run's jobs: nothing overlaps, edges go to the right, what is implied is not drawn."""

from collections.abc import Iterator
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from homeport.present.html_graph import Box, Cell, GraphJob, Picture, find_needs, lay_out


def job(name: str, *needs: str, legs: int = 1, inner: tuple[GraphJob, ...] = ()) -> GraphJob:
    cells = tuple(Cell(name=f"{name} {index}", state="success") for index in range(legs)) if not inner else ()
    return GraphJob(id=name, name=name, state="success", needs=needs, cells=cells, inner=inner)


def boxes(picture: Picture) -> dict[str, Box]:
    return {box.job.id: box for box in picture.boxes}


def overlaps(one: Box, other: Box) -> bool:
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


def test_a_job_stands_to_the_right_of_all_that_it_needs() -> None:
    placed = boxes(lay_out([job("a"), job("b", "a"), job("c", "a", "b"), job("d")]))
    assert placed["a"].x == placed["d"].x < placed["b"].x < placed["c"].x


def test_a_need_that_another_implies_is_not_drawn() -> None:
    needs = find_needs([job("lint"), job("test"), job("build", "lint", "test"), job("gate", "lint", "test", "build")])
    assert needs["gate"] == ["build"]
    assert needs["build"] == ["lint", "test"]


def test_needs_that_nobody_has_are_passed_over() -> None:
    picture = lay_out([job("a", "gone", "a")])
    assert picture.edges == ()
    assert len(picture.boxes) == 1


def test_no_job_is_an_empty_picture() -> None:
    assert lay_out([]) == Picture(0, 0, (), ())


def test_legs_of_a_matrix_are_squares_inside_of_their_box() -> None:
    (box,) = lay_out([job("test", legs=256)]).boxes
    assert len(box.cells) == 256
    assert all(box.x < cell.x and cell.x + cell.size < box.x + box.width for cell in box.cells)
    assert all(box.y < cell.y and cell.y + cell.size < box.y + box.height for cell in box.cells)
    assert len({(cell.x, cell.y) for cell in box.cells}) == 256
    assert box.width > box.height


def test_what_a_call_calls_stands_inside_of_it() -> None:
    picture = lay_out([job("first"), job("call", "first", inner=(job("one"), job("two", "one")))])
    call = boxes(picture)["call"]
    assert call.inner is not None
    for box in call.inner.boxes:
        assert call.x < box.x
        assert box.x + box.width < call.x + call.width
        assert call.y < box.y
        assert box.y + box.height < call.y + call.height


@given(st.lists(st.tuples(st.integers(0, 30), st.sets(st.integers(0, 11), max_size=4)), max_size=12))
def test_whatever_is_needed_nothing_overlaps(drawn: list[tuple[int, set[int]]]) -> None:
    jobs = [
        job(str(index), *(str(need) for need in sorted(needs) if need < index), legs=max(legs, 1))
        for index, (legs, needs) in enumerate(drawn)
    ]
    picture = lay_out(jobs)
    assert not [(one.job.id, other.job.id) for one, other in combinations(picture.boxes, 2) if overlaps(one, other)]
    assert all(box.x >= 0 and box.x + box.width <= picture.width for box in walk(picture))
    assert all(box.y >= -0.01 and box.y + box.height <= picture.height + 0.01 for box in walk(picture))
    placed = boxes(picture)
    for each, needs in find_needs(jobs).items():
        assert all(placed[need].x + placed[need].width < placed[each].x for need in needs)


def walk(picture: Picture) -> Iterator[Box]:
    for box in picture.boxes:
        yield box
        if box.inner is not None:
            yield from walk(box.inner)
