"""Jobs in numbered parts, in this process, in a pool or on a cluster, and how they report."""

from wmassfit.parallel.parts import Job, in_order, run_parts
from wmassfit.parallel.progress import Progress
from wmassfit.parallel.threads import one_thread

__all__ = ["Job", "Progress", "in_order", "one_thread", "run_parts"]
