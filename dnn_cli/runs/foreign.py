"""What a file that dnn did not write is: from its first bytes, without ever loading it."""

from __future__ import annotations

_KINDS = (
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file (.h5, older Keras)"),
    (b"\x93NUMPY", "a NumPy array (.npy)"),
    (b"\x1f\x8b", "a gzip file"),
    (b"GGUF", "a GGUF file"),
    (b"version https://git-lfs", "a Git LFS pointer, not the file itself (run `git lfs pull`)"),
    (b"<", "a web page or XML"),
)


def kind_of(data: bytes) -> str:
    """A phrase such as `an HDF5 file`; `of an unknown kind` if nothing matches."""
    if not data:
        return "empty"
    if data[:2] == b"PK":
        return _archive(data)
    if data[:1] == b"\x80" and data[1:2] in b"\x02\x03\x04\x05":
        return "a pickle (PyTorch .pt, scikit-learn, joblib), which can run code when it is loaded"
    for start, kind in _KINDS:
        if data.startswith(start):
            return kind
    if len(data) < 10:
        return f"too short ({len(data)} bytes)"
    return "of an unknown kind"


def _archive(data: bytes) -> str:
    """Which zip file it is, by the name of its first member."""
    first = data[30:160]
    if b".pkl" in first:
        return "a PyTorch file (.pt), a zip of pickles, which can run code when it is loaded"
    if b".npy" in first:
        return "a NumPy archive (.npz)"
    if b"metadata.json" in first or b"config.json" in first:
        return "a Keras file (.keras)"
    return "a zip archive"
