"""1,000 toys of CMS size in two worker processes: seconds, CPU seconds, memory, and the pull of m_W.

python tests/benchmarks/thousand_toys.py [toys] [workers]

Measured on 2 shared cores: 21.4 s, 40.6 CPU s, 0.57 GB a worker; pull of m_W 0.044 ± 0.032, width 1.023 ± 0.023.
"""

from __future__ import annotations

import importlib.util
import resource
import sys
import time
from pathlib import Path

from wmassfit.inference import fit, toys
from wmassfit.likelihood import Model


def main(count: int = 1000, workers: int = 2) -> None:
    """Print one line."""
    spec = importlib.util.spec_from_file_location("synthetic", Path(__file__).with_name("synthetic.py"))
    assert spec is not None
    assert spec.loader is not None
    synthetic = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(synthetic)
    model = Model(synthetic.w_like())
    result = fit(model, model.pseudodata(1, at={"m_w": 20.0}))
    begin = time.perf_counter()
    found = toys(result, count, seed=1, workers=workers)
    seconds = time.perf_counter() - begin
    used = resource.getrusage(resource.RUSAGE_CHILDREN if workers > 1 else resource.RUSAGE_SELF)
    pull = found.pull("m_w")
    print(
        f"{count} toys, {workers} processes: {seconds:.1f} s, {used.ru_utime + used.ru_stime:.1f} CPU s, "
        f"{used.ru_maxrss * 1024 / 1e9:.2f} GB a process; {found.failures} failed; "
        f"m_W {pull.mean:.3f} ± {pull.mean_error:.3f}, width {pull.width:.3f} ± {pull.width_error:.3f}"
    )


if __name__ == "__main__":
    main(*(int(a) for a in sys.argv[1:]))
