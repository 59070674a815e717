"""Runs inside an environment that has rabbit-fit, never in ours: rabbit's own writer, from arrays in an .npz file.

python rabbit_tensor.py arrays.npz tensor.hdf5
"""

import sys
from pathlib import Path

import hist
import numpy as np


def main(arrays, tensor):
    from rabbit.tensorwriter import TensorWriter

    given = np.load(arrays)
    writer = TensorWriter(sparse=False, systematic_type="log_normal")
    for channel in given["channels"]:
        counts = given[f"{channel}/data"]
        axis = hist.axis.Regular(counts.size, 0, 1, name=f"bin_{channel}")

        def histogram(values, variances, axis=axis):
            out = hist.Hist(axis, storage=hist.storage.Weight())
            out.values()[...], out.variances()[...] = values, variances
            return out

        writer.add_channel([axis], channel)
        writer.add_data(histogram(counts, counts), channel)
        for process in given["processes"]:
            nominal, variance = given[f"{channel}/{process}/nominal"], given[f"{channel}/{process}/variance"]
            writer.add_process(histogram(nominal, variance), process, channel)
            names, ratios = given[f"{channel}/{process}/names"], given[f"{channel}/{process}/ratios"]
            for name, ratio in zip(names, ratios, strict=True):
                free = name in given["free"]
                varied = histogram(nominal * ratio, variance)
                writer.add_systematic(varied, name, process, channel, noi=free, constrained=not free)
    tensor = Path(tensor)
    writer.write(outfolder=str(tensor.parent), outfilename=tensor.name)


if __name__ == "__main__":
    main(*sys.argv[1:])
