"""Texts in, typed predictions out, for every task that a text model serves."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from toolkit.data.text.tokenizers import Tokenizer, load_tokenizer
from toolkit.deploy.text_model import TextModel
from toolkit.deploy.text_readings import PAIRS, TEXT_READINGS
from toolkit.model_zoo import get_model, model_info
from toolkit.utils.registry import unknown

# A folder's architecture names its task by its ending, so long as nothing else does.
ENDINGS = {
    "ForSequenceClassification": "text_classifier",
    "ForTokenClassification": "token_classifier",
    "ForQuestionAnswering": "question_answerer",
    "ForQuestionAnsweringSimple": "question_answerer",
    "ForMaskedLM": "masked_language_model",
    "ForPreTraining": "masked_language_model",
    "ForConditionalGeneration": "sequence_to_sequence",
    "T5WithLMHeadModel": "sequence_to_sequence",
    "LMHeadModel": "causal_language_model",
    "MTModel": "translator",
    "Model": "sentence_encoder",
}
CLASSES = ("text_classifier", "token_classifier", "intent_slots", "parser")  # tasks with labels


class TextPredictor:
    """Classifies texts and pairs, finds names, answers and trees, makes vectors, writes texts.

    Args:
        model: The name of a text model.
        weights: A folder that the ``transformers`` package or a script of this one wrote, a file,
            or the name of a published data set.
        task: One of ``TEXT_READINGS``. Default: what the folder's config says, else the model's
            own.
        tokenizer: A tokenizer, or the path of one. Default: that in the folder of the weights.
        labels: Names of classes, intents, tags or relations by index, or a file with one a line.
            Default: those that the folder's config has.
        slots: Names of slots, the same way, beside those of intents.
        sizes: Fields of the model's config where they are not those of its name: ``{"layers": 2}``.
        options: Fields of ``TextModel`` (``max_length``, ``batch_size``, ``max_tokens``,
            ``sampling``, ``ctx``).

    Raises:
        ValueError: the task has no reading, or there is no tokenizer.
    """

    def __init__(
        self,
        model: str,
        weights: str | os.PathLike[str],
        *,
        task: str | None = None,
        tokenizer: Tokenizer | str | os.PathLike[str] | None = None,
        labels: Sequence[str] | str | os.PathLike[str] | None = None,
        slots: Sequence[str] | str | os.PathLike[str] | None = None,
        sizes: Mapping[str, Any] = MappingProxyType({}),
        **options: Any,
    ) -> None:
        folder = Path(weights) if Path(weights).is_dir() else None
        config = _config(folder)
        self.task = task or _task(config) or model_info(model).task or ""
        if self.task not in TEXT_READINGS:
            raise ValueError(unknown("task of texts", self.task, TEXT_READINGS))
        cut = _tokenizer(tokenizer or folder)
        names, details = _labels(labels, config), _labels(slots, {})
        counts: dict[str, Any] = {"slots": len(details)} if details else {}
        counts |= sizes
        if names and self.task in CLASSES:
            counts["classes"] = len(names)
        net = get_model(model, os.fspath(weights), task=self.task, **counts)
        net.hybridize()
        given = TextModel(net, cut, names or None, details or None, **options)
        longest = getattr(net.encoder.config, "max_length", given.max_length)  # some know no end
        self.model = replace(given, max_length=min(given.max_length, longest))

    def __call__(
        self, texts: str | Sequence[str], pairs: str | Sequence[str] | None = None, *, top: int = 5
    ) -> Any:
        """Predicts for one text or for many.

        Args:
            texts: One text or several: sentences, questions, beginnings.
            pairs: As many second sentences, or contexts of questions.
            top: Classes or answers of each text.

        Returns:
            For one text a list of ``ClassPrediction``, ``EntityPrediction``,
            ``IntentPrediction``, ``AnswerPrediction``, ``WordPrediction`` or ``Dependency``, a
            vector (units,), or the text that was written; for several a list of such.

        Raises:
            ValueError: no texts; another number of pairs; pairs for a task of single texts, or a
                question without its context.
        """
        if isinstance(texts, str):
            return self([texts], None if pairs is None else [str(pairs)], top=top)[0]
        if isinstance(pairs, str):
            pairs = [pairs] * len(texts)
        if not texts:
            raise ValueError("there are no texts to predict for")
        if pairs is not None and self.task not in PAIRS:
            raise ValueError(f"{self.task} reads single texts, not pairs")
        if pairs is not None and len(pairs) != len(texts):
            raise ValueError(f"{len(texts)} texts need as many pairs, got {len(pairs)}")
        return TEXT_READINGS[self.task](self.model, texts, pairs, top)


def _config(folder: Path | None) -> dict[str, Any]:
    path = None if folder is None else folder / "config.json"
    if path is None or not path.is_file():
        return {}
    return dict(json.loads(path.read_text(encoding="utf-8")))


def _task(config: dict[str, Any]) -> str | None:
    for name in config.get("architectures") or ():
        for ending, task in ENDINGS.items():
            if name.endswith(ending):
                return task
    return None


def _labels(given: Any, config: dict[str, Any]) -> tuple[str, ...]:
    if isinstance(given, (str, os.PathLike)):
        return tuple(Path(given).read_text(encoding="utf-8").splitlines())
    if given is not None:
        return tuple(given)
    names = config.get("id2label") or {}
    return tuple(names[key] for key in sorted(names, key=int))


def _tokenizer(given: Any) -> Tokenizer:
    if given is None:
        raise ValueError(
            "nothing says how texts are cut: give tokenizer=, or weights in a folder that has one"
        )
    return load_tokenizer(given) if isinstance(given, (str, os.PathLike)) else given
