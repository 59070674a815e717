"""Runs inside an environment that has rabbit-fit, never in ours: writes its example files, or prints fitted values."""

import json
import sys

import h5py
import hist
import numpy as np


def write(folder):
    """Files of rabbit's own writer: dense and sparse, both types, symmetric and not; two channels and a masked one."""
    from rabbit.tensorwriter import TensorWriter

    for kind in ("log_normal", "normal"):
        for sparse in (False, True):
            for symmetric in (False, True):
                rng = np.random.default_rng(3)
                writer = TensorWriter(sparse=sparse, systematic_type=kind)
                for channel, n, masked in (("a", 8, False), ("b", 5, False), ("m", 3, True)):
                    fill(writer, channel, n, masked, symmetric, rng)
                name = f"{kind}_{'sparse' if sparse else 'dense'}_{'symmetric' if symmetric else 'asymmetric'}.hdf5"
                writer.write(outfolder=folder, outfilename=name)


def fill(writer, channel, n, masked, symmetric, rng):
    axis = hist.axis.Regular(n, 0, 1, name=f"x_{channel}")
    writer.add_channel([axis], channel, masked=masked)

    def histogram(values, variances):
        out = hist.Hist(axis, storage=hist.storage.Weight())
        out.values()[...], out.variances()[...] = values, variances
        return out

    signal, background = rng.uniform(20, 40, n), rng.uniform(100, 200, n)
    writer.add_process(histogram(signal, signal / 2), "signal", channel, signal=True)
    writer.add_process(histogram(background, background / 3), "background", channel)
    if not masked:
        data = rng.poisson(signal * 1.2 + background * 0.98)
        writer.add_data(histogram(data, data), channel)
    writer.add_norm_systematic("lumi", ["signal", "background"], channel, 1.02)
    slope = histogram(background * (1 + 0.05 * np.linspace(-1, 1, n)), background)
    writer.add_systematic(slope, "slope", "background", channel, groups=["shapes"])
    pair = [histogram(background * (1 + 0.03 * rng.normal(size=n)), background) for _ in range(2)]
    how = "average" if symmetric else None
    writer.add_systematic(pair, "pair", "background", channel, symmetrize=how, groups=["shapes", "more"])
    mass = histogram(signal * (1 + 0.04 * rng.normal(size=n)), signal)
    writer.add_systematic(mass, "mass", "signal", channel, noi=True, constrained=False)


def show(path):
    """Fitted values, uncertainties, −ln L and, where they were asked for, impacts of a result as JSON."""
    from wums import ioutils

    with h5py.File(path) as file:
        results = ioutils.pickle_load_h5py(file["results" if "results" in file else "results_asimov"])
        parameters = results["parms"].get()
        names = list(parameters.axes[0])
        values = {
            "values": dict(zip(names, parameters.values().tolist(), strict=True)),
            "uncertainties": dict(zip(names, np.sqrt(parameters.variances()).tolist(), strict=True)),
            "nll": float(results["nllvalreduced"]),
        }
        for kind in ("impacts", "global_impacts"):
            if kind in results:
                table = results[kind].get()
                of, by = (list(axis) for axis in table.axes)
                rows = zip(of, table.values().tolist(), strict=True)
                values[kind] = {name: dict(zip(by, row, strict=True)) for name, row in rows}
    sys.stdout.write(json.dumps(values) + "\n")


if __name__ == "__main__":
    {"write": write, "show": show}[sys.argv[1]](sys.argv[2])
