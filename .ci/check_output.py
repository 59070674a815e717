"""Look at what `wmassfit run` left behind: the files are there, and the summary is complete and plausible."""

import json
import math
import sys
from pathlib import Path

folder = Path(sys.argv[1])
summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
m_w = summary["parameters"]["m_w"]
assert summary["converged"] is True, summary["reason"]
assert m_w["unit"] == "MeV"
assert 0 < m_w["uncertainty"] < 100
assert abs(m_w["value"] - m_w["truth"]) < 6 * m_w["uncertainty"], m_w
assert 0 <= summary["edm"] < 1e-6
for kind in ("nominal_mev", "global_mev"):
    impacts = summary["impacts"][kind]
    assert {"pdf", "momentum_scale", "angular_coefficients", "muon_efficiency"} <= impacts.keys(), impacts
    assert all(math.isfinite(v) and 0 <= v < m_w["uncertainty"] * 1.01 for v in impacts.values()), impacts
for stage in ("generate", "write", "read", "compile", "fit", "impacts", "report"):
    assert summary["timing_s"][stage] >= 0
for key in ("n_bins", "n_nuisances", "version", "seed"):
    assert key in summary, key
for name in ("templates.root", "fit.h5"):
    assert (folder / name).stat().st_size > 1000, name
for suffix in ("png", "pdf", "csv", "txt"):
    assert list(folder.glob(f"**/*.{suffix}")), f"no .{suffix} in {folder}"
print(f"m_W = {m_w['value']:.1f} ± {m_w['uncertainty']:.1f} MeV, truth {m_w['truth']:.1f}; {summary['timing_s']}")
