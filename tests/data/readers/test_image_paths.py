"""Folders of images: order, what is left out, empty classes, and parts."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from dnn_cli.base.errors import DataError
from dnn_cli.data.readers.image_paths import ImagePaths, image_paths, natural

Tree = Callable[..., Path]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """Makes empty files, and folders of names that end in a slash."""

    def make(*names: str) -> Path:
        for name in names:
            path = tmp_path / "set" / name
            (path if name.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
            if not name.endswith("/"):
                path.write_bytes(b"")
        return tmp_path / "set"

    return make


def names_of(found: ImagePaths, root: Path) -> list[str]:
    return [str(Path(path).relative_to(root)) for path in found.paths]


def refusal(root: Path, labelled: bool = True) -> str:
    with pytest.raises(DataError) as caught:
        image_paths(root, labelled)
    [problem] = caught.value.problems
    text = f"{problem.what}\n{problem.why}\n{problem.fix}"
    return text.replace(f"{root.parent}/", "")


def test_order_is_that_of_people(tree: Tree) -> None:
    """`sort -V` of GNU coreutils gives the same order of these names."""
    ordered = ["a.png", "cam1.png", "cam2.png", "cam02.png", "cam10.png", "cam10b2.png"]
    ordered += ["cam10b10.png", "cam100.png", "x0.5.png", "x0.10.png"]
    root = tree(*reversed(ordered))
    found = names_of(image_paths(root, False), root)
    assert [n for n in found if n != "cam02.png"] == [n for n in ordered if n != "cam02.png"]
    assert sorted(found[2:4]) == ["cam02.png", "cam2.png"]  # equal numbers stay side by side


def test_order_begins_with_numbers_and_has_no_ties() -> None:
    names = ["10.png", "9.png", "007.png", "7.png", "B.png", "a.png", "²3.png", "9" * 250]
    first = sorted(names, key=natural)
    assert first[:4] == ["007.png", "7.png", "9.png", "10.png"]
    assert first.index("B.png") < first.index("a.png")
    assert all(sorted(order, key=natural) == first for order in (names[::-1], sorted(names)))


def test_folders_of_classes_are_ordered_alike(tree: Tree) -> None:
    root = tree("class10/1.png", "class2/10.png", "class2/9.png")
    found = image_paths(root, True)
    assert names_of(found, root) == ["class2/9.png", "class2/10.png", "class10/1.png"]
    assert found.labels == ["class2", "class2", "class10"]
    assert found.parts is None and found.notes == []


SYSTEM = [".DS_Store", "Thumbs.db", "THUMBS.DB", "desktop.ini", "x/.a.png", "x/Thumbs.db"]
SYSTEM += [".git/c.png", "__MACOSX/x/._a.png", "x/.ipynb_checkpoints/a-checkpoint.png"]


def test_what_systems_leave_behind_is_counted(tree: Tree) -> None:
    root = tree("x/a.png", "y/b.png", *SYSTEM)
    found = image_paths(root, True)
    assert names_of(found, root) == ["x/a.png", "y/b.png"]
    [note] = found.notes
    assert f"left out of `{root}`: 9 hidden or system file(s)" in note


@pytest.mark.parametrize(
    "names", [("a.png", "notes.txt", "b.heic", "c"), ("x/a.png", "notes.txt", "x/b.heic", "x/c")]
)
def test_files_that_are_no_images_are_left_out_with_one_note(
    tree: Tree, names: tuple[str, ...]
) -> None:
    """Also beside the folders of classes, where a list of labels or a licence may lie."""
    root = tree(*names, ".hidden")
    found = image_paths(root, labelled="/" in names[0])
    assert len(found.paths) == 1
    [note] = found.notes
    assert "1 hidden" in note
    assert "3 file(s) that are no images by name (b.heic, c, notes.txt)" in note


def test_names_left_out_are_shown_safely_and_few(tree: Tree) -> None:
    root = tree("a.png", *(f"{i}\x1b.txt" for i in range(30)))
    [note] = image_paths(root, False).notes
    assert "\x1b" not in note and "0\\x1b.txt" in note and "and 25 more" in note


def test_I02_a_class_without_images_does_not_vanish(tree: Tree) -> None:
    root = tree("x/a.png", "y/", "z/.hidden", "z/notes.txt")
    message = refusal(root)
    assert "holds folders of classes without images: y, z" in message
    assert "put images into them, or remove them" in message and "notes.txt" in message
    found = image_paths(root, False)
    assert names_of(found, root) == ["x/a.png"]
    assert found.notes[0] == f"no images in y, z of `{root}`"


@pytest.mark.parametrize("names", [(), ("notes.txt",), ("x/", "y/"), ("x/a.txt",)])
def test_I02_no_images_at_all(tree: Tree, names: Iterable[str]) -> None:
    root = tree("./", *names)
    assert "holds no images" in refusal(root, False)
    assert "images" in refusal(root, True)


PARTS = [
    ({"train": "train", "val": "valid", "test": "test"}),
    ({"train": "train", "valid": "valid"}),
    ({"Train": "train", "VALIDATION": "valid", "Testing": "test"}),
    ({"training": "train", "test": "test"}),
    ({"train": "train", "dev": "valid"}),
]


@pytest.mark.parametrize("folders", PARTS)
def test_parts_by_their_folders(tree: Tree, folders: dict[str, str]) -> None:
    files = [f"{part}/{kind}/{i}.png" for part in folders for kind in "ab" for i in (10, 9)]
    root = tree(*reversed(files), ".cache/x", "README.md")
    found = image_paths(root, True)
    order = [f"{part}/{kind}/{i}.png" for part in folders for kind in "ab" for i in (9, 10)]
    assert names_of(found, root) == order
    assert found.labels == ["a", "a", "b", "b"] * len(folders)
    assert found.parts == [kind for kind in folders.values() for _ in range(4)]


@pytest.mark.parametrize(
    "names",
    [
        ("train/a.png", "plane/b.png"),  # a railway and an airport
        ("train/1.png", "trains/b.png"),
        ("val/a.png", "test/b.png"),  # without a training part
    ],
)
def test_folders_that_only_sound_like_parts_are_classes(tree: Tree, names: tuple[str]) -> None:
    found = image_paths(tree(*names), True)
    assert found.parts is None
    assert found.labels is not None and set(found.labels) == {n.split("/")[0] for n in names}


BOTH = ("train/a/1.png", "train/b/1.png", "val/a/1.png", "val/b/1.png")


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ((*BOTH, "val/c/1.png"), "`set/val` holds classes that `set/train` lacks: c"),
        ((*BOTH, "valid/a/1.png"), "holds folders that mean the same part: val, valid"),
        ((*BOTH, "train/c/"), "classes without images: train/c"),
        ((*BOTH, "test/1.png"), "`set/test` is a part, as its name says, but holds no folders"),
        ((*BOTH, "test/"), "`set/test` is a part"),
        ((*BOTH, "test/a/"), "`set/test` holds no images"),
        ((*BOTH, "test/a/1.png", "test/2.png"), "holds folders (a) and images (2.png)"),
        ((*BOTH, "test/a/deep/1.png"), "is the folder of a class, but holds folders (deep)"),
        ((*BOTH, "extra/a/1.png"), "is the folder of a class, but holds folders"),
        ((*BOTH, "1.png"), "holds folders (train, val) and images (1.png)"),
        (("train/1.png", "test/2.png"), "put the images of each class into a folder"),
    ],
)
def test_I03_parts_that_do_not_agree(tree: Tree, names: tuple[str, ...], said: str) -> None:
    assert said in refusal(tree(*names))


def test_I03_a_class_that_a_part_lacks_is_named(tree: Tree) -> None:
    root = tree(*BOTH, "train/c2/1.png", "train/c10/1.png", "val/c10/", "val/d/")
    found = image_paths(root, True)
    assert found.notes == [f"no images of c2, c10, d in `{root / 'val'}`"]


def test_parts_without_labels(tree: Tree) -> None:
    root = tree("train/1.png", "train/2.png", "val/3.png")
    found = image_paths(root, False)
    assert found.labels is None and found.parts == ["train", "train", "valid"]


def test_hostile_names_of_parts(tree: Tree) -> None:
    root = tree(*BOTH, "val/\x1b[31m/1.png")
    assert "\x1b" not in refusal(root)
    os.mkdir(os.fsencode(root) + b"/train/\xff")
    (root / "train" / os.fsdecode(b"\xff") / "a.png").write_bytes(b"")
    assert "not UTF-8" in refusal(root)
