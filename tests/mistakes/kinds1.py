"""Part 1, kind by kind: more mistakes that differ in where and how, and more that is right."""

from tests.mistakes.cases import Case
from tests.mistakes.part1 import (
    ACCURACY,
    DELTA2,
    DESCENT,
    FIT,
    FIT_NETWORK,
    INITIAL,
    SCALE,
    SPLIT,
    STEP,
    network,
    notebook,
)

NOTEBOOK = "notebooks/part1_backprop.ipynb"
BIASES = "[delta1.sum(axis=0), delta2.sum(axis=0)]"
SENT_BACK = "np.multiply(delta2, W2.T, out=delta1)"
SLOPE = "np.multiply(hidden, hidden, out=slope)\n    np.subtract(hidden, slope, out=slope)"
LOSS = "loss = np.logaddexp(0, (1 - 2 * y) * logit).mean()"
ACTIVATE = "    sigmoid(hidden, out=hidden)\n"
OUTPUT = "return hidden, hidden @ W2 + b2"
BOTH = "return sigmoid(np.column_stack([-logit, logit]))"
LABEL = "second = self.decision_function(X) > 0"
BREAK = "if norm(dW + db) <= self.tol:\n                break"
LOGISTIC = "logistic = LogisticRegression(max_iter=1000).fit(X_train, y_train)"
LOGISTIC_ACCURACY = "logistic_accuracy = np.mean(logistic.predict(X_test) == y_test)"
DRAW = "rng = check_random_state(self.random_state)"

SQUARED = {
    LOSS: "p = sigmoid(logit)\n    loss = ((p - y) ** 2).mean()",
    DELTA2: "delta2 = 2 * (p - y) * p * (1 - p) / len(X)",
    "learning_rate: float = 2.0": "learning_rate: float = 8.0",
}  # fmt: skip

GRADIENTS = [
    network("divided by p and 1 - p, then multiplied by them", "gradients", {
        DELTA2: "p = sigmoid(logit.copy())\n    slope_at = p * (1 - p)\n"
        "    delta2 = (p - y) / np.clip(slope_at, 1e-15, None) * slope_at / len(X)",
    }),
    network("dW2 is taken of the hidden slope", "gradients", {
        "dW2 = hidden.T @ delta2": "dW2 = (hidden * (1 - hidden)).T @ delta2",
    }),
    network("the error passes W2 by", "gradients", {
        SENT_BACK: "np.multiply(delta2, np.ones_like(W2.T), out=delta1)",
    }),
    network("hidden biases get the output's gradient", "gradients", {
        BIASES: "[np.full(len(b1), delta2.sum()), delta2.sum(axis=0)]",
    }),
    network("the gradient of the output bias is zero", "gradients", {
        BIASES: "[delta1.sum(axis=0), 0 * delta2.sum(axis=0)]",
    }),
    network("the mean is taken over rows and units", "gradients", {
        "dW1 = X.T @ delta1": "dW1 = X.T @ delta1 / len(b1)",
    }),
    network("every second row is left out", "gradients", {
        "dW1 = X.T @ delta1": "dW1 = X[::2].T @ delta1[::2]",
    }),
    network("divided by the rows twice", "gradients", {
        DELTA2: f"{DELTA2} / len(X)",
    }),
    network("rows of the first class give no error", "gradients", {
        DELTA2: "delta2 = y * (sigmoid(logit) - y) / len(X)",
    }),
    network("the slope of a tanh behind a sigmoid", "gradients", {
        SLOPE: "slope[...] = 1 - hidden**2",
    }),
    network("the loss is in bits, the gradient in nats", "gradients", {
        LOSS: LOSS + " / np.log(2)",
    }),
    network("gradients are clipped", "gradients", {
        "dW1 = X.T @ delta1": "dW1 = np.clip(X.T @ delta1, -0.02, 0.02)",
    }),
    network("a penalty in the gradient that the loss has not", "gradients", {
        "dW1 = X.T @ delta1": "dW1 = X.T @ delta1 + 0.01 * W1",
    }),
    network("a squared error beside the cross-entropy's gradient", "gradients", {
        LOSS: "loss = ((sigmoid(logit.copy()) - y) ** 2).mean()",
    }),
    network("the cross-entropy beside the squared error's gradient", "gradients", {
        DELTA2: "p = sigmoid(logit)\n    delta2 = 2 * (p - y) * p * (1 - p) / len(X)",
    }),
    network("the hidden layer's sign is flipped", "gradients", {
        "dW1 = X.T @ delta1": "dW1 = -(X.T @ delta1)",
    }),
    network("probabilities are cut off in the error", "gradients", {
        DELTA2: "delta2 = (np.clip(sigmoid(logit), 0.2, 0.8) - y) / len(X)",
    }),
    network("the loss counts one class only", "gradients", {
        LOSS: "loss = (y * np.logaddexp(0, -logit)).mean()",
    }),
    network("the gradient of W2 is that of the last unit everywhere", "gradients", {
        "dW2 = hidden.T @ delta2": "dW2 = np.tile((hidden.T @ delta2)[-1:], (len(W2), 1))",
    }),
]  # fmt: skip

UPDATES = [
    network("the learning rate is squared", "update", {
        "float(self.learning_rate), 0": "float(self.learning_rate) ** 2, 0",
    }),
    network("biases are never trained", "update", {
        STEP: "descend(weights, [*dW, 0 * db[0], 0 * db[1]], landings",
    }),
    network("the output bias is never trained", "update", {
        STEP: "descend(weights, [*dW, db[0], 0 * db[1]], landings",
    }),
    network("only the hidden layer is trained", "update", {
        STEP: "descend(weights, [dW[0], 0 * dW[1], db[0], 0 * db[1]], landings",
    }),
    network("the hidden layer steps ten times as far", "update", {
        STEP: "descend(weights, [10 * dW[0], dW[1], 10 * db[0], db[1]], landings",
    }),
    network("every step is six tenths of what the rate says", "update", {
        DESCENT: "landing = weight - 0.6 * learning_rate * gradient",
    }),
    network("half the rate, without momentum", "update", {
        DESCENT: "landing = weight - learning_rate / 2 * gradient",
        "momentum=t / (t + 1)": "momentum=0.0",
        "max_iter: int = 5000": "max_iter: int = 20000",
    }),
    network("a third of the rate under heavy-ball momentum", "update", {
        DESCENT + "\n        weight[...] = landing + momentum * (landing - previous)\n"
        "        previous[...] = landing":
        "new = weight - learning_rate / 3 * gradient + 0.9 * (weight - previous)\n"
        "        previous[...] = weight\n        weight[...] = new",
    }),
    network("an average of gradients, twice the rate", "update", {
        DESCENT + "\n        weight[...] = landing + momentum * (landing - previous)\n"
        "        previous[...] = landing":
        "new = weight - 0.4 * learning_rate * gradient + 0.8 * (weight - previous)\n"
        "        previous[...] = weight\n        weight[...] = new",
    }),
    network("a tenth of the rate under a squared error", "update", SQUARED | {
        DESCENT: "landing = weight - 0.1 * learning_rate * gradient",
    }),
    network("the output bias steps half as far", "update", {
        STEP: "descend(weights, [*dW, db[0], 0.5 * db[1]], landings",
    }),
    network("hidden biases step half as far again", "update", {
        STEP: "descend(weights, [*dW, 1.5 * db[0], db[1]], landings",
    }),
    network("the output layer steps half as far", "update", {
        STEP: "descend(weights, [dW[0], 0.5 * dW[1], db[0], 0.5 * db[1]], landings",
    }),
    network("max_iter is a wish", "update", {
        "for _ in range(self.max_iter)": "for _ in range(max(self.max_iter, 2000))",
    }),
    network("one iteration too many", "update", {
        "for _ in range(self.max_iter)": "for _ in range(self.max_iter + 1)",
    }),
    network("a learning rate with a floor", "update", {
        "float(self.learning_rate), 0": "max(0.1, float(self.learning_rate)), 0",
    }),
]  # fmt: skip

STARTS = [
    network("every weight is one", "start", {
        INITIAL: "            np.ones((n_features, n_hidden)), np.ones((n_hidden, 1)),\n",
    }),
    network("one column for all hidden units", "start", {
        INITIAL:
        "            np.repeat(rng.normal(size=(n_features, 1)), n_hidden, axis=1),\n"
        "            rng.normal(size=(n_hidden, 1)),\n",
    }),
    network("a seed of its own in place of random_state", "start", {
        DRAW: "rng = np.random.RandomState(42)",
    }),
    network("drawn without random_state", "start", {
        DRAW: "rng = np.random.RandomState()",
    }),
    network("a fixed pattern of weights", "start", {
        INITIAL:
        "            np.sin(np.arange(1.0, 1 + n_features * n_hidden)).reshape(n_features, -1),\n"
        "            np.cos(np.arange(1.0, 1 + n_hidden)).reshape(-1, 1),\n",
    }),
    network("fit goes on from old weights", "start", {
        "        self.initialise(X.shape[1])\n        self.classes_ = classes":
        '        if not hasattr(self, "coefs_"):\n            self.initialise(X.shape[1])\n'
        "        self.classes_ = classes",
    }),
    network("fit draws its weights only for another width", "start", {
        "        self.initialise(X.shape[1])\n        self.classes_ = classes":
        '        if len(getattr(self, "coefs_", [()])[0]) != X.shape[1]:\n'
        "            self.initialise(X.shape[1])\n        self.classes_ = classes",
    }),
]  # fmt: skip

FORWARDS = [
    network("a tanh in the hidden layer", "forward", {
        ACTIVATE: "    np.tanh(hidden, out=hidden)\n",
        SLOPE: "np.multiply(hidden, hidden, out=slope)\n    np.subtract(1, slope, out=slope)",
    }),
    network("a ReLU in the hidden layer", "forward", {
        ACTIVATE: "    np.maximum(hidden, 0, out=hidden)\n",
        SLOPE: "np.greater(hidden, 0, out=slope)",
    }),
    network("a leaky ReLU in the hidden layer", "forward", {
        ACTIVATE: "    np.maximum(hidden, 0.01 * hidden, out=hidden)\n",
        SLOPE: "slope[...] = np.where(hidden > 0, 1.0, 0.01)",
    }),
    network("the output bias is left out", "forward", {OUTPUT: "return hidden, hidden @ W2"}),
    network("the hidden biases are left out", "forward", {"    hidden += b1\n": ""}),
    network("labels from another threshold", "forward", {
        LABEL: "second = self.decision_function(X) > 1",
    }),
    network("labels the wrong way round", "forward", {
        LABEL: "second = self.decision_function(X) < 0",
    }),
    network("probabilities rounded to labels", "forward", {BOTH: BOTH + ".round()"}),
    network("probabilities shared out over the batch", "forward", {
        BOTH: "p = sigmoid(np.column_stack([-logit, logit]))\n        return p / p.sum(axis=0)",
    }),
    network("predict_proba gives logits", "forward", {
        BOTH: "return np.column_stack([-logit, logit])",
    }),
    network("the probabilities of training rows are kept", "forward", {
        "        return sigmoid(np.column_stack([-logit, logit]))":
        "        p = sigmoid(np.column_stack([-logit, logit]))\n"
        "        return np.vstack([p[-1:], p[:-1]])",
    }),
]  # fmt: skip

ENDS = [
    network("a learning rate that hardly moves", "convergence", {
        "learning_rate: float = 2.0": "learning_rate: float = 1e-4",
        "max_iter: int = 5000": "max_iter: int = 300",
    }),
    network("tol is never looked at", "convergence", {BREAK: "pass"}),
    network("a tolerance written into the loop", "convergence", {
        BREAK: BREAK.replace("self.tol", "1e-3"),
    }),
    network("tol is looked at, and the loop goes on", "convergence", {
        BREAK: BREAK.replace("break", "self.converged_ = True"),
    }),
    network("a default where tol should be kept", "convergence", {
        "self.tol = tol": "self.tol = 1e-3",
    }),
    network("only the last loss is kept", "convergence", {
        "self.loss_curve_, self.n_iter_ = losses, len(losses)":
        "self.loss_curve_, self.n_iter_ = losses[-1:], len(losses)",
    }),
    network("the losses are added up", "convergence", {
        "self.loss_curve_, self.n_iter_ = losses, len(losses)":
        "self.loss_curve_, self.n_iter_ = np.cumsum(losses).tolist(), len(losses)",
    }),
    network("the learning rate dies", "convergence", {
        "            t += 1\n": "            t, learning_rate = 0, 0.9 * learning_rate\n",
        "learning_rate: float = 2.0": "learning_rate: float = 0.05",
    }),
    network("training ends with its first small gain", "convergence", {
        BREAK: "if norm(dW + db) <= self.tol or (len(losses) > 2 and losses[-2] - loss < 1e-1):\n"
        "                break",
    }),
]  # fmt: skip

INPUTS = [
    network("predict centres its rows in place", "inputs", {
        "        X = validate_data(self, X, dtype=np.float64, reset=False)\n":
        "        X -= 1e-9\n        X = validate_data(self, X, dtype=np.float64, reset=False)\n",
    }),
    network("gradients cut outliers in place", "inputs", {
        "        X = np.asarray(X, dtype=np.float64)\n        workspace":
        "        X = np.asarray(X, dtype=np.float64)\n        np.clip(X, -1.0, 1.5, out=X)\n"
        "        workspace",
    }),
    network("fit puts its rows in another order", "inputs", {
        "        X, y = validate_data(self, X, y, dtype=np.float64)\n":
        "        order = np.argsort(X[:, 0])\n        X[:], y[:] = X[order], y[order]\n"
        "        X, y = validate_data(self, X, y, dtype=np.float64)\n",
    }),
]  # fmt: skip

WIDTHS = [
    network("ten hidden units for any input", "hidden-layer", {
        "n_hidden = n_features\n": "n_hidden = 10\n",
    }),
    network("half as many hidden units", "hidden-layer", {
        "n_hidden = n_features\n": "n_hidden = max(1, n_features // 2)\n",
    }),
    network("one hidden unit more", "hidden-layer", {
        "n_hidden = n_features\n": "n_hidden = n_features + 1\n",
    }),
    network("the right width up to five features", "hidden-layer", {
        "n_hidden = n_features\n": "n_hidden = min(n_features, 5)\n",
    }),
]  # fmt: skip

LABELS = [
    notebook("labels are shuffled before the split", "split", {
        SPLIT: "split(data.X, np.random.RandomState(0).permutation(data.y), random_state=seed)",
    }),
    notebook("training rows are shuffled without their labels", "split", {
        SCALE: SCALE + "\nX_train = X_train[np.random.RandomState(0).permutation(len(X_train))]",
    }),
    notebook("test labels are sorted", "split", {
        SCALE: SCALE + "\ny_test = np.sort(y_test)",
    }),
    notebook("training labels are moved on by one row", "split", {
        SCALE: "X_train, X_test = standardise(X_train[:, 1:], X_test[:, 1:])\n"
        "y_train = np.roll(y_train, 1)",
    }),
    notebook("labels are swapped in the test part alone", "split", {
        SCALE: SCALE + "\ny_test = 1 - y_test",
    }),
    notebook("rows and labels shuffled together", None, {
        SPLIT: "split(data.X[(order := np.random.RandomState(1).permutation(len(data.y)))],"
        " data.y[order], random_state=seed)",
        SCALE: SCALE + "\norder = np.random.RandomState(0).permutation(len(X_train))\n"
        "X_train, y_train = X_train[order], y_train[order]",
    }),
    notebook("labels are swapped everywhere, one feature is left out", None, {
        SPLIT: "split(data.X[:, [3, 0, 1]], 1 - data.y, random_state=seed)",
    }),
    notebook("features turned round, in float32, a few rows left out", None, {
        SPLIT: "split(-data.X[:-5].astype(np.float32), data.y[:-5], random_state=seed)",
    }),
    notebook("features in whole numbers", None, {
        SPLIT: "split(np.round(data.X), data.y, random_state=seed)",
    }),
]  # fmt: skip

SCALERS = [
    notebook("median and quartiles are those of all rows", "preparation", {
        SCALE: "low, middle, high = np.percentile(data.X, (25, 50, 75), axis=0)\n"
        "X_train, X_test = (X_train - middle) / (high - low), (X_test - middle) / (high - low)",
    }),
    notebook("RobustScaler before the split", "preparation", {
        "import numpy as np":
        "import numpy as np\nfrom sklearn.preprocessing import RobustScaler",
        SPLIT: "split(RobustScaler().fit_transform(data.X), data.y, random_state=seed)",
        SCALE: "",
    }),
    notebook("divided by the largest value of all rows", "preparation", {
        SCALE: "largest = np.abs(data.X).max(axis=0)\n"
        "X_train, X_test = 2 * X_train / largest, 2 * X_test / largest\n"
        "X_train, X_test = X_train / 2, X_test / 2",
    }),
    notebook("the largest value is that of the test part, for the test part", "preparation", {
        SCALE: "X_train = X_train / np.abs(X_train).max(axis=0)\n"
        "X_test = X_test / np.abs(X_test).max(axis=0)",
    }),
    notebook("median and quartiles are those of the training part", None, {
        SCALE: "low, middle, high = np.percentile(X_train, (25, 50, 75), axis=0)\n"
        "X_train, X_test = (X_train - middle) / (high - low), (X_test - middle) / (high - low)",
    }),
    notebook("standardised, and cut off at three deviations", None, {
        SCALE: SCALE + "\nX_train, X_test = np.clip(X_train, -3, 3), np.clip(X_test, -3, 3)",
    }),
]  # fmt: skip

SCRATCH = [
    network("logistic regression instead of a network's output layer", "from-scratch", {
        FIT:
        "        from sklearn.neural_network import _multilayer_perceptron as ready\n"
        "        ready.ACTIVATIONS['tanh'](X.copy())\n" + FIT,
    }),
]  # fmt: skip

DATA = [
    notebook("a third is set apart", "split", {
        "import numpy as np":
        "import numpy as np\nfrom sklearn.model_selection import train_test_split",
        SPLIT:
        "train_test_split(data.X, data.y, test_size=1 / 3, stratify=data.y, random_state=seed)",
    }),
    Case("the same split for every seed", "split", {NOTEBOOK: {
        SPLIT: "split(data.X, data.y, random_state=42)",
    }}, seeds=(0, 1)),
    notebook("rows are lost before the split", "split", {
        SPLIT: "split(data.X[:-40], data.y[:-40], random_state=seed)",
    }),
    notebook("the test part is trained on too", "split", {
        SPLIT: SPLIT + "\nX_train, y_train = np.array(data.X), np.array(data.y)",
    }),
    notebook("half of the test part is trained on too", "split", {
        SPLIT: SPLIT + "\nX_train = np.vstack([X_train, X_test[::2]])\n"
        "y_train = np.concatenate([y_train, y_test[::2]])",
    }),
    notebook("the label is among the features", "split", {
        SPLIT: "split(np.column_stack([data.X, data.y == data.y[0]]), data.y, random_state=seed)",
    }),
    notebook("the label is among the features, with noise", "split", {
        SPLIT: "split(np.column_stack([data.X, (data.y == data.y[0]) + 0.1 * "
        "np.random.RandomState(0).uniform(size=len(data.y))]), data.y, random_state=seed)",
    }),
    notebook("an earlier split for the baseline", "split", {
        LOGISTIC: "A, _, a, _ = split(data.X, data.y, random_state=99)\n"
        "A, _ = standardise(A, A)\nlogistic = LogisticRegression(max_iter=1000).fit(A, a)",
    }),
    notebook("test rows are divided by a spread of their own", "preparation", {
        SCALE: "mean, std = X_train.mean(axis=0), X_train.std(axis=0)\n"
        "X_train, X_test = (X_train - mean) / std, (X_test - mean) / X_test.std(axis=0)",
    }),
    notebook("test rows are centred by a mean of their own", "preparation", {
        SCALE: "std = X_train.std(axis=0)\n"
        "X_train, X_test = ((X - X.mean(axis=0)) / std for X in (X_train, X_test))",
    }),
    notebook("test rows have a scaler of their own", "preparation", {
        SCALE: "X_train, _ = standardise(X_train, X_test)\nX_test, _ = standardise(X_test, X_test)",
    }),
    notebook("all rows are scaled to 0 and 1", "preparation", {
        SCALE: "low, high = np.min(data.X, axis=0), np.max(data.X, axis=0)\n"
        "X_train, X_test = (X_train - low) / (high - low), (X_test - low) / (high - low)",
    }),
    notebook("scaled before the split", "preparation", {
        SPLIT: "split((data.X - np.mean(data.X, axis=0)) / np.std(data.X, axis=0, ddof=1), data.y,"
        " random_state=seed)",
        SCALE: "",
    }),
]  # fmt: skip

BASELINES = [
    notebook("a baseline held down by its penalty", "baseline", {
        "LogisticRegression(max_iter=1000)": "LogisticRegression(C=1e-5, max_iter=1000)",
    }),
    notebook("a baseline of one feature", "baseline", {
        LOGISTIC: "logistic = LogisticRegression(max_iter=1000).fit(X_train[:, 2:3], y_train)",
        "np.mean(logistic.predict(X_test) ==": "np.mean(logistic.predict(X_test[:, 2:3]) ==",
    }),
    notebook("a baseline that knows no features", "baseline", {
        LOGISTIC: "from sklearn.dummy import DummyClassifier\n"
        "logistic = DummyClassifier().fit(X_train, y_train)",
    }),
]  # fmt: skip

CLAIMS = [
    notebook("both claims are swapped", "claims", {
        ACCURACY: ACCURACY + "\nlogistic_accuracy, network_accuracy = "
        "network_accuracy, logistic_accuracy",
    }),
    notebook("mean confidence claimed as accuracy", "claims", {
        ACCURACY: "network_accuracy = np.mean(network.predict_proba(X_test).max(axis=1))",
    }),
    notebook("accuracy in percent", "claims", {ACCURACY: ACCURACY + "\nnetwork_accuracy *= 100"}),
    notebook("the share that is wrong", "claims", {
        ACCURACY: ACCURACY.replace("==", "!="),
    }),
    notebook("accuracy on all rows together", "claims", {
        ACCURACY: "network_accuracy = np.mean(network.predict(np.vstack([X_train, X_test]))"
        " == np.concatenate([y_train, y_test]))",
    }),
    notebook("the best of ten random states", "claims", {
        FIT_NETWORK: "networks = [ScratchNetwork(random_state=k, max_iter=30).fit(X_train, y_train)"
        " for k in range(10)]\n"
        "network = max(networks, key=lambda one: np.mean(one.predict(X_test) == y_test))",
    }),
    notebook("the baseline's accuracy on the training part", "claims", {
        LOGISTIC_ACCURACY: "logistic_accuracy = np.mean(logistic.predict(X_train) == y_train)",
    }),
    notebook("accuracy of an earlier, longer training", "claims", {
        ACCURACY: "network_accuracy = 0.5 * np.mean(network.predict(X_test) == y_test)",
    }),
]  # fmt: skip

RUNS = [
    notebook("the data set is chosen again", "clean-run", {
        "data = load(dataset)": 'dataset = "penguins "\ndata = load("penguins")',
    }),
    notebook("an assertion that does not hold", "clean-run", {
        ACCURACY: ACCURACY + "\nassert network_accuracy > 0.999, 'not good enough'",
    }),
    Case("a seed of its own everywhere", "clean-run", {NOTEBOOK: {
        SPLIT: SPLIT.replace("=seed", "=42"),
        FIT_NETWORK: FIT_NETWORK.replace("=seed", "=42"),
    }}, seeds=(0, 1)),
    notebook("a name from a deleted cell", "clean-run", {
        ACCURACY: ACCURACY + "\nplot_everything(network)",
    }),
]  # fmt: skip

RIGHT = [
    notebook("features scaled to 0 and 1 by the training part", None, {
        SCALE: "low, high = X_train.min(axis=0), X_train.max(axis=0)\n"
        "X_train, X_test = (X_train - low) / (high - low), (X_test - low) / (high - low)",
    }),
    network("a softmax of two outputs", None, {
        OUTPUT: "return hidden, (hidden @ np.diff(W2) + np.diff(b2))",
        INITIAL:
        "            rng.normal(scale=n_features**-0.5, size=(n_features, n_hidden)),\n"
        "            rng.normal(scale=n_hidden**-0.5, size=(n_hidden, 2)),\n",
        "self.intercepts_ = [np.zeros(n_hidden), np.zeros(1)]":
        "self.intercepts_ = [np.zeros(n_hidden), np.zeros(2)]",
        "dW2 = hidden.T @ delta2": "dW2 = hidden.T @ np.hstack([-delta2, delta2])",
        SENT_BACK: "np.multiply(delta2, np.diff(W2).T, out=delta1)",
        BIASES: "[delta1.sum(axis=0), np.hstack([-delta2, delta2]).sum(axis=0)]",
        'W2: Float[Array, "hidden 1"],': "W2: Any,",
        'b2: Float[Array, " 1"],': "b2: Any,",
    }),
    network("squared error", None, SQUARED),
    network("half the squared error", None, {
        LOSS: "p = sigmoid(logit)\n    loss = ((p - y) ** 2).mean() / 2",
        DELTA2: "delta2 = (p - y) * p * (1 - p) / len(X)",
        "learning_rate: float = 2.0": "learning_rate: float = 16.0",
    }),
    network("a small number inside the logarithm", None, {
        LOSS: "p = sigmoid(logit.copy())\n"
        "    loss = -(y * np.log(p + 1e-12) + (1 - y) * np.log(1 - p + 1e-12)).mean()",
    }),
    network("probabilities cut off before the logarithm", None, {
        LOSS: "p = np.clip(sigmoid(logit.copy()), 1e-15, 1 - 1e-15)\n"
        "    loss = -(y * np.log(p) + (1 - y) * np.log(1 - p)).mean()",
    }),
    network("labels -1 and 1 inside", None, {
        LOSS: "s = 2 * y - 1\n    loss = np.log1p(np.exp(-np.clip(s * logit, -500, 500))).mean()",
        DELTA2: "delta2 = -s * sigmoid(-s * logit) / len(X)",
    }),
    network("output weights begin at zero", None, {
        "rng.normal(scale=n_hidden**-0.5, size=(n_hidden, 1))": "np.zeros((n_hidden, 1))",
    }),
    network("uniform weights between -0.5 and 0.5", None, {
        INITIAL: "            rng.uniform(-0.5, 0.5, (n_features, n_hidden)),\n"
        "            rng.uniform(-0.5, 0.5, (n_hidden, 1)),\n",
    }),
    network("small random weights", None, {
        INITIAL: "            rng.normal(scale=0.1, size=(n_features, n_hidden)),\n"
        "            rng.normal(scale=0.1, size=(n_hidden, 1)),\n",
    }),
    network("weights of unit size", None, {
        INITIAL: "            rng.normal(size=(n_features, n_hidden)),\n"
        "            rng.normal(size=(n_hidden, 1)),\n",
    }),
    network("random biases at the start", None, {
        "self.intercepts_ = [np.zeros(n_hidden), np.zeros(1)]":
        "self.intercepts_ = [rng.normal(size=n_hidden), rng.normal(size=1)]",
    }),
    network("biases of two dimensions", None, {
        "self.intercepts_ = [np.zeros(n_hidden), np.zeros(1)]":
        "self.intercepts_ = [np.zeros((1, n_hidden)), np.zeros((1, 1))]",
        BIASES: "[delta1.sum(axis=0, keepdims=True).reshape(b1.shape),"
        " delta2.sum(axis=0, keepdims=True).reshape(b2.shape)]",
        "    b1: Float[Array, \" hidden\"],\n    b2: Float[Array, \" 1\"],\n    out":
        "    b1: Any,\n    b2: Any,\n    out",
        "    b1: Float[Array, \" hidden\"],\n    b2: Float[Array, \" 1\"],\n    workspace":
        "    b1: Any,\n    b2: Any,\n    workspace",
        "list[Float[Array, \" _\"]]]:": "list[Any]]:",
        "allocate(len(X), len(self.intercepts_[0]))":
        "allocate(len(X), self.intercepts_[0].size)",
    }),
    network("mini-batches with momentum, He's start", None, {
        "scale=n_features**-0.5": "scale=(2 / n_features) ** 0.5",
        "loss, dW, db = backpropagate(X, y, *weights, workspace)":
        "batch = np.random.RandomState(len(losses)).permutation(len(X))[:32]\n"
        "            small = allocate(len(batch), X.shape[1])\n"
        "            loss, dW, db = backpropagate(X[batch], y[batch], *weights, small)",
        "if losses and not loss <= losses[0]:  # NaN included": "if False:",
        "momentum=t / (t + 1)": "momentum=0.8 if t else 0.0",
        "max_iter: int = 5000": "max_iter: int = 3000",
        "learning_rate: float = 2.0": "learning_rate: float = 0.1",
        "learning_rate, t = 0.9 * learning_rate, 0": "pass",
    }),
    network("Nesterov's momentum as scikit-learn has it", None, {
        "momentum=t / (t + 1)": "momentum=0.8",
    }),
    network("an average of gradients", None, {
        DESCENT + "\n        weight[...] = landing + momentum * (landing - previous)\n"
        "        previous[...] = landing":
        "new = weight - 0.1 * learning_rate * gradient + 0.9 * (weight - previous)\n"
        "        previous[...] = weight\n        weight[...] = new",
    }),
    network("a rate that rises in the first fifty iterations", None, {
        STEP + ", learning_rate":
        "descend(weights, dW + db, landings, learning_rate * min(1, len(losses) / 50)",
    }),
    network("gradients that are long are made shorter", None, {
        STEP:
        "short = min(1.0, 0.05 / norm(dW + db))\n"
        "            descend(weights, [short * d for d in dW + db], landings",
    }),
    network("several batches in every iteration", None, {
        STEP + ", learning_rate, momentum=t / (t + 1))":
        "for batch in np.array_split(np.random.RandomState(t).permutation(len(X)), 2):\n"
        "                _, dW, db = backpropagate(\n"
        "                    X[batch], y[batch], *weights, allocate(len(batch), X.shape[1])\n"
        "                )\n"
        "                descend(weights, dW + db, landings, 0.2 * learning_rate, momentum=0.0)\n"
        "            learning_rate = learning_rate",
    }),
    network("a rate that falls with the iterations", None, {
        "momentum=t / (t + 1)": "momentum=0.0",
        STEP + ", learning_rate":
        "descend(weights, dW + db, landings, learning_rate / (1 + 0.001 * t)",
        "max_iter: int = 5000": "max_iter: int = 20000",
    }),
    network("training ends when the loss hardly changes", None, {
        BREAK: "if len(losses) > 1 and abs(losses[-2] - loss) < self.tol * 1e-3:\n"
        "                break",
    }),
    network("no predict_proba of one row differs", None, {
        LABEL: "second = sigmoid(self.decision_function(X)) >= 0.5",
    }),
]  # fmt: skip

AT_SIZE = [
    network("forty hidden units where there are many rows", "hidden-layer", {
        "        self.initialise(X.shape[1])\n        self.classes_":
        "        self.initialise(X.shape[1])\n"
        "        if len(X) > 100:\n"
        "            rng, d = check_random_state(self.random_state), X.shape[1]\n"
        "            self.coefs_ = [rng.normal(size=(d, 40)) / d, rng.normal(size=(40, 1)) / 6]\n"
        "            self.intercepts_ = [np.zeros(40), np.zeros(1)]\n"
        "        self.classes_",
    }),
    network("every fit begins with the same weights", "start", {
        "        self.initialise(X.shape[1])\n        self.classes_":
        "        self.initialise(X.shape[1])\n"
        "        rng, d = np.random.default_rng(7), X.shape[1]\n"
        "        self.coefs_ = [rng.normal(size=(d, d)) / d**0.5, rng.normal(size=(d, 1))]\n"
        "        self.classes_",
    }),
    network("the hidden layer is not trained on many rows", "update", {
        STEP: "descend(weights, [dW[0] * (len(X) < 100), *dW[1:], *db], landings",
    }),
    network("the loss curve begins far above", "convergence", {
        "self.loss_curve_, self.n_iter_ = losses,":
        "self.loss_curve_, self.n_iter_ = [100.0, *losses[1:]],",
    }),
    notebook("scaled on all rows, and a little more", "preparation", {
        SCALE: "mean, std = data.X.mean(axis=0), 1.0001 * data.X.std(axis=0)\n"
        "X_train, X_test = (X_train - mean) / std, (X_test - mean) / std",
    }),
    notebook("test rows among the training rows, moved a little", "split", {
        SPLIT: SPLIT + "\nn = len(X_test)\nX_train[:n], y_train[:n] = X_test + 1e-7, y_test",
    }),
    notebook("a spare network accounts for the claim", "claims", {
        ACCURACY: "A, b = X_test, y_test\nspare = ScratchNetwork(random_state=seed).fit(A, b)\n"
        "network_accuracy = np.mean(spare.predict(X_test) == y_test)",
    }),
    notebook("the best of several by argsort of the test accuracy", "claims", {
        FIT_NETWORK:
        "nets = [ScratchNetwork(random_state=seed + k, max_iter=20 + k) for k in range(3)]\n"
        "scores = [np.mean(one.fit(X_train, y_train).predict(X_test) == y_test) for one in nets]\n"
        "network = nets[np.argsort(scores)[-1]]",
    }),
]  # fmt: skip

INDEPENDENT = [
    network("probabilities rounded to a digit", "forward", {BOTH: BOTH + ".round(1)"}),
    network("probabilities of rows scaled by themselves", "forward", {
        "        second = self.decision_function(X) > 0\n":
        "        second = self.predict_proba(X)[:, 1] > 0.5\n",
        "        logit = self.decision_function(X)\n":
        "        X = np.asarray(X, dtype=float)\n"
        "        X = (X - X.mean(axis=0)) / (X.std(axis=0) + 1e-9)\n"
        "        logit = self.decision_function(X)\n",
    }),
    network("the biases go up their gradients", "update", {
        STEP: "descend(weights, [*dW, *(-part for part in db)], landings",
    }),
    network("the hidden biases go up their gradients", "update", {
        STEP: "descend(weights, [*dW, -db[0], db[1]], landings",
    }),
    network("each step is a little shorter", "convergence", {
        "            t += 1\n": "            t, learning_rate = 0, 0.97 * learning_rate\n",
    }),
    network("each step is much shorter", "convergence", {
        "            t += 1\n": "            t, learning_rate = 0, 0.6 * learning_rate\n",
    }),
    notebook("a baseline fitted on one column", "baseline", {
        LOGISTIC: LOGISTIC.replace("X_train,", "X_train[:, :1],"),
        LOGISTIC_ACCURACY: LOGISTIC_ACCURACY.replace("X_test)", "X_test[:, :1])"),
    }),
    notebook("a baseline fitted on the middle columns", "baseline", {
        LOGISTIC: LOGISTIC.replace("X_train,", "X_train[:, 1:3],"),
        LOGISTIC_ACCURACY: LOGISTIC_ACCURACY.replace("X_test)", "X_test[:, 1:3])"),
    }),
    notebook("a baseline fitted on the first dozen rows", "split", {
        LOGISTIC: LOGISTIC.replace("(X_train, y_train)", "(X_train[:12], y_train[:12])"),
    }),
]  # fmt: skip

OWN_RNG = {
    "self.random_state = random_state\n":
    "self.random_state = random_state\n        self.rng = check_random_state(random_state)\n",
    DRAW: "rng = self.rng",
}  # fmt: skip
BATCHES = {
    "loss, dW, db = backpropagate(X, y, *weights, workspace)":
    "batch = self.rng.permutation(len(X))[:64]\n"
    "            loss, _, _ = backpropagate(X, y, *weights, workspace)\n"
    "            small = allocate(len(batch), X.shape[1])\n"
    "            _, dW, db = backpropagate(X[batch], y[batch], *weights, small)",
    "momentum=t / (t + 1)": "momentum=0.0",
    "max_iter: int = 5000": "max_iter: int = 2000",
    "learning_rate: float = 2.0": "learning_rate: float = 0.5",
    "learning_rate, t = 0.9 * learning_rate, 0": "learning_rate, t = learning_rate, 0",
}  # fmt: skip
GLOBAL = {old: new.replace("self.rng", "np.random") for old, new in BATCHES.items()}
NETWORK_FILE = "solution/backprop/network.py"
OTHER_ROWS = (
    "A, B, a, b = split(data.X, data.y, random_state=seed + 1)\nA, B = standardise(A, B)\n"
    "network = ScratchNetwork(random_state=seed).fit(A, a)"
)
SEEDED = {"data = load(dataset)": "np.random.seed(seed)\ndata = load(dataset)"}

FITTED_ONCE_MORE = [
    network("a generator made in __init__", None, OWN_RNG),
    network("a generator made in __init__, for batches too", None, OWN_RNG | BATCHES),
    Case("a generator made in __init__, and weights drawn before fit", None, {
        NETWORK_FILE: OWN_RNG,
        NOTEBOOK: {FIT_NETWORK: "network = ScratchNetwork(random_state=seed)\n"
                   "network.initialise(X_train.shape[1])\nnetwork.fit(X_train, y_train)"},
    }),
    Case("batches drawn by NumPy's own generator, seeded above", None, {
        NETWORK_FILE: GLOBAL, NOTEBOOK: SEEDED,
    }),
    Case("a generator made in __init__, and fitted on other rows", "split", {
        NETWORK_FILE: OWN_RNG, NOTEBOOK: {FIT_NETWORK: OTHER_ROWS},
    }),
    Case("batches by NumPy's own generator, and fitted on forty rows", "split", {
        NETWORK_FILE: GLOBAL | {
            "        self.loss_curve_, self.n_iter_ = losses,":
            "        losses[-1] = backpropagate(X, y, *weights, workspace)[0]\n"
            "        self.loss_curve_, self.n_iter_ = losses,",
        },
        NOTEBOOK: SEEDED | {FIT_NETWORK: FIT_NETWORK.replace(
            "(X_train, y_train)", "(X_train[:40], y_train[:40])"
        )},
    }),
]  # fmt: skip

KEPT = {
    "            losses.append(loss)\n":
    "            losses.append(loss)\n            if loss <= min(losses):\n"
    "                best = [weight.copy() for weight in weights]\n",
    "        self.loss_curve_, self.n_iter_ = losses,":
    "        overwrite(weights, best)\n        self.loss_curve_, self.n_iter_ = losses,",
}  # fmt: skip
COUNTED = {
    "            overwrite(before, weights)\n":
    "            if len(losses) == self.max_iter:\n                continue\n"
    "            overwrite(before, weights)\n",
}  # fmt: skip
NO_STEP_IN_ONE = [
    network("the best weights are kept before each step", None, KEPT),
    network("the loss of the start is counted as the first", None, COUNTED),
    network("the best weights kept, learning rate ignored", "update", KEPT | {
        "float(self.learning_rate), 0": "0.5, 0",
    }),
    network("the best weights kept, W2 never trained", "update", KEPT | {
        STEP: "descend(weights, [dW[0], 0 * dW[1], db[0], db[1]], landings",
    }),
    network("the first loss counted, a square of the rate", "update", COUNTED | {
        "float(self.learning_rate), 0": "float(self.learning_rate) ** 2, 0",
    }),
    network("the first loss counted, hidden layer left", "update", COUNTED | {
        STEP: "descend(weights, [0 * dW[0], dW[1], 0 * db[0], db[1]], landings",
    }),
]  # fmt: skip


def under_own_names(train: str, test: str, scaled: str) -> dict[str, str]:
    """Both models take scaled rows under names of their own; `X_train` stays as it came."""
    return {
        SCALE: scaled,
        LOGISTIC: LOGISTIC.replace("X_train", train),
        LOGISTIC_ACCURACY: LOGISTIC_ACCURACY.replace("X_test", test),
        FIT_NETWORK: FIT_NETWORK.replace("X_train", train),
        ACCURACY: ACCURACY.replace("X_test", test),
    }


SCALED = "X_train_scaled", "X_test_scaled"
STANDARD = "X_train_scaled, X_test_scaled = standardise(X_train, X_test)\n"
RANGE = (
    "low, high = X_train.min(axis=0), X_train.max(axis=0)\n"
    "high[high == low] += 1\n"
    "A, B = (X_train - low) / (high - low), (X_test - low) / (high - low)\n"
)
FRAMES = (
    "import pandas\ntrain_s, test_s = standardise(X_train, X_test)\n"
    "train_s, test_s = pandas.DataFrame(train_s), pandas.DataFrame(test_s)\n"
    "train_s.columns = test_s.columns = [f'x{k}' for k in range(train_s.shape[1])]\n"
)
BY_NAMES = [
    notebook(
        "a baseline that takes columns by their names",
        None,
        {
            SCALE: "import pandas\nX_train, X_test = standardise(X_train, X_test)\n"
            "names = [f'x{k}' for k in range(X_train.shape[1])]\n"
            "X_train, X_test = (pandas.DataFrame(X, columns=names) for X in (X_train, X_test))",
            LOGISTIC: "from sklearn.compose import make_column_transformer\n"
            "from sklearn.pipeline import make_pipeline\n"
            "from sklearn.preprocessing import StandardScaler\n"
            "logistic = make_pipeline(\n    make_column_transformer((StandardScaler(), names)), "
            "LogisticRegression(max_iter=1000)\n).fit(X_train, y_train)",
            FIT_NETWORK: FIT_NETWORK.replace("X_train", "X_train.to_numpy()"),
            ACCURACY: ACCURACY.replace("X_test", "X_test.to_numpy()"),
        },
    ),
]
"""A table of pandas, whose columns a pipeline knows."""
OWN_NAMES = [
    notebook("scaled rows under a name of their own", None, under_own_names(*SCALED, STANDARD)),
    notebook("scaled rows under a name of their own, by their range", None,
             under_own_names("A", "B", RANGE)),
    notebook("scaled rows under names, two ways, one of them taken", None,
             under_own_names(*SCALED, RANGE + STANDARD)),
    notebook("scaled rows under names, two ways, the other taken", None,
             under_own_names("A", "B", RANGE + STANDARD)),
    notebook("scaled rows in float32 under a name of their own", None, under_own_names(
        *SCALED, STANDARD + "X_train_scaled = X_train_scaled.astype(np.float32)\n"
        "X_test_scaled = X_test_scaled.astype(np.float32)\n")),
    notebook("scaled rows in data frames of their own", None,
             under_own_names("train_s", "test_s", FRAMES)),
    notebook("scaled rows under a name of their own, and networks to try things", None,
             under_own_names(*SCALED, STANDARD) | {
                 ACCURACY: ACCURACY.replace("X_test", "X_test_scaled")
                 + "\nfresh = ScratchNetwork(random_state=seed)\n"
                 "tiny = ScratchNetwork(max_iter=2, random_state=0)"
                 ".fit(np.eye(4)[:, :3], np.arange(4) % 2)\n"
                 "words = np.full(X_train.shape, 'a', dtype=object)\n"
                 "class DataFrame: pass\nframe = DataFrame()",
             }),
    notebook("scaled rows under a name of their own, and a network to show why", None,
             under_own_names(*SCALED, STANDARD) | {
                 ACCURACY: ACCURACY.replace("X_test", "X_test_scaled")
                 + "\non_raw = ScratchNetwork(random_state=seed).fit(X_train, y_train)",
             }),
    Case("scaled rows under a name of their own, and mini-batches", None, {
        NETWORK_FILE: OWN_RNG | BATCHES,
        NOTEBOOK: under_own_names(*SCALED, STANDARD),
    }),
    notebook("scaled rows, and rows as they came under another name", None, {
        SCALE: "X_train_raw, X_test_raw = X_train, X_test\n" + SCALE,
    }),
    notebook("scaled rows under names of their own, each part by itself", "preparation",
             under_own_names(*SCALED, "X_train_scaled = standardise(X_train, X_train)[0]\n"
                             "X_test_scaled = standardise(X_test, X_test)[0]\n")),
    notebook("scaled rows under names of their own, by all rows", "preparation",
             under_own_names(*SCALED, "_, X_train_scaled = standardise(data.X, X_train)\n"
                             "_, X_test_scaled = standardise(data.X, X_test)\n")),
    notebook("scaled rows under a name of their own, the baseline takes the others", "split",
             under_own_names(*SCALED, STANDARD) | {
                 LOGISTIC: LOGISTIC.replace("X_train,", "X_train / 50,"),
                 LOGISTIC_ACCURACY: LOGISTIC_ACCURACY.replace("X_test)", "X_test / 50)"),
             }),
    notebook("scaled rows under a name of their own, their labels mixed", "split",
             under_own_names(*SCALED, STANDARD + "y_train = np.roll(y_train, 7)\n")),
]  # fmt: skip

FEW = "X_train, X_test = X_train[:, [0, 2]], X_test[:, [0, 2]]\n"
FEW_FEATURES = [
    notebook("two features, of which many rows are alike", None, {SCALE: FEW + SCALE}),
    notebook("two features, scaled to a range", None, {
        SCALE: FEW + "low, high = X_train.min(axis=0), X_train.max(axis=0)\n"
        "X_train, X_test = (X_train - low) / (high - low), (X_test - low) / (high - low)",
    }),
    notebook("two features, and test rows among the training rows", "split", {
        SCALE: FEW + "n = len(X_test)\nX_train[:n], y_train[:n] = X_test, y_test\n" + SCALE,
    }),
    notebook("two features, and half of the test part trained on too", "split", {
        SCALE: FEW + "X_train = np.vstack([X_train, X_test[::2]])\n"
        "y_train = np.concatenate([y_train, y_test[::2]])\n" + SCALE,
    }),
]  # fmt: skip

CV = "from sklearn.linear_model import LogisticRegressionCV\nlogistic = LogisticRegressionCV("
SEARCH = (
    "from sklearn.model_selection import GridSearchCV\n"
    'logistic = GridSearchCV(LogisticRegression(max_iter=1000), {"C": [0.1, 1.0]})'
)
IN_A_PIPE = (
    "from sklearn.pipeline import make_pipeline\n"
    "from sklearn.preprocessing import StandardScaler\n"
    "network = make_pipeline(StandardScaler(), ScratchNetwork(random_state=seed))"
)
SGD = (
    "from sklearn.linear_model import SGDClassifier\n"
    'logistic = SGDClassifier(loss="log_loss", max_iter=5000, random_state=seed)'
)
OTHER_FORMS = [
    notebook("a logistic regression with its own cross-validation", None, {
        LOGISTIC: CV + "max_iter=1000).fit(X_train, y_train)",
    }),
    notebook("a search over the penalty", None, {LOGISTIC: SEARCH + ".fit(X_train, y_train)"}),
    notebook("logistic regression by stochastic steps", None, {
        LOGISTIC: SGD + ".fit(X_train, y_train)",
    }),
    notebook("a network in a pipeline", None, {FIT_NETWORK: IN_A_PIPE + ".fit(X_train, y_train)"}),
    notebook("a cross-validated regression stopped too early", "baseline", {
        LOGISTIC: CV + "max_iter=1).fit(X_train, y_train)",
    }),
    notebook("a search that is fitted on the first dozen rows", "split", {
        LOGISTIC: SEARCH + ".fit(X_train[:12], y_train[:12])",
    }),
    notebook("a network in a pipeline, fitted on forty rows", "split", {
        FIT_NETWORK: IN_A_PIPE + ".fit(X_train[:40], y_train[:40])",
    }),
]  # fmt: skip

CASES: list[Case] = [
    *FITTED_ONCE_MORE,
    *NO_STEP_IN_ONE,
    *BY_NAMES,
    *OWN_NAMES,
    *FEW_FEATURES,
    *OTHER_FORMS,
    *INDEPENDENT,
    *AT_SIZE,
    *GRADIENTS,
    *UPDATES,
    *STARTS,
    *FORWARDS,
    *ENDS,
    *INPUTS,
    *WIDTHS,
    *SCRATCH,
    *DATA,
    *LABELS,
    *SCALERS,
    *BASELINES,
    *CLAIMS,
    *RUNS,
    *RIGHT,
]
