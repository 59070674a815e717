"""Every stage of a fit of CMS size in one process: seconds, CPU seconds, largest resident size (GB) after it, as JSON.

python tests/benchmarks/in_process.py [TENSOR] [observed|asimov] [covariance] [details]

Without a tensor the model is `synthetic.w_like`. Stages: read (or build), compile, fit, constraints of all nuisance
parameters, nominal and global impacts on m_W and, where asked for, the full covariance. "details" adds all impacts.
"""

from __future__ import annotations

import importlib.util
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

from wmassfit import interchange
from wmassfit.inference import fit, impacts
from wmassfit.likelihood import Model

HERE = Path(__file__).parent
OPTIONS = ("observed", "asimov", "covariance", "details")


def main(*arguments: str) -> dict[str, Any]:
    """Seconds, CPU seconds and gigabytes by stage, and m_W."""
    stages: dict[str, list[float]] = {}
    begin, cpu = time.perf_counter(), time.process_time()

    def done(stage: str) -> None:
        nonlocal begin, cpu
        # Linux counts in kB.
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
        now, used = time.perf_counter(), time.process_time()
        stages[stage] = [round(now - begin, 3), round(used - cpu, 3), round(memory, 3)]
        begin, cpu = now, used

    tensors = [a for a in arguments if a not in OPTIONS]
    if tensors:
        templates = interchange.read(Path(tensors[0]))
    else:
        spec = importlib.util.spec_from_file_location("synthetic", HERE / "synthetic.py")
        assert spec is not None
        assert spec.loader is not None
        synthetic = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(synthetic)
        templates = synthetic.w_like()
    done("read")
    model = Model(templates)
    data = templates.observed
    if data is None or "asimov" in arguments:
        data = model.asimov() if "asimov" in arguments else model.pseudodata(1, at={"m_w": 20.0})
    done("compile")
    result = fit(model, data)
    done("fit")
    result.constraints()
    done("constraints")
    nominal = impacts(result, "m_w", kind="nominal")
    done("nominal impacts")
    world = impacts(result, "m_w", kind="global")
    done("global impacts")
    if "covariance" in arguments:
        result.covariance()
        done("covariance")
    mass = result["m_w"]
    counters = result.counters
    details = {"nominal": dict(nominal.parameters), "global": dict(world.parameters)} if "details" in arguments else {}
    return details | {
        "stages": stages,
        "m_w": [mass.value, mass.uncertainty],
        "converged": result.converged,
        "factorisations": counters.factorisations,
        "outer_steps": counters.outer_steps,
        "cg_steps": counters.cg_steps,
        "impacts": [nominal.total, world.total],
    }


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
