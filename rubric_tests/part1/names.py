"""The names that Part 1 asks for."""

from assay.rubric import Row

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

ALSO = {
    "X_train": ("x_tr", "X_training", "train_data"),
    "X_test": ("x_te", "x_val", "X_valid", "X_pruefung", "test_data"),
    "y_train": ("y_tr", "y_training", "train_labels"),
    "y_test": ("y_te", "y_val", "y_valid", "y_pruefung", "test_labels"),
    "logistic_accuracy": (
        *("logreg_accuracy", "logreg_acc", "lr_accuracy", "lr_acc", "baseline_accuracy"),
        *("baseline_acc", "genauigkeit_logreg", "genauigkeit_logistisch"),
    ),
    "network_accuracy": (
        *("net_accuracy", "net_acc", "nn_accuracy", "nn_acc", "mlp_accuracy", "mlp_acc"),
        *("test_accuracy", "test_acc", "genauigkeit_netz"),
    ),
    "ScratchNetwork": (
        *("NeuralNetwork", "NeuralNet", "MLP", "MultiLayerPerceptron", "NeuronalesNetz", "Netz"),
        *("MLPClassifier", "NNClassifier", "FeedForwardNetwork", "BackpropNet", "NN"),
    ),
    "initialise": ("initialize", "initialize_parameters", "init_params", "init_weights"),
    "fit": ("train", "train_model", "nn_model", "trainiere", "lerne"),
    "predict_proba": ("forward", "forward_propagation", "forward_pass", "vorwaerts"),
    "loss_and_gradients": ("backward", "backprop", "backward_propagation", "rueckwaerts"),
}
"""What students who were not told call it: where a name is missing, these are looked for too."""
