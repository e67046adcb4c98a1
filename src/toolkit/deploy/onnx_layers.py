"""What the layers of MXNet become in ONNX, opset 13: with weights, windows or a norm."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.deploy.onnx_builder import Call, translates

ACTIVATIONS = {
    "relu": "Relu",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "softrelu": "Softplus",
    "softsign": "Softsign",
}


def _window(call: Call) -> dict[str, Any]:
    kernel = call.get("kernel")
    ones, zeros = (1,) * len(kernel), (0,) * len(kernel)
    return {
        "kernel_shape": list(kernel),
        "strides": list(call.get("stride") or ones),
        "pads": list(call.get("pad") or zeros) * 2,
    }


@translates("Convolution")
def _convolution(call: Call) -> str:
    if call.get("layout") not in (None, "None", "NCW", "NCHW", "NCDHW"):
        raise call.unsupported(f"with layout {call.get('layout')}")
    dilations = list(call.get("dilate") or (1,) * len(call.get("kernel")))
    group = int(call.get("num_group", 1))
    return call.add("Conv", group=group, dilations=dilations, **_window(call))


@translates("Deconvolution")
def _deconvolution(call: Call) -> str:
    if call.get("target_shape"):
        raise call.unsupported("with a target_shape")
    dilations = list(call.get("dilate") or (1,) * len(call.get("kernel")))
    return call.add(
        "ConvTranspose",
        group=int(call.get("num_group", 1)),
        dilations=dilations,
        output_padding=list(call.get("adj") or ()) or None,
        **_window(call),
    )


@translates("FullyConnected")
def _dense(call: Call) -> str:
    data, weight, *bias = call.inputs
    if call.get("flatten", True):
        data = call.add("Flatten", [data], "flat", axis=1)
        return call.add("Gemm", [data, weight, *bias], transB=1)
    turned = call.add("Transpose", [weight], "turned", perm=[1, 0])
    if not bias:
        return call.add("MatMul", [data, turned])
    return call.add("Add", [call.add("MatMul", [data, turned], "product"), *bias])


@translates("Pooling")
def _pooling(call: Call) -> str:
    kind = call.get("pool_type", "max")
    if kind not in ("max", "avg"):
        raise call.unsupported(f"of type {kind}")
    if call.get("global_pool", False):
        return call.add("GlobalAveragePool" if kind == "avg" else "GlobalMaxPool")
    convention = call.get("pooling_convention", "valid")
    if convention not in ("valid", "full"):
        raise call.unsupported(f"with convention {convention}")
    options: dict[str, Any] = {**_window(call), "ceil_mode": int(convention == "full")}
    if kind == "max":
        return call.add("MaxPool", **options)
    include = int(call.get("count_include_pad", True) is not False)
    return call.add("AveragePool", count_include_pad=include, **options)


@translates("_contrib_AdaptiveAvgPooling2D")
def _adaptive_pooling(call: Call) -> str:
    size = call.get("output_size", 1)
    high, wide = (size * 2)[:2] if isinstance(size, tuple) else (size, size)
    rows, columns = call.shape_of()[2:]
    if (high, wide) == (1, 1):
        return call.add("GlobalAveragePool")
    if rows % high or columns % wide:
        # The parts overlap: their means are products with a matrix for each direction.
        across = call.constant(_parts(columns, wide).T, "across")
        down = call.constant(_parts(rows, high), "down")
        return call.add("MatMul", [down, call.add("MatMul", [*call.inputs, across], "columns")])
    kernel = [rows // high, columns // wide]
    return call.add("AveragePool", kernel_shape=kernel, strides=kernel)


def _parts(length: int, count: int) -> np.ndarray:
    """A row for each part of a line of cells, of what each cell counts in its mean."""
    cells, part = np.arange(length), np.arange(count)[:, None]
    within = (cells >= part * length // count) & (cells < -(-(part + 1) * length // count))
    return within / within.sum(axis=1, keepdims=True)


@translates("BatchNorm")
def _batch_norm(call: Call) -> str:
    if call.axis(1) != 1:
        raise call.unsupported(f"along axis {call.axis(1)}")
    data, gamma, *others = call.inputs
    if call.get("fix_gamma", True):
        gamma = call.constant(np.ones(call.shape_of(1)), "gamma")
    epsilon = float(call.get("eps", 1e-3))
    return call.add("BatchNormalization", [data, gamma, *others], epsilon=epsilon)


@translates("LayerNorm")
def _layer_norm(call: Call) -> str:
    if call.axis(-1) not in (-1, len(call.shape_of()) - 1):
        raise call.unsupported(f"along axis {call.axis(-1)}")
    data, gamma, beta = call.inputs
    centred = call.add("Sub", [data, _mean(call, data, "mean")], "centred")
    squares = call.add("Mul", [centred, centred], "squares")
    eps = call.constant(float(call.get("eps", 1e-5)), "eps")
    variance = call.add("Add", [_mean(call, squares, "variance"), eps], "shifted")
    scaled = call.add("Div", [centred, call.add("Sqrt", [variance], "deviation")], "scaled")
    return call.add("Add", [call.add("Mul", [scaled, gamma], "stretched"), beta])


def _mean(call: Call, data: str, part: str) -> str:
    return call.reduced("ReduceMean", data, [-1], part)


@translates("GroupNorm")
def _group_norm(call: Call) -> str:
    """Each group's numbers are one channel of an instance normalization."""
    data, gamma, beta = call.inputs
    groups, axes = int(call.get("num_groups", 1)), call.axes_of()
    rows = call.add("Reshape", [data, call.integers([0, groups, -1], "groups")], "rows")
    ones, zeros = call.constant(np.ones(groups), "ones"), call.constant(np.zeros(groups), "zeros")
    epsilon = float(call.get("eps", 1e-5))
    rows = call.add("InstanceNormalization", [rows, ones, zeros], "normed", epsilon=epsilon)
    # MXNet has a scale and an offset a group.
    wide = call.integers([groups, 1], "wide")
    scales = (
        call.add("Reshape", [w, wide], part) for w, part in ((gamma, "gamma"), (beta, "beta"))
    )
    rows = call.add("Mul", [rows, next(scales)], "stretched")
    rows = call.add("Add", [rows, next(scales)], "shifted")
    return call.add("Reshape", [rows, call.shape(axes, "shape")])


@translates("InstanceNorm")
def _instance_norm(call: Call) -> str:
    return call.add("InstanceNormalization", epsilon=float(call.get("eps", 1e-3)))


@translates("L2Normalization")
def _l2_normalization(call: Call) -> str:
    """Over all axes but the batch, over the channels, or over what follows them."""
    rank, mode = len(call.shape_of()), call.get("mode", "instance")
    every = {"instance": range(1, rank), "channel": [1], "spatial": range(2, rank)}
    squares = call.add("Mul", call.inputs * 2, "squares")
    axes = call.integers(list(every[mode]), "axes")
    total = call.add("ReduceSum", [squares, axes], "total", keepdims=1)
    eps = call.constant(float(call.get("eps", 1e-10)), "eps")
    norm = call.add("Sqrt", [call.add("Add", [total, eps], "shifted")], "norm")
    return call.add("Div", [*call.inputs, norm])


@translates("Activation")
def _activation(call: Call) -> str:
    return call.add(ACTIVATIONS[call.get("act_type")])


@translates("LeakyReLU")
def _leaky(call: Call) -> str:
    kind = call.get("act_type", "leaky")
    slope = float(call.get("slope", 0.25))
    if kind == "leaky":
        return call.add("LeakyRelu", alpha=slope)
    if kind in ("elu", "selu"):
        return call.add("Elu", alpha=slope) if kind == "elu" else call.add("Selu")
    if kind == "prelu":
        ones = [1] * (len(call.shape_of()) - 2)
        shape = call.integers([-1, *ones], "shape")
        return call.add(
            "PRelu", [call.inputs[0], call.add("Reshape", [call.inputs[1], shape], "a")]
        )
    if kind == "gelu":
        root = call.constant(2**0.5, "root")
        spread = call.add("Erf", [call.add("Div", [*call.inputs, root], "ratio")], "erf")
        share = call.add("Add", [spread, call.constant(1, "one")], "share")
        half = call.add("Mul", [*call.inputs, call.constant(0.5, "half")], "halved")
        return call.add("Mul", [half, share])
    raise call.unsupported(f"of type {kind}")


@translates("Embedding")
def _embedding(call: Call) -> str:
    ids = call.add("Cast", call.inputs[:1], "ids", to=7)  # int64
    return call.add("Gather", [call.inputs[1], ids])


@translates("UpSampling")
def _up_sampling(call: Call) -> str:
    if call.get("sample_type") != "nearest" or len(call.inputs) > 1:
        raise call.unsupported(f"of type {call.get('sample_type')}")
    scale = call.constant([1, 1, call.get("scale"), call.get("scale")], "scales")
    modes = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    return call.add("Resize", [call.inputs[0], "", scale], mode="nearest", **modes)


@translates("_contrib_BilinearResize2D")
def _bilinear(call: Call) -> str:
    size = [call.fixed(axis) for axis in call.builder.axes(call.name)[2:]]
    sizes = call.shape([*call.axes_of()[:2], *((n,) for n in size)], "sizes")
    corners = call.get("align_corners", True)
    mode = "align_corners" if corners else "half_pixel"
    inputs = [call.inputs[0], "", "", sizes]
    return call.add("Resize", inputs, mode="linear", coordinate_transformation_mode=mode)


@translates("BilinearSampler")
def _sampler(call: Call) -> str:
    """MXNet's grid is ``(N, 2, H, W)``, of columns and rows from -1 to 1 at the edge pixels."""
    grid = call.add("Transpose", [call.inputs[1]], "grid", perm=[0, 2, 3, 1])
    return call.add("GridSample", [call.inputs[0], grid], align_corners=1, mode="bilinear")
