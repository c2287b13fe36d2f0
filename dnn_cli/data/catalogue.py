"""The data sets that have a name: which there are, whose they are, and how to know their bytes.

The checksums are of the unpacked files. MNIST's were computed from the published files;
Fashion-MNIST's agree among several publications of them and with the files that Debian packages.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CachedFile:
    """One file of a data set, by the bytes it unpacks to."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class CachedSet:
    """A data set of four IDX files, and where they are."""

    name: str
    title: str
    licence: str
    mirrors: tuple[str, ...]
    files: tuple[CachedFile, ...]  # train images, train labels, test images, test labels


def _idx_files(*checksums: str) -> tuple[CachedFile, ...]:
    names = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
    sizes = (16 + 60_000 * 784, 8 + 60_000, 16 + 10_000 * 784, 8 + 10_000)
    each = zip(names, sizes, checksums, strict=True)
    return tuple(CachedFile(f"{name}-ubyte", size, checksum) for name, size, checksum in each)


CACHED: dict[str, CachedSet] = {
    "mnist": CachedSet(
        "mnist",
        "MNIST: handwritten digits, 60,000 + 10,000 images of 28x28",
        "CC BY-SA 3.0, Y. LeCun, C. Cortes and C. J. C. Burges",
        (
            "https://storage.googleapis.com/cvdf-datasets/mnist",
            "https://ossci-datasets.s3.amazonaws.com/mnist",
        ),
        _idx_files(
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
    ),
    "fashion_mnist": CachedSet(
        "fashion_mnist",
        "Fashion-MNIST: articles of clothing, 60,000 + 10,000 images of 28x28",
        "MIT, Zalando SE; H. Xiao, K. Rasul and R. Vollgraf, 2017",
        (
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion",
            "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion",
        ),
        _idx_files(
            "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        ),
    ),
}

_CC_BY = "CC BY 4.0, UCI Machine Learning Repository"
SHIPPED: dict[str, tuple[str, str]] = {  # title, licence
    "digits": (
        "Digits: handwritten digits, 1,797 images of 8x8",
        f"{_CC_BY}; E. Alpaydin and C. Kaynak, 1998",
    ),
    "iris": ("Iris: 150 flowers of three species", f"{_CC_BY}; R. A. Fisher, 1936"),
    "wine": (
        "Wine: 178 wines of three cultivars",
        f"{_CC_BY}; S. Aeberhard and M. Forina, 1991",
    ),
}
