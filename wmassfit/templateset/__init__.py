"""The one data model every room speaks: channels, processes, modifiers, parameters, constraints, data.

Frozen dataclasses over numpy arrays and hist axes. Bins of a channel are flat, in C order of its axes. Arrays are
stored read-only in float64 (bin indices in int32). Everything is checked when it is built, so that a TemplateSet
that exists is consistent; each complaint is a `TemplateError` with the place, the value and the remedy.

Roles are separate. A `Parameter` has no prior and no interpolation: a prior is a `Gaussian` or `Poisson` constraint
that names it, another measurement an `External` term, an interpolation belongs to each `Modifier` that it drives, and
being a parameter of interest is a line in `TemplateSet.pois`.
"""

from wmassfit.templateset.arrays import Array, Indices, identical
from wmassfit.templateset.channels import Channel, McStat, McStatKind, Process
from wmassfit.templateset.edits import float_normalisation, halves, select, split
from wmassfit.templateset.external import External
from wmassfit.templateset.gammas import explicit_gammas
from wmassfit.templateset.joining import join
from wmassfit.templateset.modifiers import Factor, Modifier, Morph, Scale, ScaleCode, Shift, ShiftCode
from wmassfit.templateset.parameters import Constraint, Display, Gaussian, Parameter, Poisson
from wmassfit.templateset.projection import project
from wmassfit.templateset.sets import Dataset, TemplateSet
from wmassfit.templateset.ties import tie

__all__ = [
    "Array",
    "Channel",
    "Constraint",
    "Dataset",
    "Display",
    "External",
    "Factor",
    "Gaussian",
    "Indices",
    "McStat",
    "McStatKind",
    "Modifier",
    "Morph",
    "Parameter",
    "Poisson",
    "Process",
    "Scale",
    "ScaleCode",
    "Shift",
    "ShiftCode",
    "TemplateSet",
    "explicit_gammas",
    "float_normalisation",
    "halves",
    "identical",
    "join",
    "project",
    "select",
    "split",
    "tie",
]
