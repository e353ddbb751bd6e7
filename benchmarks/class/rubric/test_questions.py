"""The judgement of the three questions."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler


@pytest.mark.criterion("scale")
def test_scale(evidence, given):
    """Both parts are standardised by the training part."""
    answer, shown = evidence["scale"], given["scale"]
    right = StandardScaler().fit(shown.train)

    assert np.allclose(answer.train, right.transform(shown.train))
    assert np.allclose(answer.test, right.transform(shown.test))


@pytest.mark.criterion("fit")
def test_fit(evidence, given):
    """The probabilities are those of a logistic regression."""
    shown = given["fit"]
    right = LogisticRegression().fit(shown.train, shown.labels).predict_proba(shown.test)

    assert np.allclose(evidence["fit"].probability, right, atol=1e-3)


@pytest.mark.criterion("error")
def test_error(evidence, given):
    """The error is the share of wrong answers."""
    answer = evidence["error"]

    assert np.isclose(answer.share, np.mean(answer.predicted != given["error"].truth))
