"""One toolkit for computer vision and natural language processing on MXNet's Gluon."""

from toolkit.utils.lazy import exports
from toolkit.utils.runtime import prepare as _prepare

__version__ = "0.1.0"

_prepare()
__getattr__, __dir__, __all__ = exports(
    __name__, {name: name for name in ("data", "deploy", "loss", "model_zoo", "nn", "utils")}
)
