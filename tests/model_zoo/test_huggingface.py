"""Folders of the transformers package: read, computed with, written back."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import mxnet as mx
import numpy as np
import pytest

from toolkit.model_zoo import get_arrays, get_model, save_huggingface
from toolkit.model_zoo.huggingface import foreign_arrays
from toolkit.model_zoo.weights import WeightsError
from toolkit.utils.checkpoints import read_arrays, write_safetensors

SMALL = {"layers": 2, "units": 16, "heads": 2}
MODELS = {
    "Bert": "bert_12_768_12",
    "Roberta": "roberta_12_768_12",
    "DistilBert": "distilbert_6_768_12",
    "Albert": "albert_base",
    "Electra": "electra_base",
    "XLNet": "xlnet_cased_l12_h768_a12",
}
TASKS = {
    "PreTraining": "language_pretraining",
    "MaskedLM": "masked_language_model",
    "SequenceClassification": "text_classifier",
    "TokenClassification": "token_classifier",
    "QuestionAnswering": "question_answerer",
    "QuestionAnsweringSimple": "question_answerer",
}
CASES = [
    "BertForPreTraining",
    "BertForSequenceClassification",
    "BertForTokenClassification",
    "BertForQuestionAnswering",
    "RobertaForMaskedLM",
    "RobertaForSequenceClassification",
    "DistilBertForMaskedLM",
    "DistilBertForSequenceClassification",
    "AlbertForPreTraining",
    "ElectraForMaskedLM",
    "ElectraForSequenceClassification",
    "XLNetForSequenceClassification",
    "XLNetForTokenClassification",
    "XLNetForQuestionAnsweringSimple",
]


def load(golden: Any, case: str, folder: Path) -> mx.gluon.HybridBlock:
    family, task = case.split("For")
    path = golden.write(case, folder)
    return get_model(MODELS[family], path, task=TASKS[task], **SMALL)


def call(golden: Any, case: str, net: mx.gluon.HybridBlock) -> list[np.ndarray]:
    data = {key: mx.nd.array(value) for key, value in golden.rule.inputs().items()}
    arguments = [data["tokens"], data["segments"], data["valid_length"]]
    if re.search("LM|PreTraining", case):
        count, length = data["tokens"].shape
        arguments.append(mx.nd.array(np.tile(np.arange(length), (count, 1))))
    outputs = net(*arguments)
    outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
    return [output.asnumpy() for output in outputs]


@pytest.mark.parametrize("case", CASES)
def test_outputs_are_those_of_transformers(golden: Any, case: str, tmp_path: Path) -> None:
    net = load(golden, case, tmp_path)
    expected = list(golden.outputs(case).values())
    found = call(golden, case, net)
    assert len(found) == len(expected)
    lengths = golden.rule.inputs()["valid_length"]
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.shape == theirs.shape
        if theirs.shape[:2] == (2, lengths.max()):  # a result for each token: padding left out
            mask = np.arange(lengths.max()) < lengths[:, None]
            ours, theirs = ours[mask], theirs[mask]
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5 * np.abs(theirs).max())


@pytest.mark.parametrize("case", CASES)
def test_a_saved_folder_holds_the_same_weights_and_config(
    golden: Any, case: str, tmp_path: Path
) -> None:
    net = load(golden, case, tmp_path / "theirs")
    save_huggingface(net, tmp_path / "ours")
    theirs, ours = (read_arrays(tmp_path / k / "model.safetensors") for k in ("theirs", "ours"))
    extra = {"roberta.pooler.dense.weight", "roberta.pooler.dense.bias"}
    extra |= {"transformer.mask_emb"}  # of the second stream, which no such task has
    assert ours.keys() == theirs.keys() - extra
    for key, value in ours.items():
        np.testing.assert_array_equal(value, theirs[key], key)
    about = json.loads((tmp_path / "ours" / "config.json").read_text())
    expected = golden.about(case)["config"]
    assert about["model_type"] == expected["model_type"]
    assert about["architectures"] == [case]
    keys = net.info.huggingface["config"].keys()
    assert {key: about[key] for key in keys} == {key: expected[key] for key in keys}
    if "Classification" in case:
        assert len(about["id2label"]) == len(expected["id2label"])


def test_all_cases_are_tried(golden: Any) -> None:
    tried = {case for case in golden.names() if case.split("For")[0] in MODELS}
    assert tried == set(CASES)


def test_a_bare_encoder_has_no_prefix(golden: Any, tmp_path: Path) -> None:
    full = load(golden, "BertForPreTraining", tmp_path / "full")
    arrays = golden.weights("BertForPreTraining")
    bare = {k.removeprefix("bert."): v for k, v in arrays.items() if k.startswith("bert.")}
    golden.write("BertForPreTraining", tmp_path / "bare")
    write_safetensors(tmp_path / "bare" / "model.safetensors", bare)
    net = get_model("bert_12_768_12", tmp_path / "bare", **SMALL)
    data = [mx.nd.array(value) for value in golden.rule.inputs().values()]
    np.testing.assert_array_equal(net(*data).asnumpy(), full.encoder(*data).asnumpy())


def test_a_head_that_the_folder_lacks_starts_at_random(golden: Any, tmp_path: Path) -> None:
    path = golden.write("BertForPreTraining", tmp_path)
    net = get_model("bert_12_768_12", path, task="text_classifier", classes=4, **SMALL)
    values = get_arrays(net)
    assert values["head.weight"].shape == (4, 16)
    assert 0.005 < values["head.weight"].std() < 0.05
    expected = golden.weights("BertForPreTraining")
    np.testing.assert_array_equal(values["pooler.weight"], expected["bert.pooler.dense.weight"])


def test_weights_in_several_files(golden: Any, tmp_path: Path) -> None:
    case = "BertForQuestionAnswering"
    whole = load(golden, case, tmp_path / "whole")
    path, arrays = golden.write(case, tmp_path / "parts"), golden.weights(case)
    (path / "model.safetensors").unlink()
    places = {key: f"part{index % 2}.safetensors" for index, key in enumerate(arrays)}
    for part in sorted(set(places.values())):
        write_safetensors(path / part, {k: v for k, v in arrays.items() if places[k] == part})
    (path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))
    net = get_model("bert_12_768_12", path, task="question_answerer", **SMALL)
    expected = foreign_arrays(whole)
    for key, value in foreign_arrays(net).items():
        np.testing.assert_array_equal(value, expected[key])


def test_other_sizes_than_the_names_are_refused(golden: Any, tmp_path: Path) -> None:
    path = golden.write("BertForQuestionAnswering", tmp_path)
    with pytest.raises(WeightsError, match="Pass layers=2, units=16, heads=2 to get_model"):
        get_model("bert_12_768_12", path)


def test_another_kind_of_model_is_refused(golden: Any, tmp_path: Path) -> None:
    path = golden.write("RobertaForMaskedLM", tmp_path)
    with pytest.raises(WeightsError, match="a model of type 'roberta'; 'bert_12_768_12' reads"):
        get_model("bert_12_768_12", path, **SMALL)
    with pytest.raises(WeightsError, match="'resnet18_v1' reads no such folders"):
        get_model("resnet18_v1", path)


def test_a_folder_without_its_files_is_refused(golden: Any, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"no config\.json in the folder"):
        get_model("bert_12_768_12", tmp_path)
    path = golden.write("BertForQuestionAnswering", tmp_path)
    (path / "model.safetensors").unlink()
    with pytest.raises(WeightsError, match=r"none of model\.safetensors, pytorch_model\.bin"):
        get_model("bert_12_768_12", path, **SMALL)


def test_an_unknown_activation_is_refused(golden: Any, tmp_path: Path) -> None:
    path = golden.write("BertForQuestionAnswering", tmp_path)
    config = json.loads((path / "config.json").read_text())
    (path / "config.json").write_text(json.dumps({**config, "hidden_act": "mish"}))
    with pytest.raises(WeightsError, match=r"unknown activation 'mish'; known: .*gelu"):
        get_model("bert_12_768_12", path, **SMALL)


def test_a_model_without_a_counterpart_is_not_saved(tmp_path: Path) -> None:
    net = get_model("cifar_resnet20_v1")
    with pytest.raises(ValueError, match="as image_classifier has no counterpart"):
        save_huggingface(net, tmp_path / "folder")
    assert not (tmp_path / "folder").exists()


def test_labels_are_written_and_counted(tmp_path: Path) -> None:
    sizes = {"layers": 6, "units": 24, "hidden_units": 8, "heads": 12, "vocab_size": 9}
    net = get_model("minilm_6_384_12", task="token_classifier", classes=2, **sizes)
    net.initialize()
    save_huggingface(net, tmp_path, labels=["O", "B-x"])
    config = json.loads((tmp_path / "config.json").read_text())
    assert (config["id2label"], config["label2id"]) == ({"0": "O", "1": "B-x"}, {"O": 0, "B-x": 1})
    with pytest.raises(ValueError, match="1 labels for 2 classes"):
        save_huggingface(net, tmp_path, labels=["O"])
