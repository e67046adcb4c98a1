"""Tasks: a backbone or an encoder with a head, one module a task; importing registers them."""

from toolkit.model_zoo.tasks import (  # noqa: F401
    causal_language_model,
    center_net,
    faster_rcnn,
    image_classifier,
    intent_slots,
    mask_rcnn,
    masked_language_model,
    parser,
    permutation_language_model,
    pose_estimator,
    question_answerer,
    segmenter,
    sentence_encoder,
    sequence_to_sequence,
    ssd,
    ssd_backbones,
    text_classifier,
    text_encoder,
    token_classifier,
    yolo3,
)
