"""BERT and its kin."""

from __future__ import annotations

from functools import partial

import mxnet as mx
import numpy as np
import pytest

from toolkit.model_zoo import get_arrays, get_model, list_models, model_info
from toolkit.model_zoo.registry import BACKBONES
from toolkit.model_zoo.text.bert import VARIANTS
from toolkit.utils.testing import assert_is_text_encoder

SMALL = {"layers": 2, "units": 16, "hidden_units": 24, "heads": 2, "vocab_size": 50}
SMALL |= {"max_length": 12}


def small(name: str) -> partial[mx.gluon.HybridBlock]:
    narrow = VARIANTS[name].embedding_units not in (None, VARIANTS[name].units)
    options = {**SMALL, "embedding_units": 8 if narrow else None}
    return partial(BACKBONES.create, name, **options)


@pytest.mark.parametrize("name", list(VARIANTS))
def test_it_is_a_text_encoder(name: str) -> None:
    assert_is_text_encoder(small(name))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bert_12_768_12", "albert_base", "electra_small"])
def test_the_published_size_is_a_text_encoder(name: str) -> None:
    assert_is_text_encoder(partial(BACKBONES.create, name), (2, 12))


def test_every_variant_is_published() -> None:
    assert set(VARIANTS) == {
        model_info(name).backbone for name in list_models(task="text_encoder")
    } & set(VARIANTS)
    assert len(VARIANTS) >= 14


@pytest.mark.parametrize(
    ("name", "millions"),
    [
        ("bert_12_768_12", 108.9),
        ("bert_24_1024_16", 334.1),
        ("distilbert_6_768_12", 66.4),
        ("minilm_6_384_12", 22.6),
        ("albert_base", 11.1),
        ("electra_small", 13.4),
    ],
)
def test_encoders_have_the_published_number_of_parameters(name: str, millions: float) -> None:
    params = get_model(name).collect_params().values()
    assert sum(np.prod(p.shape) for p in params) / 1e6 == pytest.approx(millions, abs=0.1)


def test_a_shared_layer_is_used_as_often_as_it_should() -> None:
    net, once = (small("albert_base")(layers=layers) for layers in (3, 1))
    assert len(net.layers) == 1
    net.initialize(mx.init.Normal(0.3))
    once.initialize()
    for key, param in once._collect_params_with_prefix().items():
        param.set_data(get_arrays(net)[key])
    tokens, segments, length = mx.nd.ones((1, 4)), mx.nd.zeros((1, 4)), mx.nd.array([4])
    x = once(tokens, segments, length)
    for _ in range(2):
        x = once.layers[0](x)
    np.testing.assert_allclose(
        net(tokens, segments, length).asnumpy(), x.asnumpy(), rtol=1e-4, atol=1e-5
    )


def test_a_text_longer_than_the_table_of_positions_is_refused() -> None:
    net = small("bert_12_768_12")()
    net.initialize()
    with pytest.raises(mx.MXNetError, match="exceeds limit of input with size 12"):
        net(mx.nd.zeros((1, 13)), mx.nd.zeros((1, 13)), mx.nd.array([13])).wait_to_read()


def test_gradients_reach_every_parameter() -> None:
    net = small("electra_small")()
    net.initialize(mx.init.Normal(0.3))
    tokens = mx.nd.array([[1, 2, 3]])
    with mx.autograd.record():
        loss = net(tokens, mx.nd.array([[0, 1, 1]]), mx.nd.array([3])).square().sum(axis=2)
        loss = (loss * mx.nd.array([[1, 2, 3]])).sum()
    loss.backward()
    silent = [k for k, p in net._collect_params_with_prefix().items() if not p.grad().norm()]
    # Adding one number to all scores of a query changes no weight.
    assert [key for key in silent if not key.endswith("key.bias")] == []


@pytest.mark.parametrize(
    ("name", "dataset", "tag", "vocab_size"),
    [
        ("bert_12_768_12", "book_corpus_wiki_en_cased", "5656dac6", 28996),
        ("bert_12_768_12", "wiki_multilingual_uncased", "237f3985", 105879),
        ("bert_12_768_12", "biobert_v1.0_pmc_cased", "a0778038", 28996),
        ("bert_24_1024_16", "book_corpus_wiki_en_uncased", "24551e14", None),
        ("roberta_12_768_12", "openwebtext_ccnews_stories_books_cased", "5cf21fcd", None),
        ("ernie_12_768_12", "baidu_ernie_uncased", "f869f3f8", None),
    ],
)
def test_weights_are_asked_for_by_data_set(
    name: str, dataset: str, tag: str, vocab_size: int | None
) -> None:
    entry = model_info(name).entry(dataset)
    assert entry.tag == tag
    assert entry.options.get("vocab_size") == vocab_size
    assert model_info(name).entry(tag[:5]) == entry


def test_all_published_data_sets_are_there() -> None:
    base, large = (model_info(name).weights for name in ("bert_12_768_12", "bert_24_1024_16"))
    assert len({entry.dataset for entry in base}) == 16
    assert len({entry.dataset for entry in large}) == 2
    assert base[0].dataset == "book_corpus_wiki_en_uncased"
    with pytest.raises(ValueError, match=r"no weights fit tag 'wiki'.*clinicalbert_uncased"):
        model_info("bert_12_768_12").entry("wiki")
