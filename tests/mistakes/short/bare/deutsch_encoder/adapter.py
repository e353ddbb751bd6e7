train_inputs, train_targets = trainingsdaten, trainingsziele
test_inputs, test_targets = testdaten, testziele
attention, MultiHeadAttention, FeedForward = aufmerksamkeit, MehrkopfAufmerksamkeit, Vorwaertsnetz
TokenEmbedding, PositionalEncoding, EncoderLayer = Einbettung, Positionen, Block
model, generate, reversal_accuracy = netz, drehe_um, genauigkeit


def train(inputs, targets, *, seed):
    return trainiere(inputs, targets, seed=seed)
