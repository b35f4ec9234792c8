"""Metadata as real files have them: cut down to what is read, with names, places and units as ZEN wrote them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pylibCZIrw import czi as pylibczi

from brainstack.files.czi_metadata import parse_metadata
from brainstack.records import Channel

SLIDE = """
<ImageDocument><Metadata>
 <Experiment><ExperimentBlocks><AcquisitionBlock IsActivated="true">
  <SubDimensionSetups><RegionsSetup><SubDimensionSetups><MultiTrackSetup IsActivated="true">
   <Track IsActivated="true"><Channels><Channel IsActivated="true" Name="DAPI">
     <PixelShiftX>0</PixelShiftX><PixelShiftY>0</PixelShiftY>
     <DataGrabberSetup><CameraFrameSetup>
      <ExposureTime Status="Valid">2</ExposureTime>
     </CameraFrameSetup></DataGrabberSetup>
   </Channel></Channels></Track>
   <Track IsActivated="false"><Channels><Channel IsActivated="false" Name="EGFP">
     <PixelShiftX>99</PixelShiftX>
     <DataGrabberSetup><CameraFrameSetup><ExposureTime>999</ExposureTime></CameraFrameSetup></DataGrabberSetup>
   </Channel></Channels></Track>
   <Track IsActivated="true"><Channels><Channel IsActivated="true" Name="EGFP">
     <PixelShiftX>-1.5</PixelShiftX><PixelShiftY>2</PixelShiftY>
     <DataGrabberSetup><CameraFrameSetup><ExposureTime>361.954</ExposureTime></CameraFrameSetup></DataGrabberSetup>
   </Channel></Channels></Track>
  </MultiTrackSetup></SubDimensionSetups></RegionsSetup></SubDimensionSetups>
  <HelperSetups><FocusSetup><SoftwareAutofocus><Experiment><ExperimentBlocks><AcquisitionBlock><MultiTrackSetup>
   <Track IsActivated="true"><Channels><Channel IsActivated="true" Name="EGFP"><PixelShiftX>7</PixelShiftX>
     <DataGrabberSetup><CameraFrameSetup><ExposureTime>20</ExposureTime></CameraFrameSetup></DataGrabberSetup>
   </Channel></Channels></Track>
  </MultiTrackSetup></AcquisitionBlock></ExperimentBlocks></Experiment></SoftwareAutofocus></FocusSetup></HelperSetups>
 </AcquisitionBlock></ExperimentBlocks></Experiment>
 <Information>
  <Document><CreationDate>2021-06-15T08:09:43.0534704+02:00</CreationDate></Document>
  <Image>
   <SizeS>3</SizeS><SizeC>2</SizeC>
   <AcquisitionDateAndTime>2021-06-15T06:09:43.0304818Z</AcquisitionDateAndTime>
   <Dimensions>
    <Channels>
     <Channel Id="Channel:0" Name="DAPI"><ExposureTime>2000000</ExposureTime></Channel>
     <Channel Id="Channel:1" Name="EGFP"></Channel>
    </Channels>
    <S><Scenes>
     <Scene Index="0" Name="TR1"><CenterPosition>38397.296,12724.718</CenterPosition></Scene>
     <Scene Index="2" Name="TR2"><Positions>
      <Position X="100" Y="-50" Z="3" /><Position X="300" Y="-50" /><Position X="100" Y="150" />
     </Positions></Scene>
     <Scene Index="3" Name="TR3"><ScanMode>Meander</ScanMode></Scene>
    </Scenes></S>
   </Dimensions>
   <ObjectiveSettings><ObjectiveRef Id="Objective:2" /></ObjectiveSettings>
  </Image>
  <Instrument><Objectives>
   <Objective Id="Objective:1" Name="Plan-Apochromat 5x/0.35" />
   <Objective Id="Objective:2" Name="Plan-Apochromat 20x/0.8" />
  </Objectives></Instrument>
 </Information>
 <Scaling><Items>
  <Distance Id="X"><Value>3.25E-07</Value></Distance>
  <Distance Id="Y"><Value>3.2499999999999996E-07</Value></Distance>
  <Distance Id="Z"><Value>1E-06</Value></Distance>
 </Items></Scaling>
</Metadata></ImageDocument>
"""


def changed(*changes: tuple[str, str]) -> str:
    """SLIDE with these words instead of those."""
    text = SLIDE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text


def test_a_slide_says_all_of_itself() -> None:
    found = parse_metadata(SLIDE, 2)
    assert found.pixel_size_um == (0.325, 0.325)
    assert found.acquired_at == "2021-06-15T06:09:43.0304818Z"
    assert found.objective == "Plan-Apochromat 20x/0.8"
    assert found.scene_count == 3


def test_bytes_with_the_zeros_that_fill_their_segment_are_read_as_well() -> None:
    assert parse_metadata(SLIDE.strip().encode() + bytes(40), 2) == parse_metadata(SLIDE, 2)


def test_exposures_are_nanoseconds_of_the_image_or_else_milliseconds_of_the_setup_that_was_switched_on() -> None:
    assert parse_metadata(SLIDE, 2).channels == (Channel(1, "DAPI", 2.0), Channel(2, "EGFP", 361.954))


def test_channels_of_another_name_are_set_up_in_the_order_of_the_image() -> None:
    renamed = SLIDE.replace('Channel:0" Name="DAPI"', 'Channel:0" Name="x"')
    renamed = renamed.replace('Channel:1" Name="EGFP"', 'Channel:1" Name="y"')
    assert [channel.exposure_ms for channel in parse_metadata(renamed, 2).channels] == [2.0, 361.954]
    assert [channel.exposure_ms for channel in parse_metadata(renamed, 3).channels] == [2.0, None, None]


def test_an_exposure_of_which_two_things_are_said_is_not_known() -> None:
    both = changed(('<Track IsActivated="false"><Channels><Channel IsActivated="false"',
                    '<Track IsActivated="true"><Channels><Channel IsActivated="true"'))  # fmt: skip
    assert [channel.exposure_ms for channel in parse_metadata(both, 2).channels] == [2.0, None]


def test_a_channel_that_was_moved_says_by_how_much() -> None:
    assert parse_metadata(SLIDE, 2).pixel_shift_px == {2: (-1.5, 2.0)}


def test_a_scene_lies_at_its_centre_or_in_the_middle_of_its_tiles() -> None:
    assert parse_metadata(SLIDE, 2).stage_um == {0: (38397.296, 12724.718), 2: (200.0, 50.0)}


def test_channels_without_a_name_are_called_as_they_are_shown() -> None:
    """As in a file that ZEN put together from two: the second has another identity where it is shown."""
    about = """<ImageDocument><Metadata>
      <Information><Image><Dimensions><Channels><Channel Id="Channel:0" /><Channel Id="Channel:1" /></Channels>
      </Dimensions></Image></Information>
      <DisplaySetting><Channels><Channel Id="Channel:0" Name="DAPI" /><Channel Id="c15b6ce0" Name="GFP" /></Channels>
      </DisplaySetting></Metadata></ImageDocument>"""
    assert [channel.name for channel in parse_metadata(about, 3).channels] == ["DAPI", "GFP", "C3"]


def test_a_channel_is_shown_under_its_own_identity() -> None:
    about = """<ImageDocument><Metadata>
      <Information><Image><Dimensions><Channels><Channel Id="Channel:2" /></Channels></Dimensions></Image></Information>
      <DisplaySetting><Channels><Channel Id="Channel:0" Name="DAPI" /><Channel Id="Channel:2" Name="GFP" /></Channels>
      </DisplaySetting></Metadata></ImageDocument>"""
    assert [channel.name for channel in parse_metadata(about, 1).channels] == ["GFP"]


@pytest.mark.parametrize("xml", ["", b"", "<ImageDocument />", "<ImageDocument><Metadata /></ImageDocument>"])
def test_what_says_nothing_is_known_to_say_nothing(xml: str | bytes) -> None:
    found = parse_metadata(xml, 2)
    assert found.channels == (Channel(1, "C1"), Channel(2, "C2"))
    assert (found.pixel_size_um, found.acquired_at, found.objective) == (None, "", "")
    assert (found.stage_um, found.scene_count, found.pixel_shift_px) == ({}, None, {})


@pytest.mark.parametrize(
    "value", ["<Value>0</Value>", "<Value></Value>", "<Value>NaN</Value>", ""], ids=["zero", "empty", "nan", "none"]
)
def test_a_pixel_size_along_one_axis_only_is_none(value: str) -> None:
    assert parse_metadata(changed(("<Value>3.25E-07</Value>", value)), 2).pixel_size_um is None


def test_pixels_need_not_be_square() -> None:
    assert parse_metadata(changed(("3.25E-07", "6.5E-07")), 2).pixel_size_um == (0.65, 0.325)


def test_a_time_that_was_not_known_is_passed_over() -> None:
    unknown = changed(("2021-06-15T06:09:43.0304818Z", "0001-01-01T00:00:00"))
    assert parse_metadata(unknown, 2).acquired_at == "2021-06-15T08:09:43.0534704+02:00"


def test_the_objective_that_the_pixel_size_is_for_is_the_one_that_was_used() -> None:
    """Where an instrument has several, and the image points at none of them."""
    scaling = "<AutoScaling><ObjectiveName>Plan-Apochromat 10x/0.45 M27</ObjectiveName></AutoScaling><Items>"
    several = changed(('<ObjectiveRef Id="Objective:2" />', ""))
    assert parse_metadata(several, 2).objective == ""
    scaled = several.replace("<Items>", scaling, 1)
    assert parse_metadata(scaled, 2).objective == "Plan-Apochromat 10x/0.45 M27"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("<ImageDocument>", "<ImageDocument", "its metadata are no XML"),
        ("3.25E-07", "0.325 um", r"the pixel size along x is '0.325 um' in its metadata, which is no number"),
        ("3.25E-07", "-3.25E-07", "the pixel size along x is -3.25e-07 m in its metadata, which is below 0"),
        ("3.25E-07", "inf", "the pixel size along x is 'inf'"),
        ("2000000", "long", "the exposure of channel 1 is 'long'"),
        ("361.954", "short", "the exposure of channel 2 is 'short'"),
        ("38397.296,12724.718", "38397.296;12724.718", "the place of scene 1 on the stage is '38397.296;12724.718'"),
        ('X="300"', 'X="far"', "the place of scene 3 on the stage is 'far'"),
        ('Index="2"', 'Index="two"', "the index of a scene is 'two'"),
        ("<SizeS>3", "<SizeS>3.5", r"the number of scenes \(SizeS\) is '3.5' in its metadata, which is no count"),
        ("-1.5", "left", "the pixel shift of channel 2 is 'left'"),
    ],
)  # fmt: skip
def test_what_is_no_number_is_named(old: str, new: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_metadata(changed((old, new)), 2)


def test_zeros_in_place_of_the_metadata_are_no_xml() -> None:
    with pytest.raises(ValueError, match="no XML"):
        parse_metadata(bytes(100), 2)


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "channels", "objective"),
    [
        ("S3_1Pos_2Mosaic_T2_Z3_CH2_sm", [("DAPI", 2.0), ("EGFP", 2.0)], "Plan-Apochromat 5x/0.35"),
        ("mosaic_test", [("EGFP", 75.0)], "Plan-Apochromat 10x/0.45 M27"),
        ("CellDivision_T3_Z5_CH2_X240_Y170", [("LED555", 100.0), ("LED470", 200.0)], "Plan-Apochromat 50x/1.2"),
        ("DAPI_GFP", [("DAPI", None), ("GFP", None)], ""),
        ("RGB-8bit", [("C1", None)], "Plan-Apochromat 10x/0.45 M27"),
    ],
)
def test_real_files_say_what_zen_shows_of_them(
    real_data: Callable[[str], Path], name: str, channels: list[tuple[str, float | None]], objective: str
) -> None:
    with pylibczi.open_czi(str(real_data(f"czi_real/{name}.czi"))) as reader:
        found = parse_metadata(reader.raw_metadata, len(channels))
    assert [(channel.name, channel.exposure_ms) for channel in found.channels] == channels
    assert found.objective == objective
    assert found.pixel_shift_px == {}


@pytest.mark.real_data
def test_real_scenes_lie_on_the_stage_as_they_lie_in_the_picture(real_data: Callable[[str], Path]) -> None:
    """From one scene to the next it is as far on the stage as in pixels, to a pixel or two."""
    with pylibczi.open_czi(str(real_data("czi_real/S3_1Pos_2Mosaic_T2_Z3_CH2_sm.czi"))) as reader:
        found = parse_metadata(reader.raw_metadata, 2)
        boxes = reader.scenes_bounding_rectangle_no_pyramid
    assert found.pixel_size_um == (1.6, 1.6)
    assert found.scene_count == len(boxes) == 3
    centres = {index: (box.x + box.w / 2, box.y + box.h / 2) for index, box in boxes.items()}
    for index in (1, 2):
        for axis in (0, 1):
            stage_px = (found.stage_um[index][axis] - found.stage_um[0][axis]) / 1.6
            assert stage_px == pytest.approx(centres[index][axis] - centres[0][axis], abs=2)
