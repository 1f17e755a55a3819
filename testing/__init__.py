"""For tests of code that uses symposia: a scripted model and a loopback server. Nothing in the library imports this."""

from .completions import Answer, ReplyFunction, Script, default_reply
from .faults import Fault, Faults
from .loopback import Latency, LoopbackServer
from .recorded import Recorded
from .scripted import ScriptedCall, ScriptedModel, fake_spec

__all__ = [
    "Answer",
    "Fault",
    "Faults",
    "Latency",
    "LoopbackServer",
    "Recorded",
    "ReplyFunction",
    "Script",
    "ScriptedCall",
    "ScriptedModel",
    "default_reply",
    "fake_spec",
]
