"""Every part that a method or an evaluation looks at has rows, before anything is trained."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unlearn_cli.data.splits import more_validation_rows


@pytest.fixture
def pictures():
    """pictures(n): a folder of n pictures in each of two classes."""

    def make(count, place="pictures"):
        rng = np.random.default_rng(0)
        for name in ("cat", "dog"):
            folder = Path(place, name)
            folder.mkdir(parents=True)
            for number in range(count):
                Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(
                    folder / f"{number}.png"
                )
        return (
            "data=images",
            f"data.path=./{place}",
            "data.subset=null",
            "model=resnet20",
            "forget.fraction=0.5",
        )

    return make


def test_no_row_to_test_on(refused, pictures):
    assert refused(*pictures(2), "data.test_fraction=0.01").startswith(
        "data.test_fraction: 0 rows to test on, too few to be judged by; give more than 0.01 of each class"
    )
    assert not list(Path("outputs").rglob("status.json"))


def test_one_test_row_is_no_two_halves(refused, pictures):
    images = pictures(6)
    Path("pictures/dog/more.png").write_bytes(Path("pictures/dog/0.png").read_bytes())
    few = ("data.test_fraction=0.08", "data.val_fraction=0", "data.duplicates=allow")
    assert "1 rows to test on, too few" in refused(*images, *few)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (
            "data.val_fraction=0.9999",
            "data.val_fraction: 0.9999 leaves no row of 0, 1, 2 and 7 more to train on",
        ),
        ("data.test_fraction=0.9999", "data.test_fraction: 0.9999 leaves no row of some class to train on"),
        ("data.test_fraction=0.0001", "data.test_fraction: 0 rows to test on"),
        ("data.std=[inf]", "data.std.0: input should be a finite number, got inf"),
        ("data.std=[nan]", "data.std.0: input should be"),
        ("data.mean=[1e30]", "data.mean.0: input should be less than or equal to 1"),
        ("data.mean=[-0.1]", "data.mean.0: input should be greater than or equal to 0"),
    ],
)
def test_what_leaves_nothing_to_learn_or_to_judge_by(refused, wrong, said):
    assert said in refused(wrong)


def test_nothing_of_the_retained_is_tested(refused, pictures):
    images = pictures(6, "pictures/train")
    pictures(3, "pictures/test")
    for name in ("cat", "dog"):
        Path(f"pictures/test/{name}/2.png").unlink()
    for file in Path("pictures/test/dog").iterdir():
        file.unlink()
    whole = ("data.path=./pictures", "forget=class", "forget.classes=[cat]", "data.duplicates=allow")
    said = refused(*[value for value in images if value != "forget.fraction=0.5"], *whole)
    assert (
        said == "forget: 0 of 2 test rows are of what is to be retained, too few to be judged by; forget less"
    )


def test_where_more_validation_rows_come_from():
    assert "data.val_fraction=0.1" in more_validation_rows(0.1, brought=False)
    own = more_validation_rows(0.1, brought=True)
    assert "model.trained_on" in own
    assert "data.val_fraction" not in own


def test_values_of_no_tuning(refused):
    assert refused("values=classification/digits/random/ga").startswith("values: chooses among the values in")
