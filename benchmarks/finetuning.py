"""The other side of `scripts/bert/finetune_classifier.py`: the same recipe in `transformers`.

    PYTHON benchmarks/finetuning.py DATA --task MRPC --weights FOLDER --seed 1 --log mrpc.jsonl

PYTHON has torch and `transformers`; nothing of toolkit is used, the files are read anew here. The
recipe is the script's (for ATIS that of `finetune_intents.py`): AdamW (bias correction, decay 0.01
but for biases and normalizations), warm-up over a tenth of the updates, then a line to zero,
gradients clipped at norm 1, batches of like lengths out of pools of a hundred, dropout 0.1.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import time
import zipfile
from pathlib import Path

import torch
import transformers
from finetuning_intents import IntentSide

COLUMNS = {  # of GLUE's files: the texts and the label
    "MRPC": (("#1 String", "#2 String"), "Quality"),
    "RTE": (("sentence1", "sentence2"), "label"),
    "SST-2": (("sentence",), "label"),
}


def read_trec(data: Path) -> list[list[tuple[list[str], str]]]:
    splits = []
    with zipfile.ZipFile(data / "qc.zip") as archive:
        for end in ("qc/train.txt", "qc/test.txt"):
            text = io.TextIOWrapper(archive.open(end), encoding="latin-1")
            rows = [line.strip().split(" ", 1) for line in text if line.strip()]
            splits.append([([words], label.partition(":")[0]) for label, words in rows])
    return splits


def read_glue(data: Path, task: str) -> list[list[tuple[list[str], str]]]:
    names, label = COLUMNS[task]
    splits = []
    for split in ("train", "dev"):
        text = (data / task / f"{split}.tsv").read_text(encoding="utf-8-sig")
        header, *rows = [line.split("\t") for line in text.splitlines() if line.strip()]
        places = [header.index(name) for name in names]
        target = header.index(label)
        splits.append([([row[p].strip() for p in places], row[target].strip()) for row in rows])
    return splits


def batches(lengths: list[int], size: int, seed: int) -> list[list[int]]:
    """Shuffled, sorted by length within pools of a hundred batches, the batches shuffled."""
    rng = random.Random(seed)
    order = rng.sample(range(len(lengths)), len(lengths))
    step = 100 * size
    pools = [order[start : start + step] for start in range(0, len(order), step)]
    flat = [i for pool in pools for i in sorted(pool, key=lambda i: -lengths[i])]
    cut = [flat[start : start + size] for start in range(0, len(flat), size)]
    rng.shuffle(cut)
    return cut


def make_optimizer(net: torch.nn.Module, rate: float) -> torch.optim.Optimizer:
    plain, decayed = [], []
    for name, param in net.named_parameters():
        (plain if name.endswith("bias") or "LayerNorm" in name else decayed).append(param)
    groups = [{"params": decayed, "weight_decay": 0.01}, {"params": plain, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=rate, eps=1e-8)


class Side:
    """The network, and the examples as it reads them."""

    def __init__(self, args: argparse.Namespace) -> None:
        splits = read_trec(args.data) if args.task == "TREC" else read_glue(args.data, args.task)
        self.labels = sorted({label for _, label in splits[0]})
        self.tokenizer = transformers.AutoTokenizer.from_pretrained(args.weights)
        self.train, self.scored = (
            [
                (self.tokenizer(*texts, truncation=True, max_length=args.max_length), label)
                for texts, label in split
            ]
            for split in splits
        )
        torch.manual_seed(args.seed)
        self.net = transformers.AutoModelForSequenceClassification.from_pretrained(
            args.weights, num_labels=len(self.labels)
        )

    def batch(self, examples: list) -> dict[str, torch.Tensor]:
        padded = self.tokenizer.pad([text for text, _ in examples], return_tensors="pt")
        padded["labels"] = torch.tensor([self.labels.index(label) for _, label in examples])
        return padded

    def loss(self, examples: list) -> torch.Tensor:
        return self.net(**self.batch(examples)).loss

    def score(self, size: int) -> dict[str, float]:
        self.net.eval()
        right = 0
        order = sorted(range(len(self.scored)), key=lambda i: len(self.scored[i][0]["input_ids"]))
        with torch.no_grad():
            for start in range(0, len(order), size):
                batch = self.batch([self.scored[i] for i in order[start : start + size]])
                logits = self.net(**batch).logits
                right += int((logits.argmax(1) == batch["labels"]).sum())
        self.net.train()
        return {"accuracy": right / len(self.scored)}


def train(side: Side | IntentSide, args: argparse.Namespace) -> list[dict[str, float]]:
    lengths = [len(text["input_ids"]) for text, _ in side.train]
    each = -(-len(lengths) // args.batch_size)
    updates = args.updates or args.epochs * each
    warm_up = max(1, round(0.1 * updates))
    optimizer = make_optimizer(side.net, args.learning_rate)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda n: n / warm_up if n < warm_up else max(0, (updates - n) / max(1, updates - warm_up)),
    )
    side.net.train()
    step, epoch, rows, begin = 0, 0, [], time.perf_counter()
    while step < updates:
        total = 0.0
        for chosen in batches(lengths, args.batch_size, 1000 * args.seed + epoch)[: updates - step]:
            loss = side.loss([side.train[i] for i in chosen])
            loss.backward()
            torch.nn.utils.clip_grad_norm_(side.net.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            step, total = step + 1, total + loss.item()
        epoch += 1
        seconds = time.perf_counter() - begin
        rows.append({"epoch": epoch, "step": step, "loss": total / min(each, step)})
        rows[-1] |= {**side.score(args.batch_size), "seconds": seconds}
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--task", choices=("TREC", "ATIS", *COLUMNS), default="MRPC")
    parser.add_argument("--weights", required=True)
    parser.add_argument("--max-length", type=int, default=128)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--updates", type=int)
    parser.add_argument("--learning-rate", type=float, default=5e-5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--log", type=Path, required=True)
    args = parser.parse_args()
    rows = train((IntentSide if args.task == "ATIS" else Side)(args), args)
    versions = {"torch": torch.__version__, "transformers": transformers.__version__}
    with args.log.open("w") as file:
        config = {"task": args.task, "seed": args.seed, "updates": rows[-1]["step"], **versions}
        for row in (config, *rows):
            file.write(json.dumps(row) + "\n")
    print(json.dumps({"task": args.task, "seed": args.seed, **rows[-1]}))


if __name__ == "__main__":
    main()
