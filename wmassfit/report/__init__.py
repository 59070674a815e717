"""Results as tables and plots: what one looks at, made from what was computed.

The room and its one action share a name: `wmassfit.report` is this module and can be called like `report` itself.
"""

import sys
from types import ModuleType
from typing import Any

from wmassfit.report.collect import report
from wmassfit.report.comparison import comparison_table
from wmassfit.report.fit_tables import fit_table
from wmassfit.report.impact_tables import ImpactView, group_table, parameter_table
from wmassfit.report.pull_tables import pull_table
from wmassfit.report.rounding import measured
from wmassfit.report.tables import Column, Table, save_table, to_csv, to_json, to_text
from wmassfit.report.toy_results import toy_table

__all__ = [
    "Column",
    "ImpactView",
    "Table",
    "comparison_table",
    "fit_table",
    "group_table",
    "measured",
    "parameter_table",
    "pull_table",
    "report",
    "save_table",
    "to_csv",
    "to_json",
    "to_text",
    "toy_table",
]


class _Room(ModuleType):
    def __call__(self, *args: Any, **options: Any) -> Any:
        return report(*args, **options)


sys.modules[__name__].__class__ = _Room
