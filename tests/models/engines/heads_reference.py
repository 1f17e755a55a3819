"""Run in a Python with torch: makes tiny random checkpoints, and computes what they must say, slowly and in another way.

``heads_reference.py make FOLDER`` writes one checkpoint of every kind. ``heads_reference.py judge`` reads
``{"FOLDER/KIND": [{"messages", "steps"}, …]}`` and prints what each model says of each solution: every step's prefix goes through
transformers' own classes alone, without padding, cut off right behind the step, so that nothing depends on positions or masks.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

TAG = "<extra_0>"
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
WIDTH = 128  # 4 heads of 32: the narrowest that vLLM has kernels for
SHAPE: dict[str, Any] = {
    "hidden_size": WIDTH,
    "intermediate_size": 2 * WIDTH,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
    "initializer_range": 0.2,  # large enough that what the model says depends on what it reads
    "tie_word_embeddings": False,
}


def tokenizer() -> Any:
    """Byte-level, as Qwen's, with its special tokens, and one token each for the labels and tag of Math-Shepherd."""
    bare = Tokenizer(models.BPE())
    bare.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bare.decoder = decoders.ByteLevel()
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", TAG]
    words = [
        "Nine and nine are eighteen, so the answer is 18.",
        "Step 1: first we add, then we halve. ки",
        "a user + - system",
    ] * 20
    bare.train_from_iterator(
        words,
        trainers.BpeTrainer(
            vocab_size=400, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
        ),
    )
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=bare, eos_token="<|im_end|>", pad_token="<|endoftext|>", chat_template=TEMPLATE, model_max_length=10**30
    )


def value_layers() -> Any:
    """A value head of two layers, as some train it."""
    return torch.nn.Sequential(torch.nn.Linear(WIDTH, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1))


def make(folder: Path) -> None:
    """Write the checkpoints: one of every kind, one without all of its weights, and one with a file that is not safe to read."""
    words = tokenizer()
    common = {**SHAPE, "vocab_size": len(words), "pad_token_id": words.pad_token_id}
    qwen = transformers.Qwen2Config(**common)
    llama = transformers.LlamaConfig(**common)
    bert = transformers.BertConfig(
        **{name: value for name, value in common.items() if name != "num_key_value_heads"}, num_labels=2
    )

    def save(name: str, model: Any, extra: dict[str, Any] | None = None, **changes: Any) -> None:
        place = folder / name
        model.save_pretrained(place, state_dict={**model.state_dict(), **(extra or {})})
        words.save_pretrained(place)
        path = place / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    torch.manual_seed(7)
    causal = transformers.Qwen2ForCausalLM(qwen)
    save("states", causal)
    save("value", causal, {"v_head.summary.weight": torch.randn(1, WIDTH) / 8, "v_head.summary.bias": torch.randn(1)})
    save("value-file", causal)
    torch.manual_seed(8)
    torch.save(
        {f"v_head.{name}": tensor for name, tensor in value_layers().state_dict().items()},
        folder / "value-file" / "value_head.pth",
    )
    save("unsafe", causal)
    torch.save(Path, folder / "unsafe" / "value_head.pth")  # unpickling it would import things
    save("shepherd", transformers.LlamaForCausalLM(llama))
    head = {"score.0.weight": torch.randn(WIDTH, WIDTH) / 8, "score.0.bias": torch.randn(WIDTH) / 8}
    head |= {"score.2.weight": torch.randn(2, WIDTH) / 8, "score.2.bias": torch.randn(2) / 8}
    remote = {"AutoModel": "modeling_qwen2_rm.Qwen2ForProcessRewardModel"}  # whose file is not there, and must not be missed
    save("process", causal, head, architectures=["Qwen2ForProcessRewardModel"], auto_map=remote)
    torn = {name: tensor for name, tensor in causal.state_dict().items() if "layers.1.mlp.up" not in name}
    causal.save_pretrained(folder / "torn", state_dict=torn)
    words.save_pretrained(folder / "torn")
    qwen.num_labels, llama.num_labels = 1, 2
    save("outcome-scalar", transformers.Qwen2ForSequenceClassification(qwen))
    save("outcome-classes", transformers.LlamaForSequenceClassification(llama))
    save("outcome-encoder", transformers.BertForSequenceClassification(bert))
    qwen.num_labels = 2
    save("tokens", transformers.Qwen2ForTokenClassification(qwen))


def judge(folder: Path, messages: list[dict[str, str]], steps: list[str]) -> dict[str, Any]:
    """What the model says at the end of every step, or of the whole, with the last layer's states there."""
    kind = folder.name
    words = transformers.AutoTokenizer.from_pretrained(folder)
    if kind.startswith("outcome"):
        whole = [*messages, {"role": "assistant", "content": "".join(steps)}]
        text = words.apply_chat_template(whole, tokenize=False)
        model = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()
        return {"raw": [model(**words(text, return_tensors="pt", add_special_tokens=False)).logits[0].tolist()]}
    if kind == "shepherd":
        tagged = [f"Step {number}: {step.strip()} ки" for number, step in enumerate(steps, 1)]
        question = "\n\n".join(message["content"] for message in messages)
        prefixes = [words.encode(f"{question} " + "\n".join(tagged[:count])) for count in range(1, len(steps) + 1)]
    elif kind == "process":
        prompt = words.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        pieces = [prompt, *(step.strip() + TAG for step in steps)]
        prefixes = [words.encode("".join(pieces[: count + 1])) for count in range(1, len(pieces))]
    else:
        prompt = words.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        cut = [words.encode(prompt), *(words.encode(step) for step in steps)]
        prefixes = [[token for piece in cut[: count + 1] for token in piece] for count in range(1, len(cut))]
    tensors = [torch.tensor([ids]) for ids in prefixes]
    if kind == "tokens":
        classifier = transformers.AutoModelForTokenClassification.from_pretrained(folder).eval()
        raw = [classifier(ids).logits[0, -1].tolist() for ids in tensors]
        return {"raw": raw}
    model = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
    outs = [model(ids, output_hidden_states=True) for ids in tensors]
    states = torch.stack([out.hidden_states[-1][0, -1] for out in outs])
    return {"raw": _headed(folder, kind, outs, states, words), "states": states.tolist()}


def _headed(folder: Path, kind: str, outs: list[Any], states: Any, words: Any) -> Any:
    weights = {}
    if kind in {"process", "value"}:
        from safetensors.torch import load_file

        weights = load_file(folder / "model.safetensors")
    if kind == "process":
        head = torch.nn.Sequential(torch.nn.Linear(WIDTH, WIDTH), torch.nn.ReLU(), torch.nn.Linear(WIDTH, 2))
        head.load_state_dict({name.removeprefix("score."): weights[name] for name in weights if name.startswith("score.")})
        return head(states).tolist()
    if kind == "value-file":
        head = value_layers()
        weights = torch.load(folder / "value_head.pth")
        head.load_state_dict({name.removeprefix("v_head."): tensor for name, tensor in weights.items()})
        return head(states).tolist()
    if kind == "value":
        return (states @ weights["v_head.summary.weight"].T + weights["v_head.summary.bias"]).tolist()
    if kind == "shepherd":
        labels = [words.convert_tokens_to_ids(label) for label in ("+", "-")]
        return [out.logits[0, -1, labels].tolist() for out in outs]
    return []


if __name__ == "__main__":
    transformers.logging.set_verbosity_error()
    with torch.inference_mode():
        if sys.argv[1] == "make":
            make(Path(sys.argv[2]))
        else:
            asked = json.load(sys.stdin)
            said = {name: [judge(Path(name), **solution) for solution in solutions] for name, solutions in asked.items()}
            print(json.dumps(said))
