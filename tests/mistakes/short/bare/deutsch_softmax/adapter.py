X_train, X_test, y_train, y_test = X_training, X_pruefung, y_training, y_pruefung
logistic_accuracy, network_accuracy = genauigkeit_logreg, genauigkeit_netz


class ScratchNetwork:
    def __init__(self, learning_rate=0.2, max_iter=300, random_state=0):
        self.netz = NeuronalesNetz(learning_rate, max_iter, random_state)

    def hole(self):
        self.coefs_ = [self.netz.W1, self.netz.W2]
        self.intercepts_ = [self.netz.b1, self.netz.b2]

    def setze(self):
        self.netz.W1, self.netz.W2 = self.coefs_
        self.netz.b1, self.netz.b2 = self.intercepts_

    def initialise(self, n_features):
        self.netz.starte(n_features)
        self.hole()

    def fit(self, X, y):
        self.netz.lerne(X, y)
        self.hole()
        self.loss_curve_, self.n_iter_ = self.netz.verlauf, len(self.netz.verlauf)
        return self

    def predict_proba(self, X):
        self.setze()
        return self.netz.vorwaerts(X)

    def predict(self, X):
        self.setze()
        return self.netz.vorhersage(X)

    def loss_and_gradients(self, X, y):
        self.setze()
        Y = np.eye(2)[y]
        dW1, db1, dW2, db2 = self.netz.rueckwaerts(X, Y)
        return self.netz.verlust(X, Y), [dW1, dW2], [db1, db2]
