"""Text encoders and decoders, one module a family; importing this package registers them all."""

from toolkit.model_zoo.text import bert, elmo, gpt2, lstm_lm, t5, xlnet  # noqa: F401
