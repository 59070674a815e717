"""From templates to −ln L: compiled models with exact first and second derivatives.

A model is K·φ(x): each interpolation is a few basis functions φ with two derivatives, times constant columns, so that
nothing is taped and every derivative is written out. `Model` is what a user needs; `Point` is −ln L at one point.
"""

from wmassfit.likelihood.model import Model
from wmassfit.likelihood.point import BoundData, Likelihood, Point
from wmassfit.likelihood.simulate import Simulator, Throw

__all__ = ["BoundData", "Likelihood", "Model", "Point", "Simulator", "Throw"]
