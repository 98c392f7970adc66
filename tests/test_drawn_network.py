"""Laws of the drawn network: a link is a weight that is not 0 and lies on a way from an input to an output."""

import numpy as np

from ridgewalk.report.drawn_network import live_links


def links_of(*weights: list[list[float]]) -> list[tuple[int, int, int, float]]:
    found = live_links([np.array(each) for each in weights])
    return list(zip(found.layer.tolist(), found.start.tolist(), found.end.tolist(), found.weight.tolist(), strict=True))


def test_units_that_lead_nowhere_or_that_no_input_reaches_have_no_links() -> None:
    first = [[1.0, 5.0, 0.0], [0.0, -2.0, 0.0]]  # unit 1 leads nowhere; no input reaches unit 2
    second = [[3.0], [0.0], [7.0]]
    assert links_of(first, second) == [(1, 0, 0, 3.0), (0, 0, 0, 1.0)]


def test_they_come_by_their_size() -> None:
    assert links_of([[0.5, -4.0], [2.0, 0.0]]) == [(0, 0, 1, -4.0), (0, 1, 0, 2.0), (0, 0, 0, 0.5)]


def test_a_way_that_is_broken_in_a_later_layer_is_none() -> None:
    assert links_of([[1.0]], [[0.0]], [[1.0]]) == []


def test_it_has_as_many_links_as_a_search_along_every_way_finds() -> None:
    generator = np.random.default_rng(0)
    for _ in range(50):
        weights = [generator.normal(size=size) * (generator.random(size) < 0.3) for size in ((5, 4), (4, 3), (3, 2))]
        wanted = {
            link
            for a, b, c, d in np.ndindex(5, 4, 3, 2)
            if weights[0][a, b] and weights[1][b, c] and weights[2][c, d]
            for link in ((0, a, b), (1, b, c), (2, c, d))
        }
        found = live_links(weights)
        assert set(zip(found.layer.tolist(), found.start.tolist(), found.end.tolist(), strict=True)) == wanted
