"""Questions to a likelihood: fit, uncertainties, impacts, pulls, toys."""

from wmassfit.inference.blinding import Blinding, unblind
from wmassfit.inference.chi_square import ChiSquare, chi_square
from wmassfit.inference.combination import Combination, combine
from wmassfit.inference.exact_impacts import ExactImpacts, exact_impacts
from wmassfit.inference.external import external_term
from wmassfit.inference.fit import fit
from wmassfit.inference.functions import LinearFunction, difference
from wmassfit.inference.goodness_of_fit import GoodnessOfFit, goodness_of_fit
from wmassfit.inference.impacts import Impacts, impacts
from wmassfit.inference.intervals import Interval, minos
from wmassfit.inference.limit import Discovery, Limit, UpperLimit, discovery, limit, upper_limit
from wmassfit.inference.limit_toys import ToyLimit, toy_limit
from wmassfit.inference.newton import Counters, NewtonOptions
from wmassfit.inference.pulls import Pull, pulls
from wmassfit.inference.result import Estimate, FitResult
from wmassfit.inference.scan import scan
from wmassfit.inference.scanned import Scan
from wmassfit.inference.spectra import Spectrum, spectrum
from wmassfit.inference.toys import PullSummary, ToyBatch, Toys, toys

__all__ = [
    "Blinding",
    "ChiSquare",
    "Combination",
    "Counters",
    "Discovery",
    "Estimate",
    "ExactImpacts",
    "FitResult",
    "GoodnessOfFit",
    "Impacts",
    "Interval",
    "Limit",
    "LinearFunction",
    "NewtonOptions",
    "Pull",
    "PullSummary",
    "Scan",
    "Spectrum",
    "ToyBatch",
    "ToyLimit",
    "Toys",
    "UpperLimit",
    "chi_square",
    "combine",
    "difference",
    "discovery",
    "exact_impacts",
    "external_term",
    "fit",
    "goodness_of_fit",
    "impacts",
    "limit",
    "minos",
    "pulls",
    "scan",
    "spectrum",
    "toy_limit",
    "toys",
    "unblind",
    "upper_limit",
]
