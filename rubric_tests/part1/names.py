"""The names that Part 1 asks for."""

from rubric_tests.names import Row

NAMES = (
    Row(
        ("X_train", "X_test", "y_train", "y_test"),
        "",
        "the notebook's split: 80/20, stratified, the one both models use",
    ),
    Row(
        ("logistic_accuracy", "network_accuracy"),
        "",
        "what the notebook claims; compared with what is measured, never believed",
    ),
    Row(
        ("ScratchNetwork",),
        "(learning_rate=, max_iter=, tol=, random_state=)",
        "a scikit-learn style estimator: `.fit(X, y)`, `.predict(X)`, `.predict_proba(X)`",
    ),
    Row(
        (),
        "coefs_, intercepts_, loss_curve_, n_iter_",
        "after `fit`: `[(d, h), (h, 1)]`, `[(h,), (1,)]`, the loss of each iteration, how many",
    ),
    Row((), ".initialise(n_features)", "fresh random weights, without training"),
    Row(
        (),
        ".loss_and_gradients(X, y)",
        "`(loss, [dW1, dW2], [db1, db2])` in float64 for the current weights; changes nothing",
    ),
)

FUNCTIONS = (
    Row(("initialise",), "(n_features, random_state=)", "fresh random weights `(W1, b1, W2, b2)`"),
    Row(
        ("fit",),
        "(X, y, learning_rate=, max_iter=, random_state=)",
        "`(weights, losses)`: trained weights, and the loss of each iteration",
    ),
    Row(("predict_proba",), "(weights, X)", "the probability of label 1 for each row"),
    Row(
        ("loss_and_gradients",),
        "(weights, X, y)",
        "`(loss, (dW1, db1, dW2, db2))`; changes nothing",
    ),
)
"""Instead of `ScratchNetwork`, where a network is written as functions."""

INSTEAD = {"ScratchNetwork": FUNCTIONS}
