X_train, X_test, y_train, y_test = X_tr, X_te, y_tr, y_te
logistic_accuracy, network_accuracy = lr_acc, nn_acc


def with_weights(weights):
    net = NeuralNet(*weights[0].shape)
    net.w1, net.b1, net.w2, net.b2 = (np.atleast_2d(part) for part in weights)
    return net


def initialise(n_features, random_state=0):
    net = NeuralNet(n_features, n_features, random_state)
    return net.w1, net.b1, net.w2, net.b2


def fit(X, y, learning_rate=0.1, max_iter=500, random_state=0):
    net = NeuralNet(X.shape[1], X.shape[1], random_state)
    losses = train_model(net, X, y, learning_rate, max_iter)
    return (net.w1, net.b1, net.w2, net.b2), losses


def predict_proba(weights, X):
    return with_weights(weights).forward(X)


def loss_and_gradients(weights, X, y):
    net = with_weights(weights)
    out = net.forward(X)
    return bce(out, y), net.backward(X, y, out)
