"""The rows of the weights files, and what is asked of them."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest
from mxnet.gluon.model_zoo.model_store import _model_sha1

from toolkit.data.vision import PRESETS
from toolkit.model_zoo import list_models, model_info, tasks, text, vision
from toolkit.model_zoo.catalogue import FOLDER, WeightsEntry, catalogue, read_family
from toolkit.model_zoo.registry import BACKBONES, TASKS
from toolkit.model_zoo.renames import RenameTable

REGISTERED = (tasks, text, vision)  # their import fills the registries
FILES = sorted(FOLDER.glob("*.json"))
MODEL_KEYS = {"task", "domain", "classes", "labels", "preprocess", "note", "backbone", "options"}
MODEL_KEYS |= {"weights", "precision"}


def read(path: Path) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return data


WEIGHTS = [(path.stem, row) for path in FILES for row in read(path).get("weights", ())]


def test_there_are_files() -> None:
    assert len(FILES) >= 6
    assert len(WEIGHTS) >= 50


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_models_resolve(path: Path) -> None:
    data = read(path)
    assert data["models"]
    for name, row in data["models"].items():
        assert row.keys() <= MODEL_KEYS
        info = model_info(name)
        assert info.family == path.stem
        assert info.task in TASKS
        assert info.backbone in BACKBONES
        assert info.precision in ("fp32", "int8")
        if info.domain == "vision":
            assert info.classes >= 1
            assert info.preprocess in PRESETS


@pytest.mark.parametrize(("family", "row"), WEIGHTS, ids=lambda value: str(value)[:60])
def test_weights_follow_the_schema(family: str, row: dict[str, Any]) -> None:
    entry = WeightsEntry(**row)  # no key that the dataclass lacks
    required = [f.name for f in dataclasses.fields(entry) if f.default is dataclasses.MISSING]
    assert all(row.get(key) for key in required if key in ("name", "tag", "digest", "file", "url"))
    assert entry in model_info(entry.name).weights
    kind, _, digits = entry.digest.partition(":")
    length = {"sha1": 40, "sha256": 64}[kind]
    assert re.fullmatch(rf"[0-9a-f]{{8}}|[0-9a-f]{{{length}}}", digits)
    assert entry.tag == digits[:8]
    suffix = ".pth" if entry.source == "torchvision" else ".params"
    assert entry.file.endswith(f"-{entry.tag}{suffix}")
    archive = entry.file.removesuffix(".params") + ".zip"
    assert entry.preprocess is None or entry.preprocess in PRESETS
    assert entry.bundled or entry.url.rsplit("/", 1)[-1] in (entry.file, archive)
    assert entry.size is None or entry.size > 0
    assert entry.source in ("gluoncv", "gluonnlp", "mxnet", "torchvision", "toolkit")
    shares = [value for key, value in entry.metrics.items() if key != "perplexity"]
    assert all(0 < value <= 100 for value in shares)


def test_no_two_weights_are_the_same_file() -> None:
    files = [row["file"] for _, row in WEIGHTS]
    assert len(set(files)) == len(files)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_row_stands_on_a_line_of_its_own(path: Path) -> None:
    """So that a change shows as the lines it changes."""
    lines = [line.strip().rstrip(",") for line in path.read_text(encoding="utf-8").splitlines()]
    data = read(path)
    expected = [json.dumps(row, ensure_ascii=False) for row in data.get("weights", ())]
    expected += [
        f"{json.dumps(name)}: {json.dumps(row, ensure_ascii=False)}"
        for name, row in data["models"].items()
    ]
    for table in data.get("renames", {}).values():
        expected += [json.dumps(row) for row in table["rows"]]
    assert [row for row in expected if row not in lines] == []


def test_a_family_reads_into_models(tmp_path: Path) -> None:
    path = tmp_path / "toy.json"
    weights = [
        {"name": "toy1", "tag": "aaaaaaaa", "digest": "sha1:aaaaaaaa", "file": "f", "url": "u"},
        {"name": "toy2", "tag": "bbbbbbbb", "digest": "sha1:bbbbbbbb", "file": "g", "url": "v"},
    ]
    models = {
        "toy1": {},
        "toy2": {"classes": 3, "labels": None, "note": "small"},
        "toy3": {"backbone": "toy1", "weights": "toy1", "options": {"x": 1}},
    }
    renames = {"theirs": {"rows": [["a.{*}", "b.{*}"]], "ignore": ["c.{*}"]}}
    shared = {"task": "t", "domain": "d", "classes": 5, "labels": "l", "preprocess": "p"}
    path.write_text(
        json.dumps({**shared, "models": models, "renames": renames, "weights": weights})
    )
    first, second, third = read_family(path)
    assert (first.name, first.family, first.backbone) == ("toy1", "toy", "toy1")
    assert (first.task, first.domain, first.classes, first.labels) == ("t", "d", 5, "l")
    assert [entry.tag for entry in first.weights] == ["aaaaaaaa"]
    assert (second.classes, second.labels, second.note) == (3, None, "small")
    assert (third.backbone, third.options) == ("toy1", {"x": 1})
    assert third.weights == first.weights
    assert first.renames == (RenameTable.of("theirs", [["a.{*}", "b.{*}"]], ["c.{*}"]),)


def test_info_is_found_in_any_case() -> None:
    assert model_info("ResNet50_V1d") is model_info("resnet50_v1d")


def test_an_unknown_model_names_the_near_ones() -> None:
    with pytest.raises(
        ValueError, match=r"unknown model 'resnet51_v1'; did you mean .*resnet50_v1"
    ):
        model_info("resnet51_v1")
    with pytest.raises(TypeError, match="a model's name is a string, got int"):
        model_info(50)  # type: ignore[arg-type]


def test_models_are_listed_by_pattern_and_kind() -> None:
    assert list_models("resnet??_v2") == ["resnet18_v2", "resnet34_v2", "resnet50_v2"]
    assert list_models("MobileNetV2_1*") == ["mobilenetv2_1.0"]
    vision, text = list_models(domain="vision"), list_models(domain="text")
    assert set(vision) | set(text) == set(list_models())
    assert "resnet50_v1" in list_models(task="image_classifier", domain="vision")
    assert list_models("bert*", task="text_encoder") == ["bert_12_768_12", "bert_24_1024_16"]
    assert list_models(task="no such task") == list_models("no such model") == []
    with_weights, without = list_models(pretrained=True), list_models(pretrained=False)
    assert "resnet50_v1" in with_weights
    assert "se_resnet50_v1" in without
    assert sorted(with_weights + without) == list_models() == sorted(catalogue().names())


def test_weights_are_chosen_by_tag() -> None:
    info = model_info("resnet50_v1d")
    assert info.entry().tag == info.weights[0].tag == "117a384e"
    assert info.entry("00319ddc").metrics["top1"] == pytest.approx(78.48)
    assert info.entry("003").tag == "00319ddc"
    assert info.entry("117A384E").tag == "117a384e"
    with pytest.raises(ValueError, match=r"no weights fit tag 'ffff' .* 117a384e, 00319ddc"):
        info.entry("ffff")
    with pytest.raises(ValueError, match="no weights are published for 'se_resnet50_v1'"):
        model_info("se_resnet50_v1").entry()


def test_an_ambiguous_tag_is_refused() -> None:
    info = model_info("resnet50_v1d")
    same = dataclasses.replace(info, weights=(info.weights[0], info.weights[0]))
    with pytest.raises(ValueError, match="several weights fit tag '117a'"):
        same.entry("117a")


def test_mxnets_own_weights_bring_the_options_they_need() -> None:
    entry = model_info("mobilenetv2_1.0").entry("36da4ff1")
    assert entry.source == "mxnet"
    assert entry.options == {"expand_first": True}


def test_every_file_of_mxnets_own_zoo_has_an_entry() -> None:
    published = {k: v for k, v in _model_sha1.items() if not k.endswith("_int8")}
    assert len(published) >= 34
    for name, digest in published.items():
        assert f"sha1:{digest}" in {entry.digest for entry in model_info(name).weights}, name


def test_files_of_torchvision_are_known_by_the_hash_in_their_names() -> None:
    found = [e for n in list_models() for e in model_info(n).weights if e.source == "torchvision"]
    assert len(found) >= 30
    assert all(entry.file == entry.url.rsplit("/", 1)[-1] for entry in found)
    assert {entry.licence for entry in found} == {"BSD-3-Clause"}
    assert all({"top1", "top5"} == entry.metrics.keys() for entry in found)
