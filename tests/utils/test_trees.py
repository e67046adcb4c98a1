"""The best tree with one root, against all trees there are."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from toolkit.utils.trees import best_tree, decode_trees, find_loop, greedy_heads


def total(scores: np.ndarray, heads: np.ndarray | tuple[int, ...]) -> float:
    return float(scores[np.arange(1, len(scores)), list(heads)].sum())


def is_tree(heads: np.ndarray | tuple[int, ...]) -> bool:
    return list(heads).count(0) == 1 and not find_loop(heads)


def all_trees(words: int) -> list[tuple[int, ...]]:
    return [heads for heads in product(range(words + 1), repeat=words) if is_tree(heads)]


@pytest.mark.parametrize(
    ("heads", "loop"),
    [
        ([], []),
        ([0], []),
        ([2, 3, 0], []),
        ([0, 0, 1], []),
        ([2, 1], [1, 2]),
        ([0, 3, 4, 2, 2], [2, 3, 4]),
        ([2, 3, 2], [2, 3]),  # the walk begins outside of the loop
        ([1], [1]),
    ],
)
def test_loops_are_found(heads: list[int], loop: list[int]) -> None:
    assert find_loop(heads) == loop
    assert find_loop(np.array(heads, int)) == loop


@pytest.mark.parametrize("words", [1, 2, 3, 4, 5])
def test_no_tree_is_better(words: int) -> None:
    trees = all_trees(words)
    assert len(trees) == words ** (words - 1)  # Cayley's number of rooted trees
    rng = np.random.default_rng(words)
    greedy = 0
    for kind in range(60):
        scores = rng.normal(size=(words + 1, words + 1))
        if kind % 3 == 1:
            scores[:, 0] += 3  # many words would be roots
        if kind % 3 == 2:
            scores = np.round(scores * 2)  # ties
        found = best_tree(scores)
        assert is_tree(found)
        best = max(total(scores, tree) for tree in trees)
        assert total(scores, found) == pytest.approx(best)
        greedy += is_tree(greedy_heads(scores))
    assert (greedy == 60) is (words == 1)  # both ways were gone


def test_long_sentences_of_many_loops() -> None:
    rng = np.random.default_rng(0)
    for scale in (0.0, 1.0, 1e6):
        scores = scale * rng.normal(size=(121, 121)).astype("float32")
        for word in range(1, 120, 2):  # pairs that want each other
            scores[word, word + 1] = scores[word + 1, word] = 9 * scale
        assert is_tree(best_tree(scores))


def test_against_networkx() -> None:
    networkx = pytest.importorskip("networkx")
    rng = np.random.default_rng(1)
    for size in (8, 15):
        scores = rng.normal(size=(size, size))
        scores[:, 0] -= 100  # one root is best anyway
        graph = networkx.DiGraph()
        for word, head in product(range(1, size), range(size)):
            if word != head:
                graph.add_edge(head, word, weight=scores[word, head])
        tree = networkx.maximum_spanning_arborescence(graph)
        expected = [next(iter(tree.predecessors(word))) for word in range(1, size)]
        assert best_tree(scores).tolist() == expected


def test_greedy_heads_are_each_words_own() -> None:
    scores = np.array([[9, 9, 9], [0, 9, 1], [0, 1, 9]])
    assert greedy_heads(scores).tolist() == [2, 1]
    assert best_tree(scores).tolist() in ([0, 1], [2, 0])
    assert scores[1, 1] == 9  # what was given is left as it is


def test_batches_are_decoded_within_their_lengths() -> None:
    rng = np.random.default_rng(0)
    arcs, relations = rng.normal(size=(2, 5, 5)), rng.normal(size=(2, 5, 3, 5))
    arcs[1, :, 3:] = 1e9  # beyond the length
    relations[1, 3:] = np.nan
    found = decode_trees(arcs, relations, [5, 3], None)
    for row, (heads, labels) in enumerate(found):
        size = len(heads) + 1
        np.testing.assert_array_equal(heads, best_tree(arcs[row, :size, :size]))
        own = [relations[row, word, :, head].argmax() for word, head in enumerate(heads, 1)]
        assert labels.tolist() == own
    assert [len(heads) for heads, _ in found] == [4, 2]


def test_the_root_has_a_relation_of_its_own() -> None:
    rng = np.random.default_rng(0)
    arcs, relations = rng.normal(size=(3, 6, 6)), rng.normal(size=(3, 6, 4, 6))
    relations[:, :, 2] += 9 * rng.choice([-1, 1], size=(3, 6, 6))
    for heads, labels in decode_trees(arcs, relations, [6, 6, 6], root=2):
        np.testing.assert_array_equal(labels == 2, heads == 0)


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        (np.zeros((1, 1)), "at least one word"),
        (np.zeros((2, 3)), r"got \(2, 3\)"),
        (np.array([[0, 0], [np.nan, 0]]), "finite"),
        (np.array([[0, 0], [-np.inf, 0]]), "finite"),
    ],
)
def test_scores_that_make_no_sense_are_refused(scores: np.ndarray, message: str) -> None:
    for decode in (best_tree, greedy_heads):
        with pytest.raises(ValueError, match=message):
            decode(scores)
