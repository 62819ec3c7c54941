"""The study beside each file of code: the user's own against what is there, on eight seeds."""

STUDIES = {
    "norm": """\
# Is MyNorm better than batch norm?
model: {name: mlp, hidden_features: [64, 64]}   # or lenet, resnet ...: normbench explain model
dataset: gaussian_clusters                      # or banknotes, or your own: normbench explain dataset
batch_size: 16
optimizer: {name: sgd, lr: 0.03, momentum: 0.9}
num_steps: 300
seeds: 8
arms:
  without: {norm: none}
  batch_norm: {norm: batch_norm}
  own: {norm: {name: own, layer: "my_norm:MyNorm"}}   # settings: {eps: 0.001} are arguments of the class
baseline: without
""",
    "model": """\
# Which norm should MyModel have?
model: {name: own, build: "my_model:MyModel"}   # settings: {width: 8} are arguments of the class
dataset: {name: banknotes, num_samples: 128}    # or your own: normbench explain dataset
batch_size: 8
optimizer: {name: sgd, lr: 0.03, momentum: 0.9}
num_steps: 100
seeds: 8
arms:
  kept: {norm: kept}                            # the norms that it has
  group_norm: {norm: {name: group_norm, num_groups: 4}}
  none: {norm: none}
""",
    "dataset": """\
# Which norm is best on my_dataset?
model: {name: mlp, hidden_features: [32, 32]}   # or lenet, resnet ... for images: normbench explain model
dataset: {name: own, source: "my_dataset:make"}   # settings: {num_samples: 100} are arguments of the function
batch_size: 16
optimizer: {name: sgd, lr: 0.03, momentum: 0.9}
num_steps: 300
seeds: 8
arms:
  none: {norm: none}
  batch_norm: {norm: batch_norm}
  layer_norm: {norm: layer_norm}
""",
}
