"""Training jobs of several processes on MXNet's parameter servers: started, watched, ended."""

from toolkit.utils.lazy import exports

__getattr__, __dir__, __all__ = exports(
    __name__,
    {"Host": "hosts", "Job": "job", "JobError": "job", "read_hosts": "hosts", "run": "supervisor"},
)
