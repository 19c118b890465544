"""All shapes of all families. The files of the families say what each table holds."""

import shapes_qwen3_5
import shapes_qwen3_5_moe
import shapes_qwen3_moe
import shapes_qwen3_next

PLAIN = shapes_qwen3_5_moe.PLAIN | shapes_qwen3_next.PLAIN | shapes_qwen3_moe.PLAIN | shapes_qwen3_5.PLAIN
QUANTIZED = (shapes_qwen3_5_moe.QUANTIZED | shapes_qwen3_next.QUANTIZED | shapes_qwen3_moe.QUANTIZED |
             shapes_qwen3_5.QUANTIZED)
QUANTIZED_TOKENS = 80
