"""Tasks: a backbone or an encoder with a head, one module a task; importing registers them."""

from toolkit.model_zoo.tasks import image_classifier  # noqa: F401
