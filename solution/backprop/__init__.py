"""Part 1: a network by hand, its data, and the logistic regression it is compared with."""

from solution.backprop.baseline import fit_baseline
from solution.backprop.data_sets import DATA_SETS, DataSet, load, split, standardise
from solution.backprop.network import ScratchNetwork

__all__ = ["DATA_SETS", "DataSet", "ScratchNetwork", "fit_baseline", "load", "split", "standardise"]
