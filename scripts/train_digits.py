"""Train the net behind `--model digits`, and write it with its data.

A small convolutional net with BatchNorm and a residual, on the handwritten digits that scikit-learn
ships (UCI's Optical Recognition of Handwritten Digits, CC BY 4.0: 1797 images of 8x8, values 0 to
16). A third is held out and never trained on: it is what `--check-on digits` judges on. Seconds on
one core; the same bits each time on one machine with one version of PyTorch.

examples:
  %(prog)s                      write instruments/inputs/digits.npz anew, and say how good it is
  %(prog)s --out /tmp/mine.npz

needs torch and scikit-learn in this Python.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np

from tvmq_diag.commands import cli
from tvmq_diag.errors import UsageError

OUT = Path(__file__).resolve().parent.parent / "instruments" / "inputs" / "digits.npz"
SEED = 0
EPOCHS = 40
BATCH = 64
CALIBRATION = 128
"""Images of the trained part that go into the file, to calibrate on."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("--out", type=Path, default=OUT, metavar="FILE", help="where to write")


def run(options: argparse.Namespace) -> int:
    """Train and write; returns 0. Raises UsageError without PyTorch or scikit-learn."""
    try:
        import torch
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise UsageError(f"{error}: pip install torch scikit-learn") from error
    digits = load_digits()
    images = digits.images.astype(np.uint8)
    labels = digits.target.astype(np.uint8)
    order = np.random.default_rng(SEED).permutation(len(labels))
    held, trained = np.split(order, [len(labels) // 3])
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    net = _net(torch)
    _train(torch, net, images[trained], labels[trained])
    right = _predicted(torch, net, images[held]) == labels[held]
    print(f"top-1 on the {len(held)} images held out: {right.mean():.4f}")
    weights = {
        name: value.numpy()
        for name, value in net.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    np.savez_compressed(
        options.out,
        held_images=images[held],
        held_labels=labels[held],
        calibration_images=images[trained[:CALIBRATION]],
        **weights,
    )
    print(f"{options.out}: {options.out.stat().st_size} bytes")
    return 0


def _net(torch: Any) -> Any:
    """See instruments.inputs.digits.net, which builds the same one of the names given here."""
    nn = torch.nn

    def convolution(inputs: int, outputs: int) -> Any:
        return nn.ModuleDict(
            {
                "conv": nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
                "norm": nn.BatchNorm2d(outputs),
            }
        )

    class Net(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.first = convolution(1, 16)
            self.second = convolution(16, 32)
            self.inner = convolution(32, 32)
            self.outer = convolution(32, 32)
            self.last = convolution(32, 48)
            self.scores = nn.Linear(48, 10)

        def forward(self, x: Any) -> Any:
            relu = nn.functional.relu
            x = relu(_apply(self.first, x))
            x = relu(_apply(self.second, x))
            x = relu(x + _apply(self.outer, relu(_apply(self.inner, x))))
            x = nn.functional.max_pool2d(x, 2)
            x = relu(_apply(self.last, x))
            return self.scores(x.mean((2, 3)))

    return Net()


def _apply(layers: Any, x: Any) -> Any:
    return layers["norm"](layers["conv"](x))


def _train(torch: Any, net: Any, images: np.ndarray, labels: np.ndarray) -> None:
    """Stochastic gradient descent, each batch moved by up to a pixel."""
    x, y = _tensor(torch, images), torch.tensor(labels.astype(np.int64))
    generator = torch.Generator().manual_seed(SEED)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-3)
    batches = len(y) // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=EPOCHS * batches)
    net.train()
    for _ in range(EPOCHS):
        order = torch.randperm(len(y), generator=generator)
        for number in range(batches):
            chosen = order[number * BATCH : (number + 1) * BATCH]
            moved = _moved(torch, x[chosen], generator)
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(net(moved), y[chosen]).backward()
            optimizer.step()
            schedule.step()
    net.eval()


def _moved(torch: Any, x: Any, generator: Any) -> Any:
    shift = torch.randint(-1, 2, (2,), generator=generator).tolist()
    padded = torch.nn.functional.pad(x, (1, 1, 1, 1))
    return torch.roll(padded, shift, (2, 3))[:, :, 1:-1, 1:-1]


def _predicted(torch: Any, net: Any, images: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        answer: np.ndarray = net(_tensor(torch, images)).argmax(1).numpy()
    return answer


def _tensor(torch: Any, images: np.ndarray) -> Any:
    """As the net takes them: float32 [N, 1, 8, 8], 0 to 1."""
    return torch.tensor(images[:, None].astype(np.float32) / 16)


if __name__ == "__main__":
    sys.exit(cli.script(sys.modules[__name__]))
