"""One toolkit for computer vision and natural language processing on MXNet's Gluon."""

from toolkit.utils import runtime
from toolkit.utils.lazy import exports

__version__ = "0.1.0"

runtime.prepare()
__getattr__, __dir__, __all__ = exports(
    __name__, {name: name for name in ("data", "deploy", "loss", "model_zoo", "nn", "utils")}
)
