"""Logistic regression, the straight-line model that the network has to be measured against."""

import numpy as np
from jaxtyping import Float, Int
from sklearn.linear_model import LogisticRegression


def fit_baseline(
    X_train: Float[np.ndarray, "train features"], y_train: Int[np.ndarray, " train"]
) -> LogisticRegression:
    """scikit-learn's logistic regression, trained until it has converged.

        P(y = 1) = sigmoid(x · w + b)

    It keeps scikit-learn's default penalty, C = 1, so expects features of about equal scale:
    give it the output of `standardise`. The weights are its `coef_`, in log-odds for each
    standard deviation of a feature.
    """
    return LogisticRegression(max_iter=1000).fit(X_train, y_train)
