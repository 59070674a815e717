"""W → μν events of Pythia 8 in a ROOT file: muon and neutrino after radiation, before any detector.

python make_events.py --events 400000 --seed 1 -o pythia.root      # pip install '.[pythia]'

Leading order with showers of the initial state and of the muon. Hadrons are not made, nor further scatters of the
partons: neither touches the muon, but for the boson's p_T that scatters compete for, and without them events come 25
times as fast. Densities of the hard process are those of NNPDF3.1 at next-to-next-to-leading order, of the shower
Pythia's own; mass and width are the recipe's, in the range of masses that the kernel samples.

One entry an event: `muon_pt`, `muon_eta`, `muon_charge`, `transverse_mass` of muon and neutrino, `boson_pt`,
`boson_y`, `boson_mass`, and `weight_isr_scaleUp`, `weight_isr_scaleDown` for the renormalisation scale of the initial
state's shower doubled and halved (arXiv:1605.08352); the nominal weight is 1.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from pathlib import Path

import numpy as np
import uproot

from wmassfit.interchange import replaced_file

SETTINGS = (
    "Beams:eCM = 13000.",
    "WeakSingleBoson:ffbar2W = on",
    "24:onMode = off",
    "24:onIfAny = 13",
    "24:doForceWidth = on",
    "24:mMin = 50.",
    "24:mMax = 120.",
    "PhaseSpace:mHatMin = 50.",
    "PhaseSpace:mHatMax = 120.",
    "PDF:useHard = on",
    "PDF:pHardSet = 20",
    "PartonLevel:MPI = off",
    "HadronLevel:all = off",
    "Print:quiet = on",
    "Random:setSeed = on",
    "UncertaintyBands:doVariations = on",
    "UncertaintyBands:List = {isrUp isr:muRfac=2.0,isrDown isr:muRfac=0.5}",
)
SHOWER = {"weight_isr_scaleUp": "isrup", "weight_isr_scaleDown": "isrdown"}  # branch: what Pythia calls it
COLUMNS = ("muon_pt", "muon_eta", "muon_charge", "transverse_mass", "boson_pt", "boson_y", "boson_mass", *SHOWER)
BLOCK = 20_000  # events written at a time


def generator(seed: int, mass_gev: float, width_gev: float):
    """Pythia, ready."""
    import pythia8mc

    pythia = pythia8mc.Pythia("", False)
    masses = (f"24:m0 = {mass_gev}", f"24:mWidth = {width_gev}", f"Random:seed = {seed}")
    for line in (*SETTINGS, *masses):
        if not pythia.readString(line):
            sys.exit(f"Pythia does not know the setting {line!r}; use pythia8mc 8.317.2")
    if not pythia.init():
        sys.exit("Pythia did not start")
    return pythia


def one_event(pythia) -> tuple[float, ...] | None:
    """A row of `COLUMNS`; None for an event that failed."""
    if not pythia.next():
        return None
    event = pythia.event
    first = next((i for i in range(1, event.size()) if event[i].idAbs() == 24), None)
    if first is None:
        return None
    boson = event[event[first].iBotCopyId()]  # the last copy has the recoil of all initial-state showers
    legs = {event[i].idAbs(): event[event[i].iBotCopyId()] for i in boson.daughterList()}
    if not {13, 14} <= legs.keys():
        return None
    muon, neutrino = legs[13], legs[14]
    pt, other = muon.pT(), neutrino.pT()
    squared = 2 * (pt * other - muon.px() * neutrino.px() - muon.py() * neutrino.py())
    info = pythia.infoPython()
    weights = dict(zip(info.weightNameVector(), info.weightValueVector(), strict=True))
    return (
        pt,
        muon.eta(),
        -1.0 if muon.id() > 0 else 1.0,
        math.sqrt(max(squared, 0.0)),
        boson.pT(),
        boson.y(),
        boson.m(),
        *(weights[name] / weights["Weight"] for name in SHOWER.values()),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=400_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mass-gev", type=float, default=80.379)
    parser.add_argument("--width-gev", type=float, default=2.0911)
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    pythia = generator(options.seed, options.mass_gev, options.width_gev)
    start, made = time.perf_counter(), 0
    with replaced_file(options.output) as part, uproot.recreate(part, compression=uproot.ZSTD(1)) as file:
        tree = file.mktree("Events", dict.fromkeys(COLUMNS, "float32"), title="W to mu nu of Pythia 8")
        while made < options.events:
            rows: list[tuple[float, ...]] = []
            while len(rows) < min(BLOCK, options.events - made):
                row = one_event(pythia)
                if row is not None:
                    rows.append(row)
            values = np.array(rows, dtype=np.float32)
            tree.extend({name: values[:, k] for k, name in enumerate(COLUMNS)})
            made += len(rows)
    seconds = time.perf_counter() - start
    sys.stdout.write(f"{options.output}: {made} events in {seconds:.0f} s, {made / seconds:.0f} events/s\n")


if __name__ == "__main__":
    main()
