// Parses the index with a handler of JSON events. The index of a large checkpoint has hundreds of thousands of entries,
// and a tree would cost many times its text.
#include "checkpoint/shard_index.h"

#include <fmt/format.h>

#include <map>

#include "base/duplicates.h"
#include "base/json_events.h"
#include "base/quote.h"

namespace moebius::internal {
namespace {

// A shard lies in the checkpoint's own directory, so that its name is a plain file name.
bool is_plain_file_name(std::string_view name) {
  const bool has_separator = name.find_first_of(std::string_view("/\0", 2)) != std::string_view::npos;
  return !name.empty() && name != "." && name != ".." && !has_separator;
}

class IndexReader : public JsonHandler {
 public:
  explicit IndexReader(std::string where) : where_(std::move(where)) {}

  void begin_object() override {
    ++depth_;
    if (depth_ == 2 && key_ == "weight_map") {
      if (has_weight_map_) throw error(ErrorCode::kDuplicateKey, "weight_map", "appears twice");
      has_weight_map_ = in_weight_map_ = true;
    } else {
      refuse_in_weight_map();
    }
  }
  void end_object() override { leave(); }
  void begin_array() override {
    ++depth_;
    refuse_in_weight_map();
  }
  void end_array() override { leave(); }
  void key(std::string&& key) override {
    if (depth_ == 1 || in_weight_map_) key_ = std::move(key);
  }
  void scalar(Json&& value) override {
    if (!in_weight_map_) return;
    if (!value.is_string()) refuse_in_weight_map();
    add(value.get_ref<const std::string&>());
  }
  void huge_number(std::string_view text) override {
    throw error(ErrorCode::kInvalidJson, "", fmt::format("the number {} is out of range", printable(text, 32)));
  }

  ShardIndex take() {
    if (index_.tensors.empty()) {
      throw Error(ErrorCode::kBadConfig, where_ + ": weight_map",
                  "is missing or empty, expected tensor names and shards", kBadJsonHint);
    }
    const auto name = [&](size_t i) -> const std::string& { return index_.tensors[i].tensor; };
    if (const std::optional<size_t> twice = first_duplicate(index_.tensors.size(), name)) {
      throw Error(ErrorCode::kDuplicateKey, where_ + ": weight_map." + printable(name(*twice), 256), "appears twice",
                  kBadJsonHint);
    }
    number_shards();
    return std::move(index_);
  }

 private:
  [[nodiscard]] Error error(ErrorCode code, const std::string& field, const std::string& what) const {
    const std::string place = field.empty() ? where_ : where_ + ": " + field;
    return {code, place, fmt::format("{}, before byte {}", what, position()), kBadJsonHint};
  }
  void refuse_in_weight_map() const {
    if (!in_weight_map_) return;
    throw error(ErrorCode::kBadConfig, "weight_map." + printable(key_, 256), "expected a file name");
  }
  void leave() {
    if (--depth_ == 1) in_weight_map_ = false;
  }
  void add(const std::string& shard) {
    const std::string field = "weight_map." + printable(key_, 256);
    if (!is_plain_file_name(shard)) {
      throw error(ErrorCode::kPathEscape, field,
                  in_quotes(shard) + " is not a file name in the checkpoint's directory");
    }
    if (index_.tensors.size() == kMaxIndexTensors) {
      throw error(ErrorCode::kTooManyTensors, field, fmt::format("more than {} tensors", kMaxIndexTensors));
    }
    const auto [at, is_new] = shards_.emplace(shard, static_cast<uint32_t>(shards_.size()));
    if (shards_.size() > kMaxShards) {
      throw error(ErrorCode::kBadConfig, field, fmt::format("more than {} shards", kMaxShards));
    }
    index_.tensors.push_back({std::move(key_), at->second});
  }
  // Renumbers the shards from the order of appearance to the order of names.
  void number_shards() {
    std::vector<uint32_t> rank(shards_.size());
    for (const auto& [name, appearance] : shards_) {
      rank[appearance] = static_cast<uint32_t>(index_.shards.size());
      index_.shards.push_back(name);
    }
    for (ShardIndex::Entry& entry : index_.tensors) entry.shard = rank[entry.shard];
  }

  std::string where_;
  ShardIndex index_;
  std::map<std::string, uint32_t> shards_;  // name -> number, in order of appearance
  std::string key_;
  int depth_ = 0;
  bool in_weight_map_ = false;
  bool has_weight_map_ = false;
};

}  // namespace

ShardIndex parse_shard_index(std::string_view text, const std::string& where) {
  IndexReader reader(where);
  parse_json_events({text, where, {.max_bytes = kMaxIndexBytes}}, reader);
  return reader.take();
}

}  // namespace moebius::internal
