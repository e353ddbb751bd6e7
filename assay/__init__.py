"""Run notebooks over seeds and data sets, ask their code for arrays, judge those elsewhere."""

__version__ = "0.1.0"
