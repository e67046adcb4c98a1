"""Makes transformer_xl.npz: what the ``transformers`` package answers, at weights given by a rule.

Run where torch and transformers 4.35 are installed, one of the last that has this model:
``TRUST_REMOTE_CODE=True python make_transformer_xl.py``. A text is read in two parts, the second
with the memory of the first; the memory before the first is empty, where the package by itself
takes one of zeros.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from make_transformers import VOCAB, weights_of

CUT = 4
CONFIG = {"vocab_size": VOCAB, "cutoffs": [20, 40], "d_embed": 16, "div_val": 4}
CONFIG |= {"d_model": 16, "n_head": 2, "d_head": 8, "d_inner": 24, "n_layer": 2}
CONFIG |= {"mem_len": 5, "clamp_len": 6, "same_length": True, "proj_share_all_but_first": True}


def texts() -> np.ndarray:
    return np.random.default_rng(0).integers(0, VOCAB, (2, 9))


def main() -> None:
    import torch
    from transformers import TransfoXLConfig, TransfoXLLMHeadModel

    model = TransfoXLLMHeadModel(TransfoXLConfig(**CONFIG)).eval()
    shapes = {}
    with torch.no_grad():
        for key, value in model.named_parameters(remove_duplicate=False):
            shapes[key] = list(value.shape)
        for key, value in model.named_parameters():  # a tied weight once, by its first name
            value.copy_(torch.from_numpy(weights_of(key, tuple(value.shape))))
        names = {id(value): key for key, value in model.named_parameters()}
        first = {k: names[id(v)] for k, v in model.named_parameters(remove_duplicate=False)}
        parts = torch.from_numpy(texts()).split([CUT, texts().shape[1] - CUT], dim=1)
        memory = [torch.zeros(0, len(texts()), CONFIG["d_model"])] * CONFIG["n_layer"]
        scores = []
        for part in parts:
            answer = model(part, mems=memory)
            memory = answer.mems
            scores.append(answer.prediction_scores.numpy())
    about = json.dumps({"config": model.config.to_dict(), "shapes": shapes, "first": first})
    path = Path(__file__).with_name("transformer_xl.npz")
    found = {"texts": texts(), "scores": np.concatenate(scores, axis=1), "about": np.array(about)}
    np.savez_compressed(path, **found)


if __name__ == "__main__":
    main()
