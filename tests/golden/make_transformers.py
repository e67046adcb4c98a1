"""Makes transformers.npz: what the ``transformers`` package answers at weights given by a rule.

Run where torch and transformers are installed: ``python make_transformers.py``; names of cases
after it make those alone anew. The weights are not kept: ``weights_of`` makes them from each key's
name and shape, here and in the tests.
"""

from __future__ import annotations

import json
import re
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np

VOCAB, LENGTHS = 60, (9, 5)
MAX_TOKENS, WIDTH = 12, 3  # of the texts that are written
# Words that end them, such as these models write.
ENDS = {
    "T5ForConditionalGeneration": 53,
    "T5ForConditionalGeneration-1.1": 34,
    "MarianMTModel": 39,
}
SIZES = {"vocab_size": VOCAB, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
SIZES |= {"intermediate_size": 24, "max_position_embeddings": 20}
XLNET = {"vocab_size": VOCAB, "d_model": 16, "n_layer": 2, "n_head": 2, "d_inner": 24}
DISTIL = {"vocab_size": VOCAB, "dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 24}
T5 = {"vocab_size": VOCAB, "d_model": 16, "num_layers": 2, "num_heads": 2, "d_kv": 6, "d_ff": 24}
T5 |= {"relative_attention_num_buckets": 8, "relative_attention_max_distance": 6}
MARIAN = {"vocab_size": VOCAB, "d_model": 16, "encoder_layers": 2, "decoder_layers": 1}
for side in ("encoder", "decoder"):
    MARIAN |= {f"{side}_attention_heads": 2, f"{side}_ffn_dim": 24}
MARIAN |= {"activation_function": "swish", "scale_embedding": True, "eos_token_id": 39}
MARIAN |= {"pad_token_id": 59, "decoder_start_token_id": 59, "forced_eos_token_id": None}
# Class of the package, and after a dash which of several; its config.
CASES = {
    "BertForPreTraining": SIZES,
    "BertForSequenceClassification": {**SIZES, "num_labels": 3},
    "BertForTokenClassification": {**SIZES, "num_labels": 3},
    "BertForQuestionAnswering": SIZES,
    "RobertaForMaskedLM": {**SIZES, "type_vocab_size": 1, "layer_norm_eps": 1e-5},
    "RobertaForSequenceClassification": {**SIZES, "type_vocab_size": 1, "layer_norm_eps": 1e-5},
    "DistilBertForMaskedLM": {**DISTIL, "max_position_embeddings": 20},
    "DistilBertForSequenceClassification": {**DISTIL, "max_position_embeddings": 20},
    "AlbertForPreTraining": {**SIZES, "embedding_size": 8},
    "ElectraForMaskedLM": {**SIZES, "embedding_size": 8},
    "ElectraForSequenceClassification": {**SIZES, "embedding_size": 8},
    "GPT2LMHeadModel": {
        "vocab_size": VOCAB,
        "n_embd": 16,
        "n_layer": 2,
        "n_head": 2,
        "n_positions": 20,
    },
    "XLNetModel": XLNET,
    "XLNetLMHeadModel": {**XLNET, "ff_activation": "gelu_new"},
    "XLNetForSequenceClassification": {**XLNET, "num_labels": 3},
    "XLNetForTokenClassification": {**XLNET, "num_labels": 3},
    "XLNetForQuestionAnsweringSimple": XLNET,
    "T5ForConditionalGeneration": {
        **T5,
        "num_layers": 3,
        "num_decoder_layers": 2,
        "decoder_start_token_id": 0,
    },
    "T5ForConditionalGeneration-1.1": {
        **T5,
        "feed_forward_proj": "gated-gelu",
        "tie_word_embeddings": False,
        "decoder_start_token_id": 0,
    },
    "MarianMTModel": MARIAN,
}
# Parameters of these are computed, not learned.
COMPUTED = "embed_positions"
# Standard deviations, by the first pattern that fits: with less in the layers of T5 and Marian they
# would write one word over and over.
SPREADS = (
    (r"\.block\.", 0.6),
    (r"^model\..*\.layers\..*bias$", 0.1),
    (r"^model\..*\.layers\.", 0.6),
    ("final_logits_bias", 0.8),
    ("", 0.2),
)
LEARNED_BUFFERS = ("final_logits_bias",)


def weights_of(key: str, shape: tuple[int, ...]) -> np.ndarray:
    """The values of a weight, by its name and shape alone."""
    rng = np.random.default_rng(zlib.crc32(key.encode()))
    scale = "norm" in key.lower() and key.endswith("weight")
    spread = next(value for pattern, value in SPREADS if re.search(pattern, key))
    values = rng.uniform(0.5, 1.5, shape) if scale else rng.normal(0, spread, shape)
    return values.astype("float32")


def inputs() -> dict[str, np.ndarray]:
    """Tokens, segments and lengths of a small batch; padding is token 1, as in RoBERTa."""
    rng = np.random.default_rng(0)
    shape = (len(LENGTHS), max(LENGTHS))
    tokens, segments = rng.integers(2, VOCAB, shape), rng.integers(0, 2, shape)
    mask = np.arange(shape[1]) < np.array(LENGTHS)[:, None]
    return {
        "tokens": np.where(mask, tokens, 1),
        "segments": np.where(mask, segments, 0),
        "valid_length": np.array(LENGTHS),
    }


def hidden() -> np.ndarray:
    """1 where a place may not look at a token, for XLNet: its own is hidden, token 0 mostly not."""
    length = max(LENGTHS)
    found = np.random.default_rng(1).integers(0, 2, (len(LENGTHS), length, length))
    found[:, :, 0] = 0
    found[:, np.arange(length), np.arange(length)] = 1
    found[:, 0, 1] = 0
    return found


def places() -> np.ndarray:
    """Places whose words XLNet is asked for."""
    return np.array([[0, 4, 8], [0, 1, 4]])


def words() -> np.ndarray:
    """What T5 and Marian are to have written: words after the one that begins T5's texts."""
    found = np.random.default_rng(2).integers(2, VOCAB, (len(LENGTHS), 6))
    found[:, 0] = 0
    return found


def padded_left(values: np.ndarray) -> np.ndarray:
    """Each row turned so that its padding comes first."""
    turns = max(LENGTHS) - np.array(LENGTHS)
    return np.stack([np.roll(v, n) for v, n in zip(values, turns, strict=True)])


def arguments(name: str) -> dict[str, np.ndarray]:
    """What a model is asked."""
    data = inputs()
    mask = np.arange(max(LENGTHS)) < data["valid_length"][:, None]
    found = {"input_ids": data["tokens"], "attention_mask": mask.astype("int64")}
    if name.startswith(("Bert", "Albert", "Electra", "XLNet")):
        found["token_type_ids"] = data["segments"]
    if name.startswith(("T5", "Marian")):
        found["decoder_input_ids"] = words()
    if name == "XLNetForSequenceClassification":  # looks at the last column, padding or not
        found = {key: padded_left(value) for key, value in found.items()}
    if name == "XLNetLMHeadModel":
        found["perm_mask"] = hidden().astype("float32")
        found["target_mapping"] = np.eye(max(LENGTHS), dtype="float32")[places()]
    return found


def run(name: str, sizes: dict[str, object]) -> dict[str, np.ndarray]:
    """The outputs of one model, its config and the shapes of its weights."""
    import torch
    import transformers

    model_class = getattr(transformers, name.split("-")[0])
    config = model_class.config_class(**sizes)
    model = model_class(config).eval()
    if sizes.get("tie_word_embeddings") is False:  # which the class ties all the same
        model.lm_head.weight = torch.nn.Parameter(model.lm_head.weight.clone())
    shapes = {}
    with torch.no_grad():
        buffers = [pair for pair in model.named_buffers() if pair[0] in LEARNED_BUFFERS]
        # A tied weight once, by its first name.
        for key, value in (*model.named_parameters(), *buffers):
            if COMPUTED in key:
                continue
            shapes[key] = list(value.shape)
            value.copy_(torch.from_numpy(weights_of(key, tuple(value.shape))))
        if not name.startswith("XLNet"):  # whose positions are float32 whatever the weights are
            model.double()  # float32 differs from this by up to 1e-5 itself
        asked = {key: torch.from_numpy(value) for key, value in arguments(name).items()}
        outputs = model(**asked)
        written = write(model, asked, ENDS[name]) if name in ENDS else {}
    found = {
        key: value.float().numpy() for key, value in outputs.items() if hasattr(value, "numpy")
    }
    text = json.dumps({"config": config.to_dict(), "shapes": shapes}, default=str)
    return {**found, **written, "about": np.array(text)}


def write(model: Any, asked: dict[str, Any], end: int) -> dict[str, np.ndarray]:
    """Texts that a model writes, the likeliest words and all of a beam with their scores."""
    sources = {key: asked[key] for key in ("input_ids", "attention_mask")}
    options = {"max_new_tokens": MAX_TOKENS, "do_sample": False, "eos_token_id": end}
    if model.config.model_type == "marian":  # which has no padding to write, nor a share for it
        options["bad_words_ids"] = [[model.config.pad_token_id]]
        options["renormalize_logits"] = True
    greedy = model.generate(**sources, **options)
    options |= {"num_beams": WIDTH, "num_return_sequences": WIDTH, "early_stopping": "never"}
    options |= {"return_dict_in_generate": True, "output_scores": True}
    beam = model.generate(**sources, **options)
    return {
        "greedy": greedy.numpy(),
        "beam": beam.sequences.numpy(),
        "beam_scores": beam.sequences_scores.numpy(),
    }


def main(*names: str) -> None:
    path = Path(__file__).with_name("transformers.npz")
    with np.load(path) as file:
        arrays = dict(file)
    for name in names or CASES:
        arrays |= {f"{name}/{key}": value for key, value in run(name, CASES[name]).items()}
    np.savez_compressed(path, **arrays)


if __name__ == "__main__":
    main(*sys.argv[1:])
