"""MyModel: a small convolutional network with batch norm, for images of any size."""

from torch import Tensor, nn


def convolution(in_channels: int, out_channels: int) -> nn.Sequential:
    """Make a convolution that halves height and width, with its norm and ReLU."""
    layer = nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=2, padding=1, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(out_channels), nn.ReLU())


class MyModel(nn.Module):
    """Images (N, C, H, W) -> one number per class (N, classes).

    It is made with input_shape, (C, H, W), and output_shape, (classes,), those of the dataset; leave out what is not
    needed. All further arguments are settings: model: {name: own, build: "my_model:MyModel", settings: {width: 8}}.
    """

    def __init__(self, input_shape: tuple[int, ...], output_shape: tuple[int, ...], width: int = 16) -> None:
        super().__init__()
        self.conv1 = convolution(input_shape[0], width)
        self.conv2 = convolution(width, 2 * width)
        self.output = nn.Linear(2 * width, output_shape[0])
        # With norm: kept these norms stay; any other norm: takes their place, with the same initial weights around it.

    def forward(self, x: Tensor) -> Tensor:
        """Return the output from the mean over all positions."""
        positions = self.conv2(self.conv1(x))
        output: Tensor = self.output(positions.mean((2, 3)))
        return output
