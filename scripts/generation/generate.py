"""Goes on with texts by a language model, or writes a text for each by T5.

    python scripts/generation/generate.py "It was a dark" --weights FOLDER --temperature 0.8
    python scripts/generation/generate.py "translate English to German: Hello." --model t5_small \\
        --weights FOLDER --beam 4

FOLDER holds ``config.json``, weights and the tokenizer's files as the ``transformers`` package
writes them; ``--weights openai_webtext`` takes those that GluonNLP published, with ``--tokenizer``
the folder of a vocabulary. Without ``--temperature`` the likeliest word is taken, with ``--beam``
the likeliest text of so many.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from toolkit.data.text.tokenizers import Tokenizer, load_tokenizer
from toolkit.model_zoo import Sampling, generate, get_model
from toolkit.model_zoo.beam_search import beam_search

import mxnet as mx


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("texts", nargs="+", metavar="TEXT")
    parser.add_argument("--model", default="gpt2_117m")
    parser.add_argument("--weights", required=True, help="a folder, a file, a published data set")
    parser.add_argument("--set", nargs="*", default=[], help="other sizes: layers=6 for DistilGPT2")
    parser.add_argument("--tokenizer", help="default: the folder of the weights")
    parser.add_argument("--max-tokens", type=int, default=64)
    parser.add_argument("--temperature", type=float, default=0.0)
    parser.add_argument("--top-k", type=int, default=0)
    parser.add_argument("--top-p", type=float, default=1.0)
    parser.add_argument("--repetition", type=float, default=1.0)
    parser.add_argument("--samples", type=int, default=1, help="of each text")
    parser.add_argument("--beam", type=int, default=0, help="width; 0 for none")
    parser.add_argument("--length-penalty", type=float, default=1.0)
    parser.add_argument("--end", default="<|endoftext|>", help="token that ends what goes on")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args(arguments)


def write(
    net: mx.gluon.Block, beginnings: list[list[int]], end: int | None, args: argparse.Namespace
) -> list[list[int]]:
    """What comes after a beginning, in each of the ways that were asked for."""
    if args.beam:
        if end is None:
            raise ValueError(f"a beam needs the token that ends a text; there is no {args.end!r}")
        found = beam_search(
            net,
            beginnings[0],
            end=end,
            width=args.beam,
            max_tokens=args.max_tokens,
            length_penalty=args.length_penalty,
        )
        return [list(one.tokens) for one in found[: args.samples]]
    sampling = Sampling(args.temperature, args.top_k, args.top_p, args.repetition, args.seed)
    options = {"max_tokens": args.max_tokens, "end": end, "sampling": sampling}
    rows: list[list[int]] = generate(net, beginnings, **options).tolist()
    return rows


def answer(
    net: mx.gluon.Block, tokenizer: Tokenizer, text: str, args: argparse.Namespace
) -> list[str]:
    """Texts that go on with a text, or are written for it where the network reads it apart."""
    ids = tokenizer.encode(text).ids
    if hasattr(net, "writer"):
        # A beam makes its own rows of the first.
        tokens = mx.nd.array([ids] * (1 if args.beam else args.samples), dtype="int32")
        lengths = mx.nd.array([len(ids)] * len(tokens), dtype="int32")
        writer = net.writer(tokens, mx.nd.zeros_like(tokens), lengths)
        net, beginnings, end = writer, writer.beginnings, writer.end
    else:
        beginnings, end = [ids] * args.samples, tokenizer.vocab.token_to_idx.get(args.end)
    rows = write(net, beginnings, end, args)
    rows = [row[: row.index(end)] if end in row else row for row in rows]
    # A table of words may have more rows than there are words.
    return [tokenizer.decode([i for i in row if i < len(tokenizer.vocab)]) for row in rows]


def main(args: argparse.Namespace) -> list[list[str]]:
    tokenizer = load_tokenizer(args.tokenizer or args.weights)
    sizes = {key: int(value) for key, value in (field.split("=") for field in args.set)}
    net = get_model(args.model, args.weights, **sizes)
    found = [answer(net, tokenizer, text, args) for text in args.texts]
    for text, rows in zip(args.texts, found, strict=True):
        for row in rows:
            print(row if hasattr(net, "writer") else f"{text}{row}")
    return found


if __name__ == "__main__":
    main(parse())
