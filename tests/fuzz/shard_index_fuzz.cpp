// The input is model.safetensors.index.json as text.
#include "checkpoint/shard_index.h"
#include "only_error.h"

using namespace moebius;
using namespace moebius::internal;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return only_error([&] {
    const ShardIndex index = parse_shard_index(as_text(data, size), "fuzz");
    require(!index.tensors.empty());
    for (const ShardIndex::Entry& entry : index.tensors) require(entry.shard < index.shards.size());
    for (const std::string& shard : index.shards) require(!shard.empty() && shard.find('/') == shard.npos);
  });
}
