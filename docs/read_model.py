#!/usr/bin/env python3
"""Read an exported energy model with PyTorch: the whole network in one file, to judge a model with tools of your own.

    pip install torch pillow numpy
    python read_model.py models/fashion PICTURE.png ...     # each picture's energy, and how far one denoising jump moves it
    python read_model.py REFERENCE.safetensors              # compare with energies and gradients that a file brings

In a program of your own:

    model = read_model.load("models/fashion")
    energy, gradient = model.energy_and_gradient(x)         # x: [N, C, H, W], pixels in 0..1, framed to the network's size
    denoised = x - model.sigma_0 ** 2 * gradient            # one jump
"""

import argparse
import json
import struct
import sys
from pathlib import Path

import torch
import torch.nn.functional as F

ACTIVATIONS = {"elu": F.elu, "silu": F.silu}
DTYPES = {"F16": torch.float16, "F32": torch.float32, "F64": torch.float64}


def read_safetensors(path):
    """All tensors of a file, and the words beside them. (https://github.com/huggingface/safetensors)"""
    content = Path(path).read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    words = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        first, end = (8 + length + offset for offset in entry["data_offsets"])
        dtype = DTYPES[entry["dtype"]]
        values = torch.frombuffer(bytearray(content[first:end]), dtype=dtype) if end > first else torch.empty(0, dtype=dtype)
        tensors[name] = values.reshape(entry["shape"])
    return tensors, words


class EnergyModel:
    """E(x) of images `[N, C, H, W]`, of any of the project's networks. It is never given the noise level."""

    def __init__(self, weights, preset, activation, sigma_0):
        self.weights, self.preset, self.sigma_0 = weights, preset, float(sigma_0)
        self.s = ACTIVATIONS[activation]

    def count(self, list_name):
        return 1 + max(int(name.split(".")[1]) for name in self.weights if name.startswith(f"{list_name}."))

    def convolve(self, name, x):
        weight = self.weights[f"{name}.weight"]
        return F.conv2d(x, weight, self.weights.get(f"{name}.bias"), padding=weight.shape[-1] // 2)

    def block(self, name, x, halve=False):
        main = self.convolve(f"{name}.conv2", self.s(self.convolve(f"{name}.conv1", self.s(x))))
        if halve:
            main, x = F.avg_pool2d(main, 2), F.avg_pool2d(x, 2)
        return main + self.convolve(f"{name}.shortcut", x)

    def reconstruction(self, x):
        """What the U-Net makes of images, f(x)."""
        scales = self.count("down")
        features, skips = self.convolve("stem", x), []
        for scale in range(scales):
            if scale > 0:
                skips.append(features)
                features = F.avg_pool2d(features, 2)
            features = self.block(f"down.{scale}", features)
        features = self.block("middle", features)
        for step in range(scales - 1):
            larger = F.interpolate(features, scale_factor=2, mode="nearest")
            features = self.block(f"up.{step}", torch.cat([skips.pop(), larger], dim=1))
        return self.convolve("out", self.s(features))

    def energy(self, x):
        """Energies `[N]`."""
        if self.preset.startswith("res"):
            blocks = self.count("blocks")
            features = self.convolve("stem", x)
            for index in range(blocks):
                # Three stages, each of which begins with half of the side.
                features = self.block(f"blocks.{index}", features, halve=index % (blocks // 3) == 0)
            h = features.flatten(1)
            a, c, e = (
                lambda h, n=name: F.linear(h, self.weights[f"head.{n}.weight"], self.weights[f"head.{n}.bias"])[:, 0]
                for name in ("linear1", "linear2", "square")
            )
            return a(h) * c(h) + e(h * h)
        residual = x - self.reconstruction(x)
        return residual.square().flatten(1).sum(1) / (2 * self.sigma_0**2)

    def energy_and_gradient(self, x):
        """Energies `[N]` and their gradient, with the images' shape."""
        x = x.detach().requires_grad_()
        energy = self.energy(x)
        (gradient,) = torch.autograd.grad(energy.sum(), x)
        return energy.detach(), gradient


def load(folder, dtype=torch.float64):
    """The model of a folder that `trainer export` wrote, without its guide."""
    card = json.loads((Path(folder) / "model.json").read_text())
    tensors, _ = read_safetensors(Path(folder) / card["weights"]["file"])
    weights = {name: tensor.to(dtype) for name, tensor in tensors.items() if not name.startswith("guide.")}
    model = EnergyModel(weights, card["preset"], card["activation"], card["sigma_0"])
    model.channels, model.image_size, model.data_size = card["channels"], card["image_size"], card["data"]["size"]
    return model


def picture(path, model):
    """A picture as the model sees it, `[1, C, H, W]`: its own size where it has it, and a frame of zeros around it."""
    import numpy as np
    from PIL import Image

    with Image.open(path) as file:
        file = file.convert("L" if model.channels == 1 else "RGB")
        if file.size != (model.data_size, model.data_size):
            raise SystemExit(f"{path}: {file.width}x{file.height} pixels, where the model has {model.data_size}x{model.data_size}")
        pixels = torch.from_numpy(np.array(file, dtype="float64") / 255).reshape(model.data_size, model.data_size, -1)
    before = (model.image_size - model.data_size) // 2
    after = model.image_size - model.data_size - before
    return F.pad(pixels.permute(2, 0, 1)[None], (before, after, before, after))


def compare(path):
    """Largest relative difference to the energies and gradients of a file of the project's tests."""
    tensors, words = read_safetensors(path)
    tensors = {name: tensor.to(torch.float64) for name, tensor in tensors.items()}
    model = EnergyModel(tensors, words["preset"], words["activation"], words["sigma_0"])
    found = model.energy_and_gradient(tensors["input.x"])
    for name, value in zip(("energy", "energy_gradient"), found):
        wanted = tensors[f"expect.{name}"]
        print(f"{path}: {name}: largest difference {float((value - wanted).abs().max() / wanted.abs().max()):.1e}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="the folder of an exported model, or a reference file")
    parser.add_argument("pictures", nargs="*", help="pictures of the model's own size")
    arguments = parser.parse_args()
    if Path(arguments.model).is_file():
        return compare(arguments.model)
    model = load(arguments.model)
    for path in arguments.pictures:
        energy, gradient = model.energy_and_gradient(picture(path, model))
        distance = model.sigma_0**2 * gradient.square().mean().sqrt()
        print(f"{path}: energy {energy.item():.3f}, one jump moves a pixel by {distance.item():.4f} (root mean square)")
    return None


if __name__ == "__main__":
    sys.exit(main())
