"""Vision backbones, one module a family; importing this package registers them all."""

from toolkit.model_zoo.vision import (  # noqa: F401
    cifar_resnet,
    mobilenet_v1,
    mobilenet_v2,
    resnet,
    resnet_v2,
    squeezenet,
)
