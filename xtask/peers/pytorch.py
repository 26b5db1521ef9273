"""Times PyTorch on the networks of `trainer bench`: the same energies, the energy gradient by one backward pass, the training
step by a double backward pass. Prints one JSON object. Run by `cargo xtask bench`, with one network a process, so that the peak
memory is that network's."""

import argparse
import json
import statistics
import time

import torch
import torch.nn.functional as F
from torch import nn


def peak_memory():
    """Bytes, or None where the system does not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def conv(channels_in, channels_out, kernel, bias=True):
    return nn.Conv2d(channels_in, channels_out, kernel, padding=kernel // 2, bias=bias)


class Block(nn.Module):
    def __init__(self, channels_in, channels_between, channels_out, activation, first_bias, halve=False):
        super().__init__()
        self.conv1 = conv(channels_in, channels_between, 3, bias=first_bias)
        self.conv2 = conv(channels_between, channels_out, 3)
        self.shortcut = conv(channels_in, channels_out, 1)
        self.activation = activation
        self.halve = halve

    def forward(self, v):
        main = self.conv2(self.activation(self.conv1(self.activation(v))))
        if self.halve:
            return F.avg_pool2d(main, 2) + self.shortcut(F.avg_pool2d(v, 2))
        return main + self.shortcut(v)


class ResNet(nn.Module):
    def __init__(self, width, blocks, channels, side):
        super().__init__()
        self.stem = conv(channels, width, 3)
        layers = []
        for _ in range(3):
            for index in range(blocks):
                out = 2 * width if index == 0 else width
                layers.append(Block(width, width, out, F.elu, False, halve=index == 0))
                width = out
        self.blocks = nn.Sequential(*layers)
        features = width * (side // 8) ** 2
        self.linear1, self.linear2, self.square = (nn.Linear(features, 1) for _ in range(3))

    def forward(self, x):
        h = self.blocks(self.stem(x)).flatten(1)
        return (self.linear1(h) * self.linear2(h) + self.square(h * h)).squeeze(1)


class UNet(nn.Module):
    def __init__(self, width, scales, channels, activation, sigma_0=0.1):
        super().__init__()
        widths = [width << min(scale, 2) for scale in range(scales)]

        def block(channels_in, channels_out):
            return Block(channels_in, channels_out, channels_out, activation, True)

        self.stem = conv(channels, width, 3)
        self.down = nn.ModuleList(block(above, here) for above, here in zip([width, *widths], widths))
        self.middle = block(widths[-1], widths[-1])
        self.up = nn.ModuleList(block(here + below, here) for here, below in reversed(list(zip(widths, widths[1:]))))
        self.out = conv(width, channels, 3)
        self.activation = activation
        self.sigma_0 = sigma_0

    def forward(self, x):
        h, skips = self.down[0](self.stem(x)), []
        for block in self.down[1:]:
            skips.append(h)
            h = block(F.avg_pool2d(h, 2))
        h = self.middle(h)
        for block in self.up:
            h = block(torch.cat([skips.pop(), F.interpolate(h, scale_factor=2)], 1))
        r = x - self.out(self.activation(h))
        return (r * r).flatten(1).sum(1) / (2 * self.sigma_0**2)


def scales(least, lowest, side):
    """Further scales for larger images, while the side can be halved and the lowest stays that large."""
    count = least
    while side % (1 << count) == 0 and side >> count >= lowest:
        count += 1
    return count


def median_seconds(work, device, warm_up=2, repetitions=7):
    seconds = []
    for repetition in range(warm_up + repetitions):
        begun = time.perf_counter()
        work()
        if device == "cuda":
            torch.cuda.synchronize()
        if repetition >= warm_up:
            seconds.append(time.perf_counter() - begun)
    return statistics.median(seconds)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--preset", choices=["res6", "res12", "res18", "unet", "unet4"], required=True)
    parser.add_argument("--width", type=int, required=True)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--image-size", type=int, default=32)
    parser.add_argument("--channels", type=int, default=1)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--layout", choices=["contiguous", "channels_last"], required=True)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    # In 32 bits, as the trainer computes.
    torch.backends.cudnn.allow_tf32 = False
    if options.preset == "unet":
        net = UNet(options.width, scales(3, 8, options.image_size), options.channels, F.silu)
    elif options.preset == "unet4":
        net = UNet(options.width, scales(4, 4, options.image_size), options.channels, F.elu)
    else:
        blocks = {"res6": 1, "res12": 2, "res18": 3}[options.preset]
        net = ResNet(options.width, blocks, options.channels, options.image_size)
    net = net.to(options.device)
    shape = (options.batch, options.channels, options.image_size, options.image_size)
    clean, noise = torch.rand(shape, device=options.device), torch.randn(shape, device=options.device)
    if options.layout == "channels_last":
        net = net.to(memory_format=torch.channels_last)
        clean, noise = (t.contiguous(memory_format=torch.channels_last) for t in (clean, noise))
    sigma = torch.logspace(-1.3, 0.3, options.batch, device=options.device).reshape(-1, 1, 1, 1)

    def energy_gradient():
        x = clean.detach().requires_grad_()
        # Inference: the weights need no gradient.
        torch.autograd.grad(net(x).sum(), x)

    def training_step():
        x = (clean + sigma * noise).requires_grad_()
        gradient = torch.autograd.grad(net(x).sum(), x, create_graph=True)[0]
        residual = (clean - x.detach() + 0.01 * gradient) / sigma
        loss = residual.square().flatten(1).sum(1).mean()
        # The constant term of the energy has no part in its gradient.
        torch.autograd.grad(loss, list(net.parameters()), allow_unused=True)

    training = median_seconds(training_step, options.device)
    peak = peak_memory()
    net.requires_grad_(False)
    inference = median_seconds(energy_gradient, options.device)
    print(
        json.dumps(
            {
                "version": torch.__version__,
                "energy_gradient": options.batch / inference,
                "training_step": options.batch / training,
                "peak_memory": peak,
            }
        )
    )


if __name__ == "__main__":
    main()
