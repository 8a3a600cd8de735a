"""LeRobot's command lines: which of its flags are elsewhere here, and which change nothing, with the reason."""

from hilt.config.fields import Compatibility

_SHOWN = {"display_data": ("viewer", "rerun")}
_SHOWN_HOW = dict.fromkeys(
    ("display_mode", "display_ip", "display_port", "display_compressed_images"),
    "what shows, where and how is said with --viewer.type= and the fields of that type",
)
_SOUNDS = {"play_sounds": "the session speaks through its inputs and the terminal"}
_DATASET = {"resume": "dataset.resume"}
_RATES = {
    "log_hz": "the rate is always measured, and reported at the end",
    "hz_log_interval_s": "the rate is always measured, and reported at the end",
}
_COMPILE = dict.fromkeys(
    ("use_torch_compile", "torch_compile_backend", "torch_compile_mode", "compile_warmup_inferences"),
    "policies run as they are, in their own process",
)
_DAGGER = {
    "strategy.smooth_handover": "every handover is",
    "strategy.record_autonomous": "every frame is kept, labelled with who commanded it",
}

COLLECT = Compatibility(
    unused=_SHOWN_HOW | _SOUNDS | _RATES | _COMPILE | _DAGGER | {"rtc.debug": "every chunk is in the log"},
    moved=_DATASET
    | {
        "device": "policy.device",
        "fps": "dataset.fps",
        "task": "dataset.single_task",
        "strategy.num_episodes": "dataset.num_episodes",
        "inference.queue_threshold": "policy.queue_threshold",
        "inference.rtc.execution_horizon": "rtc.execution_horizon",
        "inference.rtc.max_guidance_weight": "rtc.max_guidance_weight",
        "inference.rtc.prefix_attention_schedule": "rtc.prefix_attention_schedule",
    },
    meanings={
        "strategy.type": {"dagger": {}},
        "inference.type": {"rtc": {"rtc.enabled": True}, "sync": {"policy.inference": "sync"}},
    },
    devices=_SHOWN,
)
RECORD = Compatibility(unused=_SHOWN_HOW | _SOUNDS, moved=_DATASET, devices=_SHOWN)
REPLAY = Compatibility(
    unused=_SHOWN_HOW | _SOUNDS | {"dataset.fps": "the recording's own rate counts; --speed=0.5 replays it at half speed"},
    moved={"episode": "dataset.episode"},
    devices=_SHOWN,
)
TELEOPERATE = Compatibility(unused=_SHOWN_HOW, devices=_SHOWN)
