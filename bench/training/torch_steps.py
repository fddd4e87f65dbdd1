"""PyTorch's part in the table of training: reads lines of JSON, answers each with one.

{"network": ..., "folder": ...} builds a network; its weights and its batch are float32 files in the folder.
{"steps": n, "clock": "wall" | "cpu"} trains n steps and tells how long one took.
"""

import json
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(1)
torch.set_num_interop_threads(1)


class Same(nn.Module):
    """A convolution that pads so that ceil(size / stride) remains; an odd row goes to the end, as in TensorFlow."""

    def __init__(self, layer, in_channels):
        super().__init__()
        self.same = layer["padding"] == "same"
        size, stride = layer["size"], layer["stride"]
        symmetric = self.same and stride == 1
        self.conv = nn.Conv2d(
            in_channels,
            layer["filters"],
            size,
            stride,
            padding=size // 2 if symmetric else 0,
            bias=layer["bias"],
        )
        self.pad_by_hand = self.same and not symmetric

    def forward(self, x):
        if self.pad_by_hand:
            (size, _), (stride, _) = self.conv.kernel_size, self.conv.stride
            sides = []
            for length in (x.shape[3], x.shape[2]):
                extra = max((-(-length // stride) - 1) * stride + size - length, 0)
                sides += [extra // 2, extra - extra // 2]
            x = F.pad(x, sides)
        return self.conv(x)


class Residual(nn.Module):
    def __init__(self, body, shortcut):
        super().__init__()
        self.body, self.shortcut = body, shortcut

    def forward(self, x):
        return F.relu(self.body(x) + self.shortcut(x))


class GlobalAverage(nn.Module):
    def forward(self, x):
        return x.mean((2, 3))


class RowsOfPixels(nn.Module):
    """Flattens with the channels last, as the other runtimes do."""

    def forward(self, x):
        return x.permute(0, 2, 3, 1).flatten(1)


class Builder:
    def __init__(self, weights):
        self.weights, self.at = weights, 0

    def take(self, shape):
        length = 1
        for size in shape:
            length *= size
        values = self.weights[self.at : self.at + length].reshape(shape)
        self.at += length
        return values

    def build(self, layers, shape):
        made = []
        for layer in layers:
            kind = layer["kind"]
            if kind == "conv":
                height, width, channels = shape
                module = Same(layer, channels)
                size, filters = layer["size"], layer["filters"]
                values = self.take((size, size, channels, filters)).permute(3, 2, 0, 1)
                self.fill(module.conv, values)
                lost = 0 if layer["padding"] == "same" else size - 1
                stride = layer["stride"]
                shape = (-(-(height - lost) // stride), -(-(width - lost) // stride), filters)
            elif kind == "dense":
                module = nn.Linear(shape[0], layer["units"])
                self.fill(module, self.take((shape[0], layer["units"])).T)
                shape = (layer["units"],)
            elif kind == "batchNorm":
                module = nn.BatchNorm2d(shape[2])
            elif kind == "relu":
                module = nn.ReLU()
            elif kind == "maxPool":
                module = nn.MaxPool2d(2)
                shape = (shape[0] // 2, shape[1] // 2, shape[2])
            elif kind == "globalAvgPool":
                module = GlobalAverage()
                shape = (shape[2],)
            elif kind == "flatten":
                module = RowsOfPixels()
                shape = (shape[0] * shape[1] * shape[2],)
            else:
                body, after = self.build(layer["body"], shape)
                module = Residual(body, self.build(layer["shortcut"], shape)[0])
                shape = after
            made.append(module)
        return nn.Sequential(*made), shape

    @staticmethod
    def fill(module, values):
        with torch.no_grad():
            module.weight.copy_(values)
            if module.bias is not None:
                module.bias.zero_()


def floats(path):
    with open(path, "rb") as file:
        return torch.frombuffer(bytearray(file.read()), dtype=torch.float32)


class Task:
    def __init__(self, network, folder, rate, momentum):
        self.model, _ = Builder(floats(f"{folder}/weights")).build(network["layers"], tuple(network["input"]))
        images = floats(f"{folder}/x").reshape(network["batchSize"], *network["input"])
        self.x = images.permute(0, 3, 1, 2).contiguous()
        self.y = floats(f"{folder}/y").long()
        self.optimiser = torch.optim.SGD(self.model.parameters(), lr=rate, momentum=momentum)

    def step(self):
        self.optimiser.zero_grad()
        loss = F.cross_entropy(self.model(self.x), self.y)
        loss.backward()
        self.optimiser.step()
        return loss.item()


def main():
    task = None
    print(json.dumps({"version": torch.__version__}), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        if "network" in asked:
            task = Task(asked["network"], asked["folder"], asked["rate"], asked["momentum"])
            answer = {}
        else:
            now = time.process_time if asked["clock"] == "cpu" else time.perf_counter
            start = now()
            losses = [task.step() for _ in range(asked["steps"])]
            answer = {"milliseconds": (now() - start) * 1000 / asked["steps"], "losses": losses}
        print(json.dumps(answer), flush=True)


main()
