"""Text encoders and decoders, one module a family; importing this package registers them all."""

from toolkit.model_zoo.text import (  # noqa: F401
    bert,
    elmo,
    gnmt,
    gpt2,
    lstm_lm,
    t5,
    transformer,
    transformer_xl,
    xlnet,
)
