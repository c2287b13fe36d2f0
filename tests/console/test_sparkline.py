import math

from dnn_cli.console.sparkline import bar, sparkline


def test_sparkline_runs_from_the_lowest_to_the_highest_value():
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7], 8) == "▁▂▃▄▅▆▇█"
    assert sparkline([0.0, 7.0], 8, unicode=False) == "_#"


def test_sparkline_averages_what_does_not_fit():
    assert sparkline([0, 0, 7, 7], 2) == "▁█"
    assert len(sparkline(range(1000), 37)) == 37


def test_sparkline_of_nothing_one_value_equal_values_and_nan():
    assert sparkline([], 5) == ""
    assert sparkline([3.0], 5) == "▁"
    assert sparkline([2.0, 2.0], 5) == "▁▁"
    assert sparkline([0.0, math.nan, 1.0, math.inf], 5) == "▁ █ "
    assert sparkline([math.nan, 1.0, 0.0, 0.0], 2) == "█▁"


def test_bar_is_as_wide_as_asked_and_never_overflows():
    assert bar(0.5, 4) == ("━━", "──")
    assert bar(1.0, 3, unicode=False) == ("###", "")
    assert bar(-1.0, 3) == ("", "───")
    assert bar(7.0, 3) == ("━━━", "")
    assert bar(0.1 + 0.2, 10) == ("━━━", "───────")  # 0.30000000000000004
