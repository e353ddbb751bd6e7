X_train, X_test, y_train, y_test = train_x.T, test_x.T, train_y.ravel(), test_y.ravel()
logistic_accuracy, network_accuracy = baseline_acc, nn_acc


def as_parameters(weights):
    W1, b1, W2, b2 = weights
    return {"W1": W1.T, "b1": b1.reshape(-1, 1), "W2": W2.T, "b2": b2.reshape(-1, 1)}


def as_weights(p, d=""):
    return p[d + "W1"].T, p[d + "b1"].ravel(), p[d + "W2"].T, p[d + "b2"].ravel()


def initialise(n_features, random_state=3):
    return as_weights(initialize_parameters(n_features, n_features, 1, random_state))


def fit(X, y, learning_rate=0.5, max_iter=3000, random_state=3):
    p, losses = nn_model(X.T, y.reshape(1, -1), learning_rate, max_iter, random_state)
    return as_weights(p), losses


def predict_proba(weights, X):
    return forward_propagation(X.T, as_parameters(weights))[0].ravel()


def loss_and_gradients(weights, X, y):
    p, Y = as_parameters(weights), y.reshape(1, -1)
    A2, cache = forward_propagation(X.T, p)
    return compute_cost(A2, Y), as_weights(backward_propagation(p, cache, X.T, Y), "d")
