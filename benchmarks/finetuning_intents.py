"""The other side of `scripts/bert/finetune_intents.py`: see `finetuning.py`, which runs it.

A network of `transformers` with two heads, on the pooled first token and on every token, and the
sum of their mean losses; slots stand at the first piece of each word. Slots are scored as CoNLL
scores entities.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import transformers

IGNORED = -100  # torch's label of what has none
Sentence = tuple[list[str], list[str], str]  # words, slots, intent


def read_intents(data: Path) -> list[list[Sentence]]:
    splits = []
    for split in ("train", "test"):
        columns = [(data / split / name).read_text() for name in ("seq.in", "seq.out", "label")]
        rows = zip(*(column.splitlines() for column in columns), strict=True)
        splits.append([(words.split(), slots.split(), kind.strip()) for words, slots, kind in rows])
    return splits


class Joint(torch.nn.Module):
    """Intents and slots by one encoder."""

    def __init__(self, weights: str, intents: int, slots: int) -> None:
        super().__init__()
        self.encoder = transformers.AutoModel.from_pretrained(weights)
        units = self.encoder.config.hidden_size
        self.dropout = torch.nn.Dropout(0.1)
        self.intents = torch.nn.Linear(units, intents)
        self.slots = torch.nn.Linear(units, slots)
        for head in (self.intents, self.slots):
            torch.nn.init.normal_(head.weight, std=0.02)
            torch.nn.init.zeros_(head.bias)

    def forward(self, **batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        found = self.encoder(**batch)
        pooled, tokens = self.dropout(found.pooler_output), self.dropout(found.last_hidden_state)
        return self.intents(pooled), self.slots(tokens)


class IntentSide:
    """The network, and the sentences as it reads them."""

    def __init__(self, args: Any) -> None:
        splits = read_intents(args.data)
        self.kinds = sorted({kind for _, _, kind in splits[0]})
        self.tags = sorted({tag for _, slots, _ in splits[0] for tag in slots} | {"O"})
        self.tokenizer = transformers.AutoTokenizer.from_pretrained(args.weights)
        self.train, self.scored = (
            [(self.encode(words, args.max_length), row) for row in split for words in row[:1]]
            for split in splits
        )
        torch.manual_seed(args.seed)
        self.net = Joint(args.weights, len(self.kinds), len(self.tags))

    def encode(self, words: list[str], max_length: int) -> dict[str, list[int]]:
        text = self.tokenizer(
            words, is_split_into_words=True, truncation=True, max_length=max_length
        )
        owners = text.word_ids()
        return {
            **{key: text[key] for key in text},
            "places": [owners.index(i) if i in owners else -1 for i in range(len(words))],
        }

    def batch(self, examples: list) -> tuple[dict, torch.Tensor, torch.Tensor]:
        """The inputs, the intents and the slots at the first pieces."""
        rows = [{k: v for k, v in text.items() if k != "places"} for text, _ in examples]
        inputs = self.tokenizer.pad(rows, return_tensors="pt")
        slots = torch.full(inputs["input_ids"].shape, IGNORED)
        for row, (text, (_, tags, _)) in zip(slots, examples, strict=True):
            for place, tag in zip(text["places"], tags, strict=True):
                if place >= 0:
                    row[place] = self.tags.index(tag) if tag in self.tags else self.tags.index("O")
        kinds = [
            self.kinds.index(kind) if kind in self.kinds else 0 for _, (_, _, kind) in examples
        ]
        return inputs, torch.tensor(kinds), slots

    def loss(self, examples: list) -> torch.Tensor:
        inputs, kinds, slots = self.batch(examples)
        scores, tags = self.net(**inputs)
        measure = torch.nn.functional.cross_entropy
        return measure(scores, kinds) + measure(
            tags.flatten(0, 1), slots.flatten(), ignore_index=IGNORED
        )

    def score(self, size: int) -> dict[str, float]:
        self.net.eval()
        right = whole = hits = found = wanted = 0
        for start in range(0, len(self.scored), size):
            examples = self.scored[start : start + size]
            with torch.no_grad():
                scores, tags = self.net(**self.batch(examples)[0])
            for (text, (_, slots, kind)), one, row in zip(
                examples, scores.argmax(1), tags.argmax(2), strict=True
            ):
                own = [self.tags[row[p]] if p >= 0 else "O" for p in text["places"]]
                same = self.kinds[one] == kind
                right, whole = right + same, whole + (same and own == slots)
                ours, theirs = entities(own), entities(slots)
                hits, found = hits + len(ours & theirs), found + len(ours)
                wanted += len(theirs)
        self.net.train()
        total = len(self.scored)
        f1 = 2 * hits / (found + wanted)
        return {"intent_accuracy": right / total, "slot_f1": f1, "whole": whole / total}


def entities(tags: list[str]) -> set[tuple[str, int, int]]:
    """Type, first and last word of each slot; an I- without its B- begins one, too."""
    found, begin, before = set(), 0, "O"
    for place, tag in enumerate([*tags, "O"]):
        goes_on = tag.startswith("I-") and before != "O" and before[2:] == tag[2:]
        if before != "O" and not goes_on:
            found.add((before[2:], begin, place - 1))
        if not goes_on:
            begin = place
        before = tag
    return found
