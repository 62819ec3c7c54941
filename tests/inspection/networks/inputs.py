"""Networks whose inputs are unusual: one sample, thousands of positions, large or tiny numbers, sparse, lists."""

import warnings

import torch
from inspection.networks.parts import mlp
from inspection.networks.row import Healthy, ids, normal, several
from torch import nn


class Bag(nn.Module):
    """A bag of words, summed, and two dense layers."""

    def __init__(self):
        super().__init__()
        self.bag, self.body = nn.EmbeddingBag(50, 16, mode="sum"), mlp(16, 32, 3)

    def forward(self, words):
        return self.body(self.bag(words))


class MeanOfPoints(nn.Module):
    """Features of points, their mean over a cloud, and an answer (Zaheer et al., 2017)."""

    def __init__(self):
        super().__init__()
        self.of_point, self.of_cloud = mlp(3, 16, 32), mlp(32, 16, 4)

    def forward(self, points):
        return self.of_cloud(torch.relu(self.of_point(points)).mean(1))


def normed_convolutions():
    """Return two convolutions with batch norm, and a dense layer."""
    sizes = ((3, 8), (8, 8))
    parts = [p for a, b in sizes for p in (nn.Conv2d(a, b, 3, bias=False), nn.BatchNorm2d(b), nn.ReLU())]
    return nn.Sequential(*parts, nn.Flatten(), nn.Linear(8 * 16, 3))


class Graph(nn.Module):
    """Two dense layers, each followed by a mean over neighbours, by a sparse matrix (Kipf and Welling, 2017)."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(8, 24), nn.Linear(24, 3)

    def forward(self, nodes, neighbours):
        nodes = torch.relu(torch.sparse.mm(neighbours, self.first(nodes)))
        return torch.sparse.mm(neighbours, self.second(nodes))


class KnownGraph(Graph):
    """The same with a matrix that the network keeps, in a given layout."""

    def __init__(self, layout):
        super().__init__()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # torch calls compressed rows a beta
            self.register_buffer("neighbours", ring().to_sparse(layout=layout))

    def forward(self, nodes):
        return super().forward(nodes, self.neighbours)


class ListOfPictures(nn.Module):
    """Pictures of several sizes, each on its own."""

    def __init__(self):
        super().__init__()
        self.body = mlp(8, 16, 3)

    def forward(self, pictures):
        return torch.stack([self.body(picture).mean(0) for picture in pictures])


class GivenState(nn.Module):
    """An LSTM that goes on from a state; of what it ends with the cell is read."""

    def __init__(self):
        super().__init__()
        self.rnn, self.out = nn.LSTM(6, 12, batch_first=True), nn.Linear(12, 2)

    def forward(self, x, state):
        return self.out(self.rnn(x, state)[1][1][-1])


def ring(count=12):
    """Return a matrix, (count, count), that takes the mean of each node and its neighbours on a ring."""
    eye = torch.eye(count)
    return (eye + eye.roll(1, 0) + eye.roll(-1, 0)) / 3


def counts(seed):
    """Return pictures of whole numbers up to 65,535, as sensors of 16 bits count."""
    return ids(65536, 8, 3, 8, 8)(seed).float()


BATCH = normal(16, 8)
HEALTHY = {
    "one bag of words": Healthy(
        Bag, ids(50, 1, 10), "another bag gives another answer", alike="one sample has nothing to differ from"
    ),
    "mean over 2,048 points": Healthy(
        MeanOfPoints, normal(4, 2048, 3), "each point gets 1/2048 of the gradient, and samples are alike but for 1/45"
    ),
    "counts of 16 bits": Healthy(normed_convolutions, counts, "the first convolution puts out numbers of 10,000"),
    "sparse matrix as an input": Healthy(
        Graph, lambda seed: (normal(12, 8)(seed), ring().to_sparse()), "the first axis of both is the node"
    ),
    "sparse matrix as a buffer": Healthy(
        lambda: KnownGraph(torch.sparse_coo), normal(12, 8), "a buffer of coordinates and values"
    ),
    "compressed sparse rows as a buffer": Healthy(
        lambda: KnownGraph(torch.sparse_csr), normal(12, 8), "a buffer of rows, columns and values"
    ),
    "list of pictures": Healthy(
        ListOfPictures, lambda seed: ([normal(3, 8)(seed), normal(5, 8)(seed + 1)],), "the list is the batch"
    ),
    "state as an input": Healthy(
        GivenState,
        lambda seed: (normal(8, 7, 6)(seed), several(normal(1, 8, 12), normal(1, 8, 12))(seed)),
        "no step and no hidden state is read, the cell is",
    ),
}
