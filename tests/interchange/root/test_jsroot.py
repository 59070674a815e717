"""What we write opens in JSROOT, an implementation of ROOT's file format that shares no code with uproot."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pytest

from wmassfit.interchange.root.layout import write_root
from wmassfit.templateset import TemplateSet

SCRIPT = """
import { openFile, TSelector, treeProcess } from "jsroot";
const file = await openFile(process.argv[2]);
const h = await file.readObject("templates/signal_region/W");
const contents = [], errors = [];
for (let i = 1; i <= 4; i++)
  for (let j = 1; j <= 3; j++)
    for (let k = 1; k <= 2; k++) {
      contents.push(h.getBinContent(i, j, k));
      errors.push(h.fSumw2[h.getBin(i, j, k)]);
    }
const tree = await file.readObject("variations");
const rows = [];
const selector = new TSelector();
for (const name of ["parameter", "kind", "coefficient", "bins", "up"]) selector.addBranch(name);
selector.Process = function () {
  rows.push({ parameter: this.tgtobj.parameter, kind: this.tgtobj.kind, coefficient: this.tgtobj.coefficient,
              bins: Array.from(this.tgtobj.bins), up: Array.from(this.tgtobj.up) });
};
await treeProcess(tree, selector);
const text = (await file.readObject("wmassfit")).fString;
const axes = [h.fXaxis, h.fYaxis, h.fZaxis];
process.stdout.write(JSON.stringify({
  classname: h._typename, contents, errors, titles: axes.map((a) => a.fTitle),
  edges: Array.from(h.fYaxis.fXbins), labels: h.fZaxis.fLabels.arr.map((l) => l.fString),
  entries: tree.fEntries, rows, parameters: JSON.parse(text).parameters.map((p) => p.name),
}));
"""


@pytest.fixture(scope="session")
def jsroot() -> Path:
    """A folder with JSROOT from npm, kept between runs; a skip where it cannot be had."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node and npm are not installed")
    folder = Path(os.environ.get("WMASSFIT_JSROOT", Path(tempfile.gettempdir()) / f"wmassfit-jsroot-{os.getuid()}"))
    folder.mkdir(exist_ok=True)
    if not (folder / "node_modules" / "jsroot" / "package.json").is_file():
        command = ["npm", "install", "jsroot", "--omit=optional", "--ignore-scripts", "--no-audit", "--no-fund"]
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
        except subprocess.TimeoutExpired:
            pytest.skip("npm install jsroot took more than 120 s")
        if done.returncode != 0:
            pytest.skip(f"npm install jsroot failed: {done.stderr.strip()[-300:]}")
    return folder


def test_jsroot_reads_what_we_write(jsroot: Path, everything: TemplateSet, tmp_path: Path) -> None:
    write_root(everything, tmp_path / "templates.root")
    # The script lies beside node_modules, from where JavaScript modules are found.
    with tempfile.NamedTemporaryFile("w", suffix=".mjs", dir=jsroot) as script:
        script.write(SCRIPT)
        script.flush()
        command = ["node", script.name, str(tmp_path / "templates.root")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    signal, fakes = everything.channels[0].processes
    assert found["classname"] == "TH3D"
    np.testing.assert_array_equal(found["contents"], signal.nominal)
    np.testing.assert_array_equal(found["errors"], signal.variance)
    assert found["titles"] == [r"muon $\eta$", "muon $p_T$ [GeV]", "charge"]
    assert found["edges"] == [26.0, 30.0, 41.5, 56.0]
    assert found["labels"] == ["minus", "plus"]
    assert found["parameters"] == list(everything.parameter_names)
    modifiers = signal.modifiers + fakes.modifiers
    assert found["entries"] == len(modifiers)
    assert [row["parameter"] for row in found["rows"]] == [m.parameter for m in modifiers]
    assert [row["kind"] for row in found["rows"]] == [type(m).__name__.lower() for m in modifiers]
    assert [row["coefficient"] for row in found["rows"]] == [m.coefficient for m in modifiers]
    assert found["rows"][2]["bins"] == [1, 5, 23]
    assert found["rows"][1]["bins"] == []
    np.testing.assert_array_equal(found["rows"][2]["up"], signal.modifiers[2].up)
    np.testing.assert_array_equal(found["rows"][0]["up"], signal.modifiers[0].ratios.ravel())
