"""Training: one loop for every network, with schedules, optimizers and callbacks."""

from toolkit.utils.lazy import exports

__getattr__, __dir__, __all__ = exports(
    __name__,
    {
        "BIAS_AND_NORM": "optimization",
        "AdamW": "optimizers",
        "Alone": "workers",
        "Constant": "schedules",
        "Cosine": "schedules",
        "DivergedError": "errors",
        "EarlyStopping": "early_stopping",
        "Evaluation": "evaluation",
        "Group": "optimization",
        "INTERRUPTED": "errors",
        "InEpochs": "schedules",
        "Interrupted": "errors",
        "InverseSquareRoot": "schedules",
        "Linear": "schedules",
        "MetricError": "errors",
        "Optimization": "optimization",
        "Polynomial": "schedules",
        "Run": "run",
        "Schedule": "schedules",
        "Sequence": "schedules",
        "Setup": "setup",
        "StepResult": "objective",
        "Steps": "schedules",
        "WarmUp": "schedules",
        "Workers": "workers",
        "evaluate": "evaluation",
        "fit": "loop",
        "make_optimizer": "optimizers",
        "seed_everything": "random_states",
        "supervised": "objective",
    },
)
