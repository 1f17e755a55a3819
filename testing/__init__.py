"""For tests of code that uses symposia: a scripted model and a loopback server. Nothing in the library imports this."""

from .completions import Answer, ReplyFunction, Script, default_reply
from .embedder import HashEmbedder
from .faults import Fault, Faults
from .loopback import Latency, LoopbackServer
from .postgres import PostgresServer
from .recorded import Recorded
from .replying import Asked, Canned, ReplyServer
from .rewards import RewardServer
from .sandbox import ScriptedSandbox
from .scripted import ScriptedCall, ScriptedModel, fake_spec
from .tool_context import ScriptedContext, Wanted
from .vllm_python import write_vllm_python

__all__ = [
    "Answer",
    "Asked",
    "Canned",
    "Fault",
    "Faults",
    "HashEmbedder",
    "Latency",
    "LoopbackServer",
    "PostgresServer",
    "Recorded",
    "ReplyFunction",
    "ReplyServer",
    "RewardServer",
    "Script",
    "ScriptedCall",
    "ScriptedContext",
    "ScriptedModel",
    "ScriptedSandbox",
    "Wanted",
    "default_reply",
    "fake_spec",
    "write_vllm_python",
]
