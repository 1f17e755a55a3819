"""For tests of code that uses symposia: a scripted model and a loopback server. Nothing in the library imports this."""

from .completions import Answer, ReplyFunction, Script, default_reply
from .faults import Fault, Faults
from .loopback import Latency, LoopbackServer
from .postgres import PostgresServer
from .recorded import Recorded
from .rewards import RewardServer
from .scripted import ScriptedCall, ScriptedModel, fake_spec
from .vllm_python import write_vllm_python

__all__ = [
    "Answer",
    "Fault",
    "Faults",
    "Latency",
    "LoopbackServer",
    "PostgresServer",
    "Recorded",
    "ReplyFunction",
    "RewardServer",
    "Script",
    "ScriptedCall",
    "ScriptedModel",
    "default_reply",
    "fake_spec",
    "write_vllm_python",
]
