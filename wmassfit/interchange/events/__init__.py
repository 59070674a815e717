"""Events that others made: muons in ROOT trees, filled into the bins of a recipe with their weights.

`EventsConfig` says what the branches mean, `plan` looks into the files, `fill` sums weights in pieces that do not
depend on who does them, `process_of` makes a template of the sums.
"""

from wmassfit.interchange.events.config import EventsConfig, WeightsConfig, check_events_config, read_events_config
from wmassfit.interchange.events.filling import Filled, fill
from wmassfit.interchange.events.normalisation import normalisation
from wmassfit.interchange.events.planning import Plan, plan
from wmassfit.interchange.events.templates import EventProcess, alone, as_data, check_binning, merged, process_of

__all__ = [
    "EventProcess",
    "EventsConfig",
    "Filled",
    "Plan",
    "WeightsConfig",
    "alone",
    "as_data",
    "check_binning",
    "check_events_config",
    "fill",
    "merged",
    "normalisation",
    "plan",
    "process_of",
    "read_events_config",
]
