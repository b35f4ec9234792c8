"""What the sections of a channel are made bright by, as Gain left it."""

from __future__ import annotations

import json
from typing import Any

from brainstack.errors import BrainstackError
from brainstack.plan import Plan
from brainstack.stages import original


def has_gain(plan: Plan, channel: int) -> bool:
    """True where Gain has found one for the channel, or one is approved."""
    return plan.folder.small(f"gain_C{channel}").exists() and "gain" in _content(plan, channel)


def channel_gain(plan: Plan, channel: int) -> float:
    """The one gain of a channel of a grey animal."""
    return float(_content(plan, channel)["gain"])


def section_gain(plan: Plan, channel: int, key: str) -> float:
    """What a section is multiplied by: the channel's gain, and what evens it out where that is asked for.

    Raises BrainstackError for a copy of a section whose brightness is not known.
    """
    content = _content(plan, channel)
    if not plan.settings.gain.even_um:
        return float(content["gain"])
    key = original(plan, key)
    if key not in content["sections"]:
        raise BrainstackError(
            f"The brightness of {key} is not known, from which its copy is evened out; mend the mask of {key}."
        )
    return float(content["gain"]) * float(content["sections"][key])


def _content(plan: Plan, channel: int) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(plan.folder.small(f"gain_C{channel}").read_text())
    return content
