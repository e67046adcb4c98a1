"""Vision backbones, one module a family; importing this package registers them all."""

from toolkit.model_zoo.vision import (  # noqa: F401
    alexnet,
    darknet,
    densenet,
    dla,
    fast_scnn,
    hrnet,
    inception,
    mobilenet,
    nasnet,
    residual_attention,
    resnest,
    resnet,
    resnet_v2,
    shufflenet,
    squeezenet,
    vgg,
    wide_resnet,
    xception,
)
