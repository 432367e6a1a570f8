"""How sure a finding is: the probability that it is no chance finding."""

import math

PRIOR = 2.0
"""What is believed of a detector before anybody has said anything weighs as much as so many true and as many false findings."""
LEAST, MOST = 0.01, 0.99


def confidence(q_value: float, true: int = 0, false: int = 0) -> float:
    """The probability that a finding of this q-value is true, from 0.01 to 0.99.

    A p-value says how rare chance is, not how likely it is. The largest odds against chance that a p-value can bear out are
    1 / (-e·p·ln p) (Sellke, Bayarri and Berger, The American Statistician 55, 2001); taken of the q-value, they count what else was looked
    at. What people have said of the detector's findings in this project, `true` and `false`, moves the odds as a Beta prior does.
    """
    if math.isnan(q_value) or q_value >= 1 / math.e:
        odds = 1.0
    elif q_value <= 0:
        return MOST
    else:
        odds = -1 / (math.e * q_value * math.log(q_value))
    odds *= (PRIOR + true) / (PRIOR + false)
    return min(max(odds / (1 + odds), LEAST), MOST)
