from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from brainstack.database import open_database
from brainstack.records import ChannelGain, PairTransform, Ran

PAIR = PairTransform("slide001_S1", "slide001_S2", 0.01, -12.5, 3.25, 0.93)
RAN = Ran("clean", 2, "slide001_S1", "2024-05-01T10:00:00.123456+00:00", 1.5, 0.7, "node1", "", {"pixels": "12"})


def test_numbers_of_numpy_are_taken_in_as_numbers(url: str) -> None:
    ran = replace(RAN, channel=np.int64(2), seconds=np.float32(1.5), memory_gb=np.float64(0.7))
    with open_database(url) as database:
        database.take_in_log("DK39", [ran])
        database.take_in_pairs("DK39", [replace(PAIR, metric=np.float32(0.5))])
        database.take_in_canvas("DK39", np.int64(10), np.int64(20))
    with open_database(url) as database:
        assert database.log_of("DK39", channel=2) == [RAN]
        assert database.pairs("DK39") == [replace(PAIR, metric=0.5)]


def test_the_row_of_a_gain_that_failed_goes_and_others_stay(url: str) -> None:
    with open_database(url) as database:
        database.take_in_gains("DK39", [ChannelGain(1, 2.5), ChannelGain(2, 9.86)])
        database.take_in_gains("DK39", [ChannelGain(2), ChannelGain(3)])
    with open_database(url) as database:
        assert database.gains("DK39") == [ChannelGain(1, 2.5)]
        database.take_in_gains("DK39", [ChannelGain(2, 1.5)])
        assert database.gains("DK39") == [ChannelGain(1, 2.5), ChannelGain(2, 1.5)]


def test_the_log_comes_back_by_time_as_it_was(url: str) -> None:
    earlier = replace(RAN, started_at="2024-05-01T09:59:59+00:00", error="The mask is (20, 30).", details={})
    with open_database(url) as database:
        database.take_in_log("DK39", [RAN, earlier])
    with open_database(url) as database:
        assert database.log_of("DK39") == [earlier, RAN]


def test_a_step_taken_into_the_log_again_stands_there_once(url: str) -> None:
    again = replace(RAN, started_at="2024-05-02T10:00:00+00:00")
    for entries in ([RAN], [RAN, again], [RAN, RAN], []):
        with open_database(url) as database:
            database.take_in_log("DK39", entries)
    with open_database(url) as database:
        assert database.log_of("DK39") == [RAN, again]


@pytest.mark.parametrize("written", ["2024-05-01T12:00:00+02:00", "2024-05-01T10:00:00Z", "2024-05-01T10:00:00"])
def test_times_are_kept_in_utc(url: str, written: str) -> None:
    with open_database(url) as database:
        database.take_in_log("DK39", [replace(RAN, started_at=written)])
        assert database.log_of("DK39")[0].started_at == "2024-05-01T10:00:00+00:00"


def test_the_log_can_be_asked_for_a_part(url: str) -> None:
    failed = replace(RAN, stage="meta", channel=0, item="slide001", error="torn")
    with open_database(url) as database:
        database.take_in_log("DK39", [RAN, failed])
        assert database.log_of("DK39", stage="clean") == [RAN]
        assert database.log_of("DK39", channel=0) == [failed]
        assert database.log_of("DK39", item="slide001") == [failed]
        assert database.log_of("DK39", failed=True) == [failed]
        assert database.log_of("DK39", failed=False) == [RAN]


def test_the_log_of_a_whole_animal_is_taken_in_by_few_statements(url: str) -> None:
    entries = [
        replace(RAN, stage=f"stage{stage:02d}", channel=channel, item=f"slide{section:03d}_S1")
        for stage in range(11)
        for channel in (1, 2, 3)
        for section in range(440)
    ]
    with open_database(url) as database:
        database.take_in_log("DK39", entries)
    with open_database(url) as database:
        assert database.log_of("DK39") == entries


# The gain


def test_gains_come_back_by_channel_and_a_later_one_replaces_the_one_before(url: str) -> None:
    first, second = ChannelGain(1, gain=3.0), ChannelGain(2, gain=1.5, approved=True)
    with open_database(url) as database:
        database.take_in_gains("DK39", [second, first])
    with open_database(url) as database:
        database.take_in_gains("DK39", [ChannelGain(1, gain=3.1)])
    with open_database(url) as database:
        assert database.gains("DK39") == [ChannelGain(1, gain=3.1), second]


def test_the_white_point_of_colour_comes_back(url: str) -> None:
    one = ChannelGain(1, white=(243, 238, 224))
    with open_database(url) as database:
        database.take_in_gains("DK39", [one])
        assert database.gains("DK39") == [one]
