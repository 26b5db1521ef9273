"""What others make of the pictures that `trainer experiment restoration` restores: python3 restoration.py FOLDER

Reads truths.npy and known-*.npy of the experiment's folder and prints peak signal-to-noise ratios in dB with standard errors, as the
experiment does. Needs numpy, scipy, scikit-image and opencv-python-headless. Where a method has a strength, a picture is restored with
that which is best for all other pictures.
"""

import pathlib
import sys

import cv2
import numpy as np
from scipy.fft import dctn, idctn
from scipy.ndimage import gaussian_filter
from skimage.restoration import denoise_nl_means, denoise_tv_chambolle, inpaint_biharmonic


class Pixels:
    """Some are known; the others are not a number."""

    def __init__(self, known, shape, task):
        self.known, self.lost = known, np.isnan(known)

    def begin(self):
        return inpaint_biharmonic(np.nan_to_num(self.known), self.lost.any(-1), channel_axis=-1)

    def correct(self, x):
        return np.where(self.lost, x, self.known)

    def opencv(self, method):
        picture = np.round(np.nan_to_num(self.known) * 255).astype(np.uint8)
        filled = cv2.inpaint(picture.squeeze(), self.lost.any(-1).astype(np.uint8), 3, method)
        return self.correct(filled.reshape(picture.shape) / 255)


class Blocks:
    """The means of blocks are known."""

    def __init__(self, known, shape, task):
        self.known, self.shape, self.side = known, shape, int(task.split("-")[1])

    def spread(self, means):
        return means.repeat(self.side, 0).repeat(self.side, 1)[: self.shape[0], : self.shape[1]]

    def begin(self):
        # The last blocks may reach beyond the picture.
        whole = (self.known.shape[1] * self.side, self.known.shape[0] * self.side)
        enlarged = cv2.resize(self.known.squeeze(), whole, interpolation=cv2.INTER_LANCZOS4)
        return enlarged[: self.shape[0], : self.shape[1]].reshape(self.shape)

    def correct(self, x):
        at = [np.arange(0, length, self.side) for length in self.shape[:2]]
        sums = np.add.reduceat(np.add.reduceat(x, at[0], 0), at[1], 1)
        ones = np.ones(self.shape)
        counts = np.add.reduceat(np.add.reduceat(ones, at[0], 0), at[1], 1)
        return x + self.spread(self.known - sums / counts)


class Blurred:
    """The picture is known under a blur, in cosines."""

    def __init__(self, known, shape, task):
        self.known, deviation = known, float(task.rsplit("-", 1)[1])
        point = np.zeros(shape)
        point[0, 0] = 1
        spectrum = dctn(gaussian_filter(point, (deviation, deviation, 0), mode="reflect", truncate=6), axes=(0, 1), norm="ortho")
        self.response = spectrum / dctn(point, axes=(0, 1), norm="ortho")

    def begin(self):
        return self.known

    def filtered(self, x, filter_):
        return idctn(dctn(x, axes=(0, 1), norm="ortho") * filter_, axes=(0, 1), norm="ortho")

    def wiener(self, strength):
        return self.filtered(self.known, self.response / (self.response**2 + strength))

    def blur(self, x):
        return self.filtered(x, self.response)

    def correct(self, x):
        # As far as the blur lets it through the rounding to 256 values.
        return self.filtered(x, 1 - self.response**2 / (self.response**2 + 1e-3)) + self.wiener(1e-3)

    def richardson_lucy(self, iterations):
        found = np.full_like(self.known, 0.5)
        for _ in range(iterations):
            found = found * self.blur(self.known / np.maximum(self.blur(found), 1e-6))
        return found


def in_turn(problem, denoise):
    """Steps of a denoiser and steps back to what is known, in turn."""
    x = problem.begin()
    for _ in range(100):
        x = problem.correct(denoise(x))
    return x


def total_variation(problem, strength):
    return in_turn(problem, lambda x: denoise_tv_chambolle(x, strength, channel_axis=-1))


def non_local_means(problem, strength):
    """Patches of 5x5 pixels, each compared with those up to 11 pixels away."""
    return in_turn(problem, lambda x: denoise_nl_means(x, 5, 11, strength, channel_axis=-1).reshape(x.shape))


DENOISERS = [
    ("total variation", total_variation, [0.01, 0.03, 0.1, 0.3]),
    ("non-local means", non_local_means, [0.01, 0.03, 0.1, 0.3]),
]
METHODS = {
    Pixels: [
        ("biharmonic", lambda problem, _: problem.begin(), [0]),
        ("Navier-Stokes", lambda problem, _: problem.opencv(cv2.INPAINT_NS), [0]),
        ("Telea", lambda problem, _: problem.opencv(cv2.INPAINT_TELEA), [0]),
        *DENOISERS,
    ],
    Blocks: [("Lanczos", lambda problem, _: problem.begin(), [0]), *DENOISERS],
    Blurred: [
        ("Wiener", Blurred.wiener, [1e-6, 1e-5, 1e-4, 1e-3, 1e-2]),
        ("Richardson-Lucy", Blurred.richardson_lucy, [10, 30, 100, 300, 1000]),
        *DENOISERS,
    ],
}
KINDS = {"fill": Pixels, "enlarge": Blocks, "sharpen": Blurred}


def error(method, problem, truth, strength):
    return ((method(problem, strength).clip(0, 1) - truth) ** 2).mean()


def left_out(errors):
    """Of each picture, its error with the strength that is best for the others. errors: a row for each strength."""
    of_others = errors.sum(1, keepdims=True) - errors
    return np.take_along_axis(errors, of_others.argmin(0)[None], 0)[0]


def ratio(errors):
    """The ratio of a mean squared error, and its standard error."""
    mean, standard = errors.mean(), errors.std(ddof=1) / np.sqrt(len(errors))
    return f"{-10 * np.log10(mean):.1f} ± {10 / np.log(10) * standard / mean:.1f}"


folder = pathlib.Path(sys.argv[1])
truths = np.load(folder / "truths.npy").astype(np.float64)
print("| task | method | dB |\n| --- | --- | --- |")
for path in sorted(folder.glob("known-*.npy")):
    task = path.stem.removeprefix("known-")
    kind = KINDS[task.split("-")[0]]
    problems = [kind(known, truths.shape[1:], task) for known in np.load(path).astype(np.float64)]
    for name, method, strengths in METHODS[kind]:
        tried = [[error(method, *pair, strength) for pair in zip(problems, truths)] for strength in strengths]
        print(f"| {task.replace('-', ' ')} | {name} | {ratio(left_out(np.array(tried)))} |", flush=True)
