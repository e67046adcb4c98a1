"""Rename tables: templates, both directions, detection of the right table, and order matching."""

from __future__ import annotations

import pytest

from toolkit.model_zoo.renames import RenameTable, Template, UnmatchedKeysError, match_keys

TABLE = RenameTable.of(
    "published",
    [
        ["conv1.weight", "stem.weight"],
        ["layer{i+1}.{j}.conv{k+1}.weight", "stages.{i}.{j}.body.{k}.conv.weight"],
        ["layer{i+1}.{j}.bn{k+1}.{norm}", "stages.{i}.{j}.body.{k}.norm.{norm}"],
        ["fc.{*}", "head.output.{*}"],
    ],
    ignore=["{*}.num_batches_tracked"],
)
PAIRS = [
    ("conv1.weight", "stem.weight"),
    ("layer1.0.conv1.weight", "stages.0.0.body.0.conv.weight"),
    ("layer4.12.conv3.weight", "stages.3.12.body.2.conv.weight"),
    ("layer2.1.bn2.weight", "stages.1.1.body.1.norm.gamma"),
    ("layer2.1.bn2.bias", "stages.1.1.body.1.norm.beta"),
    ("layer2.1.bn2.running_mean", "stages.1.1.body.1.norm.running_mean"),
    ("layer2.1.bn2.running_var", "stages.1.1.body.1.norm.running_var"),
    ("fc.bias", "head.output.bias"),
]


@pytest.mark.parametrize(("foreign", "ours"), PAIRS)
def test_a_table_reads_in_both_directions(foreign: str, ours: str) -> None:
    assert TABLE.to_ours(foreign) == ours
    assert TABLE.to_foreign(ours) == foreign


@pytest.mark.parametrize("key", ["conv2.weight", "layer0.0.conv1.weight", "layer1.0.bn1.gamma"])
def test_other_keys_have_no_name_here(key: str) -> None:
    assert TABLE.to_ours(key) is None


@pytest.mark.parametrize(
    ("template", "key", "fields"),
    [
        ("features.{3k+1}.{*}", "features.7.gamma", {"k": 2, "*": "gamma"}),
        ("features.{3k+1}.{*}", "features.1.a.b", {"k": 0, "*": "a.b"}),
        ("features.{3k+1}.{*}", "features.6.gamma", None),  # no multiple of 3, plus 1
        ("features.{i+4}", "features.4", {"i": 0}),
        ("features.{i+4}", "features.3", None),  # below zero
        ("features.{i-1}", "features.0", {"i": 1}),
        ("{i}.{i}", "2.2", {"i": 2}),
        ("{i}.{i}", "2.3", None),  # one number, two values
        ("{2i}.{i+1}", "6.4", {"i": 3}),
        ("a.{i}", "axi", None),  # a dot is a dot
        ("a.{i}", "a.1.b", None),  # the whole key
        ("a.{*}", "a.", None),  # the rest is never empty
        ("a.{norm}", "a.weight", {"norm": "gamma"}),
        ("a.{norm}", "a.num_batches_tracked", None),
    ],
)
def test_templates_match(template: str, key: str, fields: dict[str, str | int] | None) -> None:
    assert Template(template, foreign=True).match(key) == fields
    if fields is not None:
        assert Template(template, foreign=True).format(fields) == key


def test_the_first_row_that_matches_counts() -> None:
    table = RenameTable.of(
        "x", [["down.1.weight", "pooled.conv.weight"], ["down.1.{*}", "norm.{*}"]]
    )
    assert table.to_ours("down.1.weight") == "pooled.conv.weight"
    assert table.to_ours("down.1.gamma") == "norm.gamma"


def test_a_row_with_a_number_on_one_side_only_is_no_way_back() -> None:
    table = RenameTable.of("x", [["features.3.{*}", "blocks.{i}.{*}"]])
    with pytest.raises(KeyError):
        table.to_ours("features.3.weight")


OURS = {
    "stem.weight": (8, 3, 3, 3),
    "stages.0.0.body.0.conv.weight": (8, 8, 3, 3),
    "stages.0.0.body.0.norm.gamma": (8,),
    "stages.0.0.body.0.norm.beta": (8,),
    "stages.0.0.body.0.norm.running_mean": (8,),
    "stages.0.0.body.0.norm.running_var": (8,),
    "head.output.weight": (10, 8),
    "head.output.bias": (10,),
}


def foreign_names() -> dict[str, tuple[int, ...]]:
    renamed = {TABLE.to_foreign(key): shape for key, shape in OURS.items()}
    assert None not in renamed
    return {str(key): shape for key, shape in renamed.items()}


def test_own_names_need_no_table() -> None:
    assert match_keys(dict(reversed(OURS.items())), OURS) == {key: key for key in OURS}


def test_prefixes_of_modules_are_passed_over() -> None:
    file = {("aux:" if "running" in key else "arg:") + key: s for key, s in OURS.items()}
    assert match_keys(file, OURS)["stem.weight"] == "arg:stem.weight"
    assert len(match_keys(file, OURS)) == len(OURS)


def test_a_networks_own_graph_goes_before_the_order_of_counters() -> None:
    ours = {"first.weight": (8, 8), "second.weight": (8, 8)}
    graph = {"first.weight": "net_dense1_weight", "second.weight": "net_dense0_weight"}
    file = {f"arg:{name}": (8, 8) for name in graph.values()}
    assert match_keys(file, ours, graph=graph) == {k: f"arg:{name}" for k, name in graph.items()}
    elsewhere = {"other_dense0_weight": (8, 8), "other_dense1_weight": (8, 8)}
    assert match_keys(elsewhere, ours, graph=graph)["first.weight"] == "other_dense0_weight"


def test_the_table_is_found_by_the_keys() -> None:
    file = {**foreign_names(), "layer1.0.bn1.num_batches_tracked": ()}
    other = RenameTable.of("other", [["conv1.{*}", "stem.{*}"]])
    found = match_keys(file, OURS, [other, TABLE])
    assert found == {key: TABLE.to_foreign(key) for key in OURS}


def test_counted_names_match_by_order_and_shape() -> None:
    file = {
        "net7_conv0_weight": (8, 3, 3, 3),
        "net7_conv1_weight": (8, 8, 3, 3),
        "net7_batchnorm0_gamma": (8,),
        "net7_batchnorm0_beta": (8,),
        "net7_dense0_weight": (10, 8),
        "net7_dense0_bias": (10,),
        "net7_batchnorm0_running_mean": (8,),
        "net7_batchnorm0_running_var": (8,),
    }
    found = match_keys(file, OURS, [TABLE])
    assert found["stages.0.0.body.0.conv.weight"] == "net7_conv1_weight"
    assert found["stages.0.0.body.0.norm.running_var"] == "net7_batchnorm0_running_var"
    assert sorted(found.values()) == sorted(file)


def test_files_in_the_order_of_a_graph_match_by_their_counters() -> None:
    """A graph runs the shortcut of a unit first, though it was made last."""
    ours = {
        "body.0.conv.weight": (4, 2, 3, 3),
        "body.0.norm.gamma": (4,),
        "body.1.conv.weight": (4, 4, 3, 3),
        "body.1.norm.gamma": (4,),
        "attention.squeeze.weight": (1, 4),
        "attention.excite.weight": (4, 1),
        "shortcut.conv.weight": (4, 2, 1, 1),
        "shortcut.norm.gamma": (4,),
    }
    graph = {
        "arg:net0_conv2_weight": (4, 2, 1, 1),
        "arg:net0_batchnorm2_gamma": (4,),
        "arg:net0_conv0_weight": (4, 2, 3, 3),
        "arg:net0_batchnorm0_gamma": (4,),
        "arg:net0_conv1_weight": (4, 4, 3, 3),
        "arg:net0_batchnorm1_gamma": (4,),
        "arg:net0_dense0_weight": (1, 4),
        "arg:net0_dense1_weight": (4, 1),
    }
    found = match_keys(graph, ours)
    assert found["shortcut.norm.gamma"] == "arg:net0_batchnorm2_gamma"
    assert found["body.0.norm.gamma"] == "arg:net0_batchnorm0_gamma"
    assert found["shortcut.conv.weight"] == "arg:net0_conv2_weight"
    assert found["attention.excite.weight"] == "arg:net0_dense1_weight"


def test_counters_count_past_nine() -> None:
    ours = {f"{i}.norm.gamma": (3,) for i in range(12)}
    file = {f"net0_batchnorm{i}_gamma": (3,) for i in sorted(range(12), key=str)}
    assert list(file)[1] == "net0_batchnorm1_gamma"
    assert list(file)[2] == "net0_batchnorm10_gamma"
    expected = {f"{i}.norm.gamma": f"net0_batchnorm{i}_gamma" for i in range(12)}
    assert match_keys(file, ours) == expected


@pytest.mark.parametrize(
    ("key", "shape"), [("net7_conv1_weight", (8, 8, 1, 1)), ("net7_extra_weight", (4,))]
)
def test_order_never_guesses(key: str, shape: tuple[int, ...]) -> None:
    file = {f"net7_{i}_{key.split('.')[-1]}": shape for i, (key, shape) in enumerate(OURS.items())}
    assert match_keys(file, OURS)
    with pytest.raises(UnmatchedKeysError):
        match_keys(
            {**dict(list(file.items())[:1]), key: shape, **dict(list(file.items())[1:])}, OURS
        )


def test_the_error_names_the_first_keys_of_each_side_under_the_nearest_table() -> None:
    file = foreign_names()
    del file["conv1.weight"], file["fc.bias"]
    file |= {f"layer9.extra{i}": (1,) for i in range(5)}
    with pytest.raises(UnmatchedKeysError) as caught:
        match_keys(file, OURS, [RenameTable.of("far", [["a", "b"]]), TABLE])
    message = str(caught.value)
    assert "nearest: published, 6 of 8 found" in message
    assert "without a place: layer9.extra0, layer9.extra1, layer9.extra2 and 2 more" in message
    assert "without a value: stem.weight, head.output.bias" in message


def test_two_keys_for_one_parameter_are_too_many() -> None:
    table = RenameTable.of("x", [["old.{*}", "{*}"], ["new.{*}", "{*}"]])
    file = {"old.weight": (1,), "new.weight": (1,), "new.bias": (1,)}
    with pytest.raises(UnmatchedKeysError, match=r"without a place: old.weight, new.weight;"):
        match_keys(file, {"weight": (1,), "bias": (1,)}, [table])


def test_an_empty_checkpoint_says_so() -> None:
    with pytest.raises(UnmatchedKeysError, match=r"0 of 8 found.*without a place: none"):
        match_keys({}, OURS, [TABLE])


def test_a_prefix_may_be_missing():
    rows = [["net.norm.{affine}", "norm.{affine}"], ["net.{*}", "{*}"]]
    table = RenameTable.of("theirs", rows, ["net.ids"], "net.")
    assert table.to_ours("net.layer.weight") == table.to_ours("layer.weight") == "layer.weight"
    assert table.to_foreign("layer.weight") == "net.layer.weight"
    assert table.ignores("ids")
    assert table.ignores("net.ids")
    assert not table.ignores("idss")


def test_layer_normalizations_have_two_sets_of_words():
    table = RenameTable.of("theirs", [["norm.{affine}", "norm.{affine}"]])
    for foreign in ("norm.weight", "norm.gamma"):
        assert table.to_ours(foreign) == "norm.gamma"
    assert table.to_foreign("norm.gamma") == "norm.weight"
    assert table.to_foreign("norm.beta") == "norm.bias"


def test_optional_parts_may_be_missing_on_either_side():
    ours = {"body.weight": (2,), "head.weight": (3,)}
    found = match_keys({"body.weight": (2,), "pooler.weight": (4,)}, ours, optional=PARTS)
    assert found == {"body.weight": "body.weight"}
    assert match_keys(ours, ours, optional=PARTS) == {key: key for key in ours}
    with pytest.raises(UnmatchedKeysError, match=r"without a place: tail\.weight"):
        match_keys({"body.weight": (2,), "tail.weight": (4,)}, ours, optional=PARTS)
    with pytest.raises(UnmatchedKeysError, match=r"without a value: body\.weight"):
        match_keys({"head.weight": (3,)}, ours, optional=PARTS)


PARTS = ("head.", "pooler.")


def test_a_table_covers_keys_that_it_renames_or_ignores() -> None:
    table = RenameTable.of("t", [["a.{i}", "b.{i}"]], ["c.{*}"])
    assert table.covers(["a.1", "c.x"])
    assert not table.covers(["a.1", "d.1"])
