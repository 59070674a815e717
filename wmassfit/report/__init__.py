"""Results as tables and plots: what one looks at, made from what was computed."""

from wmassfit.report.collect import report
from wmassfit.report.fit_tables import fit_table
from wmassfit.report.impact_tables import ImpactView, group_table, parameter_table
from wmassfit.report.pull_tables import pull_table
from wmassfit.report.rounding import measured
from wmassfit.report.tables import Column, Table, to_csv, to_json, to_text
from wmassfit.report.toy_results import toy_table

__all__ = [
    "Column",
    "ImpactView",
    "Table",
    "fit_table",
    "group_table",
    "measured",
    "parameter_table",
    "pull_table",
    "report",
    "to_csv",
    "to_json",
    "to_text",
    "toy_table",
]
