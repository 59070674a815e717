"""The table that workflows/bsm makes of many confrontations."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from wmassfit.electroweak import WMass, confront

SCRIPT = Path(__file__).parents[2] / "workflows" / "bsm" / "verdicts.py"


@pytest.mark.skipif(not SCRIPT.exists(), reason="workflows come with the source tree, not with the wheel")
def test_verdict_table(tmp_path):
    files = []
    for case, value in (("CDF", 80433.5), ("CMS", 80360.2)):
        for model in ("complex_triplet", "real_triplet"):
            path = tmp_path / case / f"{model}.json"
            path.parent.mkdir(exist_ok=True)
            path.write_text(json.dumps(confront(WMass(value, 9.9), models=[model], points=30).to_dict()))
            files.append(str(path))
    subprocess.run([sys.executable, str(SCRIPT), *files, "--folder", str(tmp_path)], check=True)
    rows = list(csv.DictReader((tmp_path / "verdicts.csv").open(encoding="utf-8")))
    assert [(row["case"], row["model"], row["allowed"]) for row in rows] == [
        ("CDF", "complex_triplet", "False"),
        ("CDF", "real_triplet", "True"),
        ("CMS", "complex_triplet", "True"),
        ("CMS", "real_triplet", "True"),
    ]
    assert "| complex_triplet | no | allowed |" in (tmp_path / "verdicts.md").read_text(encoding="utf-8")
