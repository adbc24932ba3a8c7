"""Objects of four formats, and what is none: nothing in these files is trusted."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from eyeshot.errors import DataError
from eyeshot.read.annotations.finding import boxes_at

VOC = """<annotation><size><width>{w}</width><height>{h}</height><depth>3</depth></size>
<object><name>cat</name><bndbox><xmin>10</xmin><ymin>20</ymin><xmax>110</xmax><ymax>60</ymax></bndbox>
<part><bndbox><xmin>0</xmin><ymin>0</ymin><xmax>1</xmax><ymax>1</ymax></bndbox></part></object>
<object><name>dot</name><bndbox><xmin>5</xmin><ymin>5</ymin><xmax>5</xmax><ymax>9</ymax></bndbox></object></annotation>"""
BOMB = (
    '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>'
    "<annotation><size><width>&b;</width></size></annotation>"
)


def coco(path: Path, annotations: list[object], images: list[object]) -> Path:
    path.write_text(json.dumps({"annotations": annotations, "images": images, "info": {"year": 2017}}))
    return path


def test_coco_boxes_follow_their_images_and_the_rest_is_counted(tmp_path: Path) -> None:
    file = coco(
        tmp_path / "instances.json",
        [
            {"image_id": 1, "bbox": [0, 0, 64, 32], "iscrowd": 0, "segmentation": [[1, 2, 3]]},
            {"image_id": 2, "bbox": [5, 5, 10.5, 20]},
            {"image_id": 1, "bbox": [0, 0, 0, 9]},
            {"image_id": 1, "bbox": [0, 0, -3, 9]},
            {"image_id": 1, "bbox": [0, 0, 300, 300], "iscrowd": 1},
            {"image_id": 99, "bbox": [0, 0, 5, 5]},
            {"image_id": 1, "bbox": [0, 0, None, 5]},
            {"image_id": 1},
        ],
        [{"id": 1, "width": 640, "height": 480}, {"id": 2, "width": 100, "height": 320}],
    )

    boxes = boxes_at(file, (320, 320))

    assert boxes.longer == [32, 20]
    assert boxes.shorter == [16, 10.5]
    assert boxes.left_out == {
        "without an extent": 2,
        "crowds": 1,
        "without their image": 1,
        "without a box": 2,
    }
    assert boxes.images == 2
    assert boxes.is_scaled


@pytest.mark.slow
def test_a_million_boxes_take_seconds(tmp_path: Path) -> None:
    box = '{"image_id":1,"bbox":[1,2,30.5,40],"iscrowd":0}'
    path = tmp_path / "many.json"
    path.write_text(f'{{"images":[{{"id":1,"width":64,"height":64}}],"annotations":[{",".join([box] * 10**6)}]}}')
    started = time.process_time()

    boxes = boxes_at(path, (64, 64))

    assert len(boxes.longer) == 10**6
    assert time.process_time() - started < 60


def test_voc_boxes_are_those_of_objects_and_not_of_their_parts(tmp_path: Path) -> None:
    folder = tmp_path / "Annotations"
    folder.mkdir()
    (folder / "1.xml").write_text(VOC.format(w=200, h=100))
    (tmp_path / "1.png").write_bytes(b"a picture beside them")

    boxes = boxes_at(tmp_path, (50, 50))

    assert (boxes.longer, boxes.shorter) == ([25], [10])
    assert boxes.left_out == {"without an extent": 1}


def test_voc_files_without_a_size_are_taken_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "1.xml").write_text(VOC.format(w=0, h=0))

    assert boxes_at(tmp_path, (50, 50)).longer == [100]


def test_yolo_s_shares_are_of_the_input(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("0 0.5 0.5 0.25 0.5\n\n3 0.1 0.1 0.3 0.1 0.3 0.5\n")
    (tmp_path / "b.txt").write_text("1 0.5 0.5 0 0.1\n")
    (tmp_path / "classes.txt").write_text("cat\ndog\n")

    boxes = boxes_at(tmp_path, (100, 200))

    assert boxes.longer == pytest.approx([50, 40])
    assert boxes.left_out == {"without an extent": 1}


def test_masks_give_each_connected_object_of_each_class(tmp_path: Path) -> None:
    values = np.zeros((40, 60), dtype=np.uint8)
    values[2:12, 3:8] = 1
    values[20:25, 30:50] = 1
    values[30:33, 0:3] = 7
    values[11:13, 7:9] = 255
    Image.fromarray(values).save(tmp_path / "mask.png")

    boxes = boxes_at(tmp_path, (40, 60))

    assert sorted(boxes.longer) == [3, 10, 20]


def test_masks_of_many_values_number_their_objects(tmp_path: Path) -> None:
    values = np.zeros((64, 64), dtype=np.int32)
    values[:60, :60] = np.arange(3600).reshape(60, 60) // 10
    Image.fromarray(values).save(tmp_path / "mask.tif")

    assert boxes_at(tmp_path, (64, 64)).longer == [10] * 359


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.json", "{", "no COCO file"),
        ("a.json", "[]", "no COCO file"),
        ("a.json", '{"annotations": 3}', "no COCO file"),
        ("a.json", '{"images": []}', "no COCO file"),
        ("a.json", "[" * 100_000, "a.json: "),
        ("a.json", '{"annotations": []}', "has no objects"),
        (
            "a.json",
            '{"annotations": [{"bbox": [1, 1, 0, 0]}]}',
            "has no objects but such as are left out: 1 without an extent",
        ),
        ("a.json", '{"annotations": [{"bbox": [1, 1, 1e999, 2]}]}', "a.json"),
        ("a.xml", BOMB, "declares a document type"),
        ("a.xml", '<!DOCTYPE a SYSTEM "file:///etc/passwd"><annotation/>', "declares a document type"),
        ("a.xml", "<annotation>", "no XML"),
        ("a.xml", "<html></html>", "no VOC file"),
        ("a.xml", "<a>" * 100, "nested too deeply"),
        ("a.xml", "<annotation><size><width>wide</width></size></annotation>", "<width> is 'wide', not a number"),
        ("a.txt", "0 0.5 0.5", "line 1 has 3 numbers"),
        ("a.txt", "cat 0.5 0.5 0.1 0.1", "line 1 is no object"),
        ("a.txt", "0 nan 0.5 nan 0.1", "has no objects but such as are left out"),
        ("a.png", "no picture", "no mask"),
        ("a.jpg", "", "objects are in COCO's .json"),
    ],
)
def test_what_is_none_is_refused_by_the_file_s_name_in_one_line(
    name: str, text: str, said: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(text)

    with pytest.raises(DataError) as error:
        boxes_at(tmp_path / name, (64, 64))

    assert said in str(error.value)
    assert name in str(error.value)
    assert "\n" not in str(error.value)


def test_a_bomb_in_utf_16_is_refused_as_well(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_bytes(BOMB.encode("utf-16"))

    with pytest.raises(DataError, match="declares a document type"):
        boxes_at(tmp_path, (64, 64))


def test_a_folder_without_annotations_is_refused(tmp_path: Path) -> None:
    (tmp_path / "readme.md").write_text("nothing here")

    with pytest.raises(DataError, match="has no annotations"):
        boxes_at(tmp_path, (64, 64))
    with pytest.raises(DataError, match="is nothing; objects are a range"):
        boxes_at(tmp_path / "missing", (64, 64))
